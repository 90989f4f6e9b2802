"""What the Python that runs Snakemake needs: a path without a space, and the packages that planning
a run takes beside those that come with Snakemake."""

import importlib.util
import sys

from upwind.common.errors import UpwindError

# What the rules' functions import in Snakemake's own process. A test holds these to what is needed.
FOR_PLANNING = ("grimp", "numpy", "pandas")


def check_interpreter() -> None:
    """Raise UpwindError where the path of this Python has a space in it: Snakemake starts jobs by
    that path without quotes, so that each would end with 'No such file or directory'."""
    if len(sys.executable.split()) > 1:
        raise UpwindError(
            f"{sys.executable} has a space in its path, so that Snakemake could start no job: move "
            "the project, or its .venv, into a folder without one, and run `make install` there"
        )


def check_packages() -> None:
    """Raise UpwindError where a package is missing without which no job can be planned.

    Reading the rules takes none of them: ``snakemake --lint`` and the like do without.
    """
    missing = [name for name in FOR_PLANNING if importlib.util.find_spec(name) is None]
    if missing:
        raise UpwindError(
            f"{sys.executable} has no {', '.join(missing)}: run `make install` and then "
            "`.venv/bin/snakemake`, or `pip install .` in the folder of the Snakefile"
        )
