"""Commands that look at the results of a run: ``show``, ``compare``, ``audit`` and ``trace``."""

from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.printing import display, say
from upwind.common.errors import UpwindError


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
    from rich.markdown import Markdown

    say(f"Table I, ours / published ({table})\n")
    display(Markdown(table.read_text(encoding="utf-8")))
    report = folder / "report.html"
    # A release is never made again, and its files have the dates of their coming.
    released = folder.with_name(f"{folder.name}.dvc").is_file()
    if report.is_file() and report.stat().st_mtime < table.stat().st_mtime and not released:
        say(f"{report} is older than Table I; see {folder}/logs/report.log", err=True)
    pages = ["report.html", *sorted(p.name for p in folder.glob("*.png"))]
    say("\n".join(str(folder / page) for page in pages if (folder / page).is_file()))


def compare(
    first: Annotated[Path, typer.Argument(help="Results of a run, results/NAME, or a crate.")],
    second: Annotated[
        Path | None, typer.Argument(help="Another run; without it, the published demo.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="List every file and what differs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say whether two runs gave the same, and if not, what differs and why.

    File by file and cell by cell, with the causes as the records tell them: settings, seeds, data,
    code, packages, processor. Nothing of either run is executed. The exit code is 0 if they are
    identical, or the same within the spread over seeds, 1 if not, 2 if they cannot be compared.

    With one run: whether it reproduced the published demo's Table I to the last digit.
    """
    try:
        if second is None:
            code = _compare_with_published(first, as_json)
        else:
            code = _compare_two(first, second, full, as_json)
    except UpwindError as error:
        say(f"Error: {error!s}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(code)


def _compare_two(first: Path, second: Path, full: bool, as_json: bool) -> int:
    from upwind.reproduction.comparison import Verdict
    from upwind.reproduction.comparison import compare as compared
    from upwind.reproduction.published import known_spread
    from upwind.reproduction.reading import opened
    from upwind.reproduction.view import to_json, view

    with opened(first) as one, opened(second) as other:
        found = compared(one, other, known_spread((one, other)))
    if as_json:
        say(to_json(found))
    else:
        display(view(found, full))
    return int(found.verdict is Verdict.different)


def _compare_with_published(run: Path, as_json: bool) -> int:
    from upwind.reproduction.answer import to_json, view
    from upwind.reproduction.published import read_published
    from upwind.reproduction.reading import opened
    from upwind.reproduction.reproduced import Answer, reproduction

    with opened(run) as side:
        found = reproduction(side, read_published())
    if as_json:
        say(to_json(found))
    else:
        display(view(found))
    return {Answer.yes: 0, Answer.no: 1, Answer.not_the_demo: 2}[found.answer]


def audit(
    folder: Annotated[
        Path,
        typer.Argument(help="Results of an experiment, results/NAME, or a crate (.zip) of it."),
    ],
    deep: Annotated[
        bool, typer.Option("--deep", help="Make scores, slices and folds again from the volumes.")
    ] = False,
    ask: Annotated[
        bool,
        typer.Option("--ask/--no-ask", help="Ask the workflow what it would do (some seconds)."),
    ] = True,
    trust: Annotated[
        Path | None,
        typer.Option(help="Another project of yours whose workflow may be asked."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cases that --deep looks at side by side.")] = 1,
    signers: Annotated[
        Path | None,
        typer.Option(
            help="Keys that you trust (ssh-keygen's allowed_signers): one of them must have signed "
            "the crate."
        ),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help="Certificate (PEM) of the authority that must have stamped the crate's time."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Prove that every number of an experiment comes from its data, or say what is wrong.

    Every file is hashed and compared with the records of the jobs. The records are compared with
    the code, the packages and the configuration. Tables are made again. The exit code is 0 only if
    everything holds; warnings and what could not be checked are named.

    The workflow is asked only in the project that you stand in, or that you trust, since asking it
    executes its Snakefile. Nothing of anybody else's results is executed.

    Records say how results were made. Only a signature says who wrote them: that of a crate, which
    --signers checks.
    """
    from upwind.audit.view import to_json, view

    if folder.is_file():
        from upwind.audit.crate.audited import audit_crate
        from upwind.audit.signature.check import Trusted

        result = audit_crate(folder, deep=deep, trusted=Trusted(signers, authority))
    elif signers or authority:
        raise UpwindError(
            f"{folder} is a folder, and crates are signed: give the crate, which `upwind crate "
            "--sign KEY` writes"
        )
    else:
        from upwind.audit.whole import audit as audited

        result = audited(folder, deep=deep, ask=ask, jobs=jobs, trusted=trust)
    if as_json:
        say(to_json(result))
    else:
        display(view(result))
    if not result.holds:
        raise typer.Exit(1)


def trace(
    file: Annotated[Path, typer.Argument(help="A file of results/NAME, such as table1.csv.")],
    cell: Annotated[
        str | None, typer.Option(help="A cell of Table I: COLUMN,ROW, such as UNet,2.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show every file, module and package.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a tree.")] = False,
    page: Annotated[
        Path | None, typer.Option("--html", help="Draw the chain into this HTML file instead.")
    ] = None,
) -> None:
    """Show where a number or a file comes from, down to the raw volumes.

    Job by job: what it read and wrote, with hashes, its code, parameters and seeds, where it ran
    and how long. The exit code is 1 if a link of the chain does not hold.
    """
    import json

    from upwind.audit.trace.text import to_dict, view
    from upwind.audit.trace.walk import trace as traced

    chain = traced(file, cell)
    if page is not None:
        from upwind.audit.trace.page import write_page

        write_page(page, chain)
        say(f"{page}: {len(chain.sources)} jobs behind {chain.path}", err=as_json)
    if as_json:
        say(json.dumps(to_dict(chain), indent=2))
    elif page is None:
        display(view(chain, full))
    for problem in chain.problems if page is not None or as_json else ():
        say(f"Broken: {problem}", err=True)
    if chain.problems:
        raise typer.Exit(1)
