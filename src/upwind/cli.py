"""The command ``upwind``. Commands are thin; what they need is imported when they run, so that
``upwind --help`` answers at once."""

import enum
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from upwind.common.errors import UpwindError


class _Group(TyperGroup):
    """Commands whose :class:`UpwindError` is one message on stderr and exit code 1."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except UpwindError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Group,
    help="Liver segmentation in CT: UNet, level set network and level set baseline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    # Keeps the command's name where there is only one.
    pass


class Kind(enum.StrEnum):
    """How the files of a data set are named (see upwind.data.naming)."""

    auto = enum.auto()
    lits = enum.auto()
    msd = enum.auto()


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with the data set.")],
    kind: Annotated[
        Kind, typer.Option(help="Naming: LiTS, Medical Segmentation Decathlon, or either.")
    ] = Kind.auto,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the reports as JSON instead of a table.")
    ] = False,
) -> None:
    """Look for every problem of every case of a data set.

    Prints a table of the cases and all problems found. The exit code is 1 if a case is bad.
    """
    import json

    from rich.console import Console
    from rich.progress import track

    from upwind.data.check import check_case, view
    from upwind.data.naming import find_cases

    cases = find_cases(folder, kind.value)
    errors = Console(stderr=True)
    reports = [
        check_case(case)
        for case in track(
            cases, "Checking", console=errors, transient=True, disable=not errors.is_terminal
        )
    ]
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        Console().print(view(reports))
    if any(report.errors for report in reports):
        raise typer.Exit(1)
