"""Commands about data sets: ``check`` and ``import``."""

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.printing import display, say
from upwind.common.errors import UpwindError
from upwind.common.wording import first_few


class DatasetKind(enum.StrEnum):
    """How the files of a data set are named (see upwind.data.naming)."""

    auto = enum.auto()
    lits = enum.auto()
    msd = enum.auto()


def check(
    folder: Annotated[Path, typer.Argument(help="Folder with the data set.")],
    kind: Annotated[
        DatasetKind,
        typer.Option(
            help="Names of the files: as LiTS, as Medical Segmentation Decathlon, or either."
        ),
    ] = DatasetKind.auto,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the reports as JSON instead of a table.")
    ] = False,
) -> None:
    """Look for every problem of every case of a data set.

    Prints a table of the cases and all problems found. The exit code is 1 if a case is bad.
    """
    import json

    from upwind.data.check import check as checked
    from upwind.data.check import view
    from upwind.data.naming import left_out

    reports = checked(folder, kind.value, progress=True)
    if as_json:
        say(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        display(view(reports))
    _tell_left_out(left_out(folder))
    if any(report.errors for report in reports):
        raise typer.Exit(1)


def _tell_left_out(names: Sequence[str]) -> None:
    """Name the files that may have been meant as cases, and are not named like one."""
    if names:
        shown = first_few(names, 5)
        say(f"Not looked at, since they are not named like a case: {shown}", err=True)


class DataSet(enum.StrEnum):
    """Data sets that can be imported, by the naming of their files."""

    lits = enum.auto()
    msd = enum.auto()


def import_data(
    kind: Annotated[
        DataSet,
        typer.Argument(help="Names of the files: as LiTS, or as Medical Segmentation Decathlon."),
    ],
    source: Annotated[Path, typer.Argument(help="Folder with the volumes, in it or below.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder to make, in place of data/lits or data/msd.")
    ] = None,
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Use the source's own files, which become read-only, in place of copies.",
        ),
    ] = False,
    allow_bad: Annotated[
        bool, typer.Option("--allow-bad", help="Import although cases cannot be used.")
    ] = False,
) -> None:
    """Check a data set, copy it into the project and put it under DVC.

    Nothing is left behind if a case is bad or something fails. A folder that holds the volumes
    already is put under DVC where it is.
    """
    from upwind.data.check import view
    from upwind.versions.importing import (
        check_cases,
        gigabytes,
        next_steps,
        numbering_remark,
        plan_import,
        run_import,
    )

    root = root or Path("data", kind.value)
    planned = plan_import(source, root, kind.value, link)
    how = "put under DVC in place" if planned.in_place else "linked" if link else "copied"
    volumes = f"{len(planned.cases)} cases, {gigabytes(planned.bytes)}"
    say(f"{volumes} in {source}, to be {how} as {root}", err=True)
    _tell_left_out(planned.left_out)
    remark = numbering_remark(planned.cases) if kind is DataSet.lits else None
    if remark:
        say(f"Warning: {remark}", err=True)
    reports = check_cases(planned)
    display(view(reports))
    bad = sum(bool(report.errors) for report in reports)
    if bad and not allow_bad:
        raise UpwindError(
            f"nothing is imported: {bad} of {len(reports)} cases cannot be used, for the reasons "
            "above. Mend them; or give --allow-bad, and set dataset.on_bad_case: skip for the run"
        )
    pointer = run_import(planned)
    say(next_steps(planned, pointer))
