"""The command ``upwind``. Commands are thin; what they need is imported when they run, so that
``upwind --help`` answers at once."""

import enum
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from upwind.common.caches import settle, show_anywhere
from upwind.common.errors import UpwindError
from upwind.common.same_bits import hold
from upwind.common.wording import first_few, printable
from upwind.settings.kernels import KernelMeasures
from upwind.settings.levelset import EngineName, Mode, OperatorSettings
from upwind.settings.model import Settings
from upwind.settings.scores import Missing, ScoreSettings
from upwind.settings.training import OptimiserSettings

_PIPE_WIDTH = 120
# Options that are settings, too, have their limits and defaults.
_TRAINING, _OPERATOR, _KERNELS = OptimiserSettings(), OperatorSettings(), KernelMeasures()


def _limits(settings: Settings, name: str) -> dict[str, int]:
    """The limits of a setting as an option takes them."""
    return {
        option: getattr(limit, key)
        for limit in type(settings).model_fields[name].metadata
        for key, option in (("ge", "min"), ("le", "max"))
        if hasattr(limit, key)
    }


def _check_folder(output: Path, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise UpwindError(f"{output} is a file: name a folder")
    if output.exists() and any(output.iterdir()) and not overwrite:
        raise UpwindError(f"{output} has files in it; name another folder or give --overwrite")


class _Group(TyperGroup):
    """Commands whose :class:`UpwindError` is one message on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> object:  # Typer's base class of a context has no public name
        # Before a command loads what computes, draws and keeps caches.
        hold(os.environ)
        settle(os.environ)
        show_anywhere()
        try:
            return super().invoke(ctx)
        except UpwindError as error:
            typer.echo(f"Error: {printable(str(error))}", err=True)
            raise typer.Exit(1) from None


def _console() -> Any:
    """A console whose lines are not broken in a pipe, which has no width, as narrowly as rich
    would."""
    from rich.console import Console

    console = Console()
    console.width = console.width if console.is_terminal else _PIPE_WIDTH
    return console


app = typer.Typer(
    cls=_Group,
    help="Liver segmentation in CT: UNet, level set network and level set baseline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class DatasetKind(enum.StrEnum):
    """How the files of a data set are named (see upwind.data.naming)."""

    auto = enum.auto()
    lits = enum.auto()
    msd = enum.auto()


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with the data set.")],
    kind: Annotated[
        DatasetKind, typer.Option(help="Naming: LiTS, Medical Segmentation Decathlon, or either.")
    ] = DatasetKind.auto,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the reports as JSON instead of a table.")
    ] = False,
) -> None:
    """Look for every problem of every case of a data set.

    Prints a table of the cases and all problems found. The exit code is 1 if a case is bad.
    """
    import json

    from rich.console import Console

    from upwind.data.check import check as checked
    from upwind.data.check import view

    reports = checked(folder, kind.value, progress=True)
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        Console().print(view(reports))
    _tell_left_out(folder)
    if any(report.errors for report in reports):
        raise typer.Exit(1)


def _tell_left_out(folder: Path) -> None:
    """Name the files that may have been meant as cases, and are not named like one."""
    from upwind.data.naming import left_out

    if names := left_out(folder):
        shown = printable(first_few(names, 5))
        typer.echo(f"Not looked at, since they are not named like a case: {shown}", err=True)


@app.command()
def segment(
    cts: Annotated[
        list[Path],
        typer.Argument(
            help="CTs in HU, NIfTI (.nii or .nii.gz), or folders of them.", metavar="CT"
        ),
    ],
    weights: Annotated[
        list[Path],
        typer.Option(
            help="Trained network (.safetensors); of several the mean probability counts."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Mask to write, NIfTI; a folder for several CTs.")
    ],
    probability: Annotated[
        Path | None,
        typer.Option(help="Write the probability of liver, too: NIfTI; a folder for several CTs."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of the probability; else as the weights state it.")
    ] = None,
    largest_component: Annotated[
        bool, typer.Option("--largest-component", help="Keep the mask's largest component alone.")
    ] = False,
    network: Annotated[
        str | None,
        typer.Option(
            help="Network of the weights that is defined outside of upwind, and whose code you "
            "trust: package.module:Class."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = _TRAINING.device,
    threads: Annotated[
        int, typer.Option(**_limits(_TRAINING, "cpu_threads"), help="CPU threads.")
    ] = _TRAINING.cpu_threads,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
) -> None:
    """Segment the liver in CTs with trained networks, on each CT's own grid.

    What is wrong with one CT does not keep the others from being segmented; all failures are named
    at the end, and the exit code is 1.
    """
    from upwind.segmentation.targets import find_targets

    targets = find_targets(cts, output, probability, weights, overwrite)
    # Torch takes seconds to load: what is wrong with the names is said before.
    from upwind.common.progress import track
    from upwind.segmentation.ensemble import load_ensemble
    from upwind.segmentation.files import failures, segment_files
    from upwind.training.device import use_device

    ensemble = load_ensemble(weights, threshold, network)
    segmented = segment_files(targets, ensemble, largest_component, use_device(device, threads))
    several = len(targets) > 1
    outcomes = [*(track(segmented, len(targets), "CT") if several else segmented)]
    for outcome in outcomes:
        for warning in outcome.warnings:
            about = f"{outcome.target.ct}: " if several else ""
            typer.echo(f"Warning: {about}{warning}", err=True)
        if not outcome.error:
            typer.echo(f"{outcome.target.mask}: {outcome.liver_ml:.0f} ml of liver")
    if failed := failures(outcomes):
        raise UpwindError(failed)


@app.command()
def evolve(
    ct: Annotated[Path, typer.Argument(help="CT in HU, NIfTI (.nii or .nii.gz).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Animation: .gif or .mp4.")],
    engine: Annotated[EngineName, typer.Option(help="What moves the contour.")] = "torch",
    weights: Annotated[
        Path | None, typer.Option(help="A trained LSN (.safetensors) in place of an engine.")
    ] = None,
    label: Annotated[
        Path | None, typer.Option(help="Label of the CT: DSC is shown, and the bubble placed.")
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring a label on another grid to the CT's.")
    ] = False,
    centre: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="Centre of the bubble: X Y Z in mm, as viewers show them."),
    ] = None,
    radius: Annotated[float | None, typer.Option(min=0, help="Of the bubble, mm.")] = None,
    mode: Annotated[Mode, typer.Option(help="Speed from thresholds, or from edges.")] = "region",
    lower: Annotated[
        float | None, typer.Option(help="Threshold, HU; else from the bubble.")
    ] = None,
    upper: Annotated[
        float | None, typer.Option(help="Threshold, HU; else from the bubble.")
    ] = None,
    iterations: Annotated[int, typer.Option(min=1, help="Of the engine, in all.")] = 400,
    frames: Annotated[int, typer.Option(min=1, help="Frames after the first.")] = 40,
    axial: Annotated[
        int | None, typer.Option("--slice", help="Slice shown, 0 the lowest; else by the label.")
    ] = None,
    spacing: Annotated[
        float, typer.Option(min=0.5, help="Of the engine's grid, mm.")
    ] = _OPERATOR.spacing_mm,
    fps: Annotated[int, typer.Option(min=1, help="Frames a second.")] = 8,
    overwrite: Annotated[bool, typer.Option(help="Replace an animation that is there.")] = False,
) -> None:
    """Show how a contour finds the liver: an animation over one slice of a CT.

    The contour of an engine begins as a bubble, in three dimensions; that of a level set network
    as its disc, slice by slice. DSC is that of the whole volume.
    """
    from upwind.common.progress import track
    from upwind.data.labels import label_note
    from upwind.figures.evolution import check_output, write_movie
    from upwind.segmentation.evolution import evolve as evolved

    if output.exists() and not overwrite:
        raise UpwindError(f"{output} exists already; name another file or give --overwrite")
    check_output(output)
    evolution = evolved(
        ct,
        engine=engine,
        weights=weights,
        label=label,
        resample=resample,
        centre=centre,
        radius=radius,
        mode=mode,
        lower=lower,
        upper=upper,
        iterations=iterations,
        frames=frames,
        spacing=spacing,
    )
    if label is not None and not resample and (note := label_note(label, evolution.volume.grid)):
        typer.echo(f"Note: {note}", err=True)
    moving = track(evolution.moments, frames + 1, "frame")
    shown = write_movie(
        output, evolution.volume, evolution.label, moving, evolution.title, axial, fps
    )
    dsc = "" if shown.dsc is None else f", DSC {shown.dsc:.3f} at the end"
    typer.echo(f"{output}: {shown.frames} frames of slice {shown.slice}{dsc}")


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
    # A release is never made again, and its files have the dates of their coming.
    released = folder.with_name(f"{folder.name}.dvc").is_file()
    if report.is_file() and report.stat().st_mtime < table.stat().st_mtime and not released:
        typer.echo(f"{report} is older than Table I; see {folder}/logs/report.log", err=True)
    pages = ["report.html", *sorted(p.name for p in folder.glob("*.png"))]
    typer.echo("\n".join(str(folder / page) for page in pages if (folder / page).is_file()))


@app.command()
def score(
    labels: Annotated[
        str, typer.Argument(help="Folder of labels, or a pattern: 'labels/{case}.nii.gz'.")
    ],
    masks: Annotated[
        list[str],
        typer.Argument(help="Of each method a folder or pattern of masks; NAME=FOLDER names it."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for tables and figure.")],
    label: Annotated[
        list[int] | None,
        typer.Option(help="Value that is meant in labels, again for several; else all above 0."),
    ] = None,
    mask_label: Annotated[
        list[int] | None,
        typer.Option(help="The same in masks; else they hold 0 and 1 alone."),
    ] = None,
    tolerance: Annotated[
        list[float] | None, typer.Option(min=0, help="Of NSD, mm; again for several.")
    ] = None,
    resample: Annotated[
        bool,
        typer.Option("--resample", help="Bring masks on other grids to the label's (nearest)."),
    ] = False,
    missing: Annotated[
        Missing, typer.Option(help="A case without a usable mask: stop, leave it out, or empty.")
    ] = "refuse",
    overwrite: Annotated[bool, typer.Option(help="Write into a folder that has files.")] = False,
) -> None:
    """Score anybody's masks against labels, and rank methods.

    Files are paired by the case number in their names; a mask lies where its own header says.
    Writes scores.csv, summary.csv and scores.png, and for several methods comparison.csv and
    ranks.csv. docs/scores.md defines every column.
    """
    from rich.console import Console

    from upwind.common.files import write_csv
    from upwind.figures.methods_compared import draw_methods
    from upwind.figures.style import save
    from upwind.scores.outside import How
    from upwind.tables.scored import score_files
    from upwind.tables.summary import view

    _check_folder(output, overwrite)
    tolerances = tuple(tolerance) if tolerance else ScoreSettings().nsd_tolerances_mm
    how = How(label, mask_label, resample, tolerances, missing)
    tables, problems = score_files(labels, masks, how)
    named = {"scores": tables.scores, "summary": tables.summary}
    if len(tables.methods) > 1:
        named |= {"comparison": tables.comparison, "ranks": tables.ranks}
    for name, table in named.items():
        write_csv(output / f"{name}.csv", table)
    figures = [output / f"scores.{ending}" for ending in ("png", "pdf")]
    save(draw_methods(tables), *figures)
    for problem in problems:
        empty = problem.missing and missing == "empty"
        typer.echo(f"{'Counts as empty' if empty else 'Left out'}: {problem}", err=True)
    Console().print(view(tables))
    typer.echo("\n".join(str(path) for path in [*(output / f"{n}.csv" for n in named), *figures]))


@app.command()
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
        typer.Option(help="A project of yours, other than this folder, whose workflow may be run."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cases at a time, with --deep.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Prove that every number of an experiment comes from its data, or say what is wrong.

    Every file is hashed and compared with the records of the jobs, these with the code, the
    packages and the configuration, and tables are made again. The exit code is 0 only if
    everything holds; warnings and what could not be checked are named.

    The workflow is asked only in the project that you stand in, or that you trust: asking it
    executes its Snakefile. Of anybody else's results nothing is executed.
    """
    from rich.console import Console

    from upwind.audit.view import to_json, view

    if folder.is_file():
        from upwind.audit.crate.audited import audit_crate

        result = audit_crate(folder, deep=deep)
    else:
        from upwind.audit.whole import audit as audited

        result = audited(folder, deep=deep, ask=ask, jobs=jobs, trusted=trust)
    if as_json:
        typer.echo(to_json(result))
    else:
        Console().print(view(result))
    if not result.holds:
        raise typer.Exit(1)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Results of a run, results/NAME, or a crate.")],
    second: Annotated[
        Path | None, typer.Argument(help="Those of another; without it, the published demo.")
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
        typer.echo(f"Error: {printable(str(error))}", err=True)
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
        typer.echo(to_json(found))
    else:
        _console().print(view(found, full), highlight=False)
    return int(found.verdict is Verdict.different)


def _compare_with_published(run: Path, as_json: bool) -> int:
    from upwind.reproduction.answer import to_json, view
    from upwind.reproduction.published import read_published
    from upwind.reproduction.reading import opened
    from upwind.reproduction.reproduced import Answer, reproduction

    with opened(run) as side:
        found = reproduction(side, read_published())
    if as_json:
        typer.echo(to_json(found))
    else:
        _console().print(view(found), highlight=False)
    return {Answer.yes: 0, Answer.no: 1, Answer.not_the_demo: 2}[found.answer]


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(help="A file of results/NAME, such as table1.csv.")],
    cell: Annotated[
        str | None, typer.Option(help="A cell of table1.csv: COLUMN,ROW, such as unet,2.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show every file, module and package.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a tree.")] = False,
    page: Annotated[
        Path | None, typer.Option("--html", help="Draw it into this HTML file instead.")
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
        typer.echo(f"{page}: {len(chain.sources)} jobs behind {chain.path}", err=as_json)
    if as_json:
        typer.echo(json.dumps(to_dict(chain), indent=2))
    elif page is None:
        _console().print(view(chain, full), highlight=False)
    for problem in chain.problems if page is not None or as_json else ():
        typer.echo(f"Broken: {printable(problem)}", err=True)
    if chain.problems:
        raise typer.Exit(1)


@app.command()
def crate(
    folder: Annotated[Path, typer.Argument(help="Results of an experiment: results/NAME.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Crate to write (.zip).")],
    licence: Annotated[
        str | None, typer.Option(help="Address of a licence other than the repository's.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a crate that is there.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although the audit finds something broken.")
    ] = False,
) -> None:
    """Publish an experiment as one file: a Workflow Run RO-Crate.

    It holds tables, figures, scores, weights, configuration, records and the workflow. Volumes,
    segmentations and slices are described by their hashes and stay where they are.
    """
    from upwind.audit.crate.write import write_crate

    if output.exists() and not overwrite:
        raise UpwindError(f"{output} exists already; name another file or give --overwrite")
    made = write_crate(folder, output, force, licence)
    if made.broken:
        typer.echo(f"Warning: published with {len(made.broken)} broken links in it", err=True)
    size = made.path.stat().st_size / 1e6
    typer.echo(
        f"{made.path}: {made.files} files, {size:.1f} MB; {made.described} described only\n"
        f"SHA-256 {made.sha256}"
    )


# What is clustered, layer by layer, while somebody waits.
_CLUSTERS_OF = {"trained": "Clusters of layer", "initial": "Clusters of random layer"}


@app.command()
def kernels(
    file: Annotated[
        Path, typer.Argument(help="Weights: PyTorch state dict, safetensors, ONNX, Keras HDF5.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for tables and figures.")],
    clusters: Annotated[
        int, typer.Option(**_limits(_KERNELS, "clusters"), help="Of k-means, in each layer.")
    ] = _KERNELS.clusters,
    seed: Annotated[
        int, typer.Option(**_limits(_KERNELS, "seed"), help="Of k-means and of all draws.")
    ] = _KERNELS.seed,
    map_size: Annotated[
        int, typer.Option(min=3, help="Pixels of the feature map that spectra are taken on.")
    ] = 16,
    sample: Annotated[
        int,
        typer.Option(
            **_limits(_KERNELS, "sample"),
            help="Kernels of a layer whose clusters are tested, at most.",
        ),
    ] = _KERNELS.sample,
    overwrite: Annotated[bool, typer.Option(help="Write into a folder that has files.")] = False,
) -> None:
    """Analyse every 3x3 convolution of a trained network, ours or anybody's.

    Depthwise and grouped convolutions count too. The file is data: nothing in it is run. Chance is
    a network of the same shapes with random weights. docs/kernels.md explains every table.
    """
    from upwind.common.progress import track
    from upwind.figures.kernel_file import draw_all
    from upwind.figures.kernel_page import PAGE, write_page
    from upwind.kernels.analysis_settings import AnalysisSettings
    from upwind.kernels.answers import answers
    from upwind.kernels.files.reading import read_network
    from upwind.kernels.tables import write_tables
    from upwind.kernels.weights_file import analyse_network

    _check_folder(output, overwrite)
    network = read_network(file)
    typer.echo(f"{file}: {network.in_words()}", err=True)
    effort = AnalysisSettings(clusters=clusters, seed=seed, sample=sample)
    found = analyse_network(
        network,
        effort,
        map_size,
        lambda layers, name: track(layers, len(layers), _CLUSTERS_OF.get(name, name)),
    )
    write_tables(found.tables, output)
    write_page(file.name, network.order, found.tables, draw_all(found.tables, output), output)
    for name in found.unclustered:
        typer.echo(f"Note: {name} has too few different kernels to be clustered", err=True)
    for one in answers(found.tables):
        typer.echo(f"{one.question} {one.answer}")
    typer.echo(f"In brackets: random weights. Pictures and tables: {output / PAGE}")


class DataSet(enum.StrEnum):
    """Data sets that can be imported, by the naming of their files."""

    lits = enum.auto()
    msd = enum.auto()


@app.command("import")
def import_data(
    kind: Annotated[DataSet, typer.Argument(help="LiTS, or Medical Segmentation Decathlon.")],
    source: Annotated[Path, typer.Argument(help="Folder with the volumes, in it or below.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder to make; data/lits or data/msd if not given.")
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
    from rich.console import Console

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
    typer.echo(f"{volumes} in {source}, to be {how} as {root}", err=True)
    remark = numbering_remark(planned.cases) if kind is DataSet.lits else None
    if remark:
        typer.echo(f"Warning: {remark}", err=True)
    reports = check_cases(planned)
    Console().print(view(reports))
    bad = sum(bool(report.errors) for report in reports)
    if bad and not allow_bad:
        raise UpwindError(
            f"nothing is imported: {bad} of {len(reports)} cases cannot be used, for the reasons "
            "above. Mend them; or give --allow-bad, and set dataset.on_bad_case: skip for the run"
        )
    pointer = run_import(planned)
    typer.echo(next_steps(planned, pointer))


@app.command()
def release(
    name: Annotated[str, typer.Argument(help="Name of the release: a git tag and a folder.")],
    experiment: Annotated[str, typer.Option(help="Experiment to release.")] = "demo",
    push: Annotated[bool, typer.Option(help="Push to the DVC remote.")] = True,
    results_only: Annotated[
        bool, typer.Option("--results-only", help="Do not push the versions of data and slices.")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Although there are uncommitted changes.")
    ] = False,
) -> None:
    """Publish a finished experiment: tables, figures, scores and trained networks.

    They are copied to releases/NAME, put under DVC and pushed; their pointer is committed and the
    commit tagged NAME. What fails leaves nothing behind.
    """
    from upwind.versions.release import make_release, plan_release

    planned = plan_release(name, Path("results", experiment), push, allow_dirty)
    make_release(planned, push, with_data=not results_only)
    typer.echo(f"{planned.folder} is tagged {name}. Publish the tag: git push origin HEAD {name}")
    if not push:
        typer.echo(f"Push what it names, when you can: dvc push {planned.folder}.dvc")
    typer.echo(f"""In another clone:
  git checkout {name} && dvc pull {planned.folder}.dvc && upwind show {planned.folder}""")
