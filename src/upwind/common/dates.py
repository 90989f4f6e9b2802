"""Dates of files. Snakemake takes what was made before its inputs for old, so that no output of a
file that is dated in the future is ever new enough: the job ends in an error."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.wording import first_few

_CLOCKS = 300  # seconds by which clocks of two machines may differ
_SHOWN = 5


def in_the_future(path: str | os.PathLike[str]) -> bool:
    """Is the file dated later than now, by more than clocks differ? Not where there is none."""
    try:
        return Path(path).stat().st_mtime > time.time() + _CLOCKS
    except OSError:
        return False


def refuse_future(paths: Iterable[Path]) -> None:
    """Raises UpwindError naming the files that are dated in the future."""
    if late := [str(path) for path in paths if in_the_future(path)]:
        raise UpwindError(
            f"dated in the future, so that Snakemake would take nothing made of them for new: "
            f"{first_few(late, _SHOWN)}. Set their dates with `touch`, and see to this machine's "
            "clock"
        )
