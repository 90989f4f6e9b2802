"""The command ``score``."""

from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.options import check_folder
from upwind.cli.printing import display, say
from upwind.settings.scores import Missing, ScoreSettings


def score(
    labels: Annotated[
        str, typer.Argument(help="Folder of labels, or a pattern: 'labels/{case}.nii.gz'.")
    ],
    masks: Annotated[
        list[str],
        typer.Argument(
            help="A folder or pattern of masks for each method; NAME=FOLDER names the method."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for tables and figure.")],
    label: Annotated[
        list[int] | None,
        typer.Option(
            help="Value of the structure in labels; repeat it for several. Without it: all above 0."
        ),
    ] = None,
    mask_label: Annotated[
        list[int] | None,
        typer.Option(help="Value of the structure in masks. Without it, masks hold 0 and 1 alone."),
    ] = None,
    tolerance: Annotated[
        list[float] | None, typer.Option(min=0, help="Tolerance of NSD, mm; repeat it for several.")
    ] = None,
    resample: Annotated[
        bool,
        typer.Option("--resample", help="Bring masks on other grids to the label's (nearest)."),
    ] = False,
    missing: Annotated[
        Missing,
        typer.Option(
            help="A case without a usable mask: stop, leave it out, or count it as empty."
        ),
    ] = "refuse",
    overwrite: Annotated[bool, typer.Option(help="Write into a folder that has files.")] = False,
) -> None:
    """Score anybody's masks against labels, and rank methods.

    Files are paired by the case number in their names; a mask lies where its own header says.
    Writes scores.csv, summary.csv and scores.png, and for several methods comparison.csv and
    ranks.csv. docs/scores.md defines every column.
    """
    from upwind.common.files import write_csv
    from upwind.figures.methods_compared import draw_methods
    from upwind.figures.style import save
    from upwind.scores.outside import How
    from upwind.tables.scored import score_files
    from upwind.tables.summary import view

    check_folder(output, overwrite)
    tolerances = tuple(tolerance) if tolerance else ScoreSettings().nsd_tolerances_mm
    how = How(label, mask_label, resample, tolerances, missing)
    tables, problems, notes = score_files(labels, masks, how)
    named = {"scores": tables.scores, "summary": tables.summary}
    if len(tables.methods) > 1:
        named |= {"comparison": tables.comparison, "ranks": tables.ranks}
    for name, table in named.items():
        write_csv(output / f"{name}.csv", table)
    figures = [output / f"scores.{ending}" for ending in ("png", "pdf")]
    save(draw_methods(tables), *figures)
    for note in notes:
        say(f"Note: {note}", err=True)
    for problem in problems:
        empty = problem.missing and missing == "empty"
        say(f"{'Counts as empty' if empty else 'Left out'}: {problem}", err=True)
    display(view(tables))
    say("\n".join(str(path) for path in [*(output / f"{n}.csv" for n in named), *figures]))
