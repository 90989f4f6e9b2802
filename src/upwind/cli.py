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


@app.command()
def segment(
    ct: Annotated[Path, typer.Argument(help="CT in HU, NIfTI (.nii or .nii.gz).")],
    weights: Annotated[Path, typer.Option(help="Trained network (.safetensors).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Mask to write, NIfTI.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace a mask that is there.")] = False,
) -> None:
    """Segment the liver in a CT with a trained network, on the CT's own grid."""
    from upwind.segmentation.files import segment_file

    if output.exists() and not overwrite:
        raise UpwindError(f"{output} exists already; name another file or give --overwrite")
    segmented = segment_file(ct, weights, output, device, threads)
    for warning in segmented.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"{output}: {segmented.liver_ml:.0f} ml of liver")


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Results of an experiment: results/NAME.")],
) -> None:
    """Print Table I of a finished experiment and where its figures are."""
    table = folder / "table1.md"
    if not table.is_file():
        raise UpwindError(
            f"{table} is not there: give the folder of a finished experiment, results/NAME, or run "
            "`snakemake --cores 2` first"
        )
    typer.echo(f"Table I, ours / published ({table})\n\n{table.read_text(encoding='utf-8')}")
    report = folder / "report.html"
    if report.is_file() and report.stat().st_mtime < table.stat().st_mtime:
        typer.echo(f"{report} is older than Table I; see {folder}/logs/report.log", err=True)
    pages = ["report.html", *sorted(p.name for p in folder.glob("*.png"))]
    typer.echo("\n".join(str(folder / page) for page in pages if (folder / page).is_file()))
