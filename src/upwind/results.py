"""What a run makes: the list that the workflow's rules fill, and that each run leaves as
``results.json`` for who reads its results (report, release, crate, audit).

A rule says of its outputs what they are where it declares them (``workflow/rules/common.smk``), and
nothing else names them: what is declared is asked for by ``rule all``.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError

FILE = "results.json"
# An input of `rule all`: paths, or a function of its wildcards that tells them.
Wanted = str | list[str] | Callable[[Any], list[str]]


@dataclass(frozen=True)
class Result:
    """A file, or a folder of files, below the results.

    Attributes:
        path: relative to the experiment's folder.
        category, item, kind, caption: of the report (``kind`` is figure or table, ``caption`` the
            name of a file in ``workflow/report``); empty for what is not in it.
        released: does it go into a release (`upwind release`)? What is large and can be made from
            the data and the weights does not.
        published: does it go into a crate (`upwind crate`)? Patients' images do not.
    """

    path: str
    category: str = ""
    item: str = ""
    kind: str = ""
    caption: str = ""
    released: bool = True
    published: bool = True


@dataclass
class ResultList:
    """Results in the order in which rules declare them.

    ``files`` are single files, ``folders`` what holds a file for each case, fold or run;
    ``targets`` are outputs that no plain run makes, by the name that asks for them
    (`snakemake atlas`).
    """

    files: list[Result] = field(default_factory=list)
    folders: list[Result] = field(default_factory=list)
    targets: dict[str, list[str]] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """The single files of a finished run, relative to the experiment's folder."""
        return [result.path for result in self.files]

    def unreleased(self) -> list[str]:
        """Folders that no release holds."""
        return [result.path for result in self.folders if not result.released]

    def unpublished(self) -> list[str]:
        """Folders that no crate holds."""
        return [result.path for result in self.folders if not result.published]

    def as_json(self) -> dict[str, Any]:
        """For ``results.json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ResultList":
        """From what :meth:`as_json` gave."""
        files, folders = (
            [Result(**result) for result in content[name]] for name in ("files", "folders")
        )
        return cls(files, folders, dict(content["targets"]))


def read_results(folder: str | os.PathLike[str]) -> ResultList:
    """The list of a finished run in ``folder``. Raises UpwindError where there is none."""
    path = Path(folder, FILE)
    try:
        return ResultList.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UpwindError(
            f"{path} does not tell what the run makes ({error}): run `snakemake` to its end first"
        ) from error
