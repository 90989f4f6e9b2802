"""Commands that segment a CT: ``segment`` and ``evolve``."""

from pathlib import Path
from typing import Annotated

import typer

from upwind.cli.options import check_file, limits
from upwind.cli.printing import say
from upwind.common.errors import UpwindError
from upwind.settings.levelset import EngineName, Mode, OperatorSettings
from upwind.settings.training import OptimiserSettings

# Options that are settings, too, have their limits and defaults.
_TRAINING, _OPERATOR = OptimiserSettings(), OperatorSettings()


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
            help="Trained network (.safetensors); repeat it for the mean probability of several."
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
        float | None,
        typer.Option(help="Threshold of the probability, in place of the one in the weights."),
    ] = None,
    largest_component: Annotated[
        bool, typer.Option("--largest-component", help="Keep the mask's largest component alone.")
    ] = False,
    network: Annotated[
        str | None,
        typer.Option(
            help="Import this network (package.module:Class) of the weights, whose code you trust."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Device: auto, cpu or cuda.")] = _TRAINING.device,
    threads: Annotated[
        int, typer.Option(**limits(_TRAINING, "cpu_threads"), help="CPU threads.")
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
            say(f"Warning: {about}{warning}", err=True)
        if not outcome.error:
            say(f"{outcome.target.mask}: {outcome.liver_ml:.0f} ml of liver")
    if failed := failures(outcomes):
        raise UpwindError(failed)


def evolve(
    ct: Annotated[Path, typer.Argument(help="CT in HU, NIfTI (.nii or .nii.gz).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Animation: .gif or .mp4.")],
    engine: Annotated[EngineName, typer.Option(help="What moves the contour.")] = "torch",
    weights: Annotated[
        Path | None, typer.Option(help="A trained LSN (.safetensors) in place of an engine.")
    ] = None,
    label: Annotated[
        Path | None, typer.Option(help="Label of the CT: it places the bubble, and DSC is shown.")
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring a label on another grid to the CT's.")
    ] = False,
    centre: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            help="Centre of the bubble: X Y Z in mm, in RAS as NIfTI's headers have "
            "them; of a viewer in LPS, X and Y with the other sign."
        ),
    ] = None,
    radius: Annotated[float | None, typer.Option(min=0, help="Radius of the bubble, mm.")] = None,
    mode: Annotated[Mode, typer.Option(help="Speed from thresholds, or edges.")] = "region",
    lower: Annotated[
        float | None, typer.Option(help="Lower threshold, HU; without it, from the bubble.")
    ] = None,
    upper: Annotated[
        float | None, typer.Option(help="Upper threshold, HU; without it, from the bubble.")
    ] = None,
    iterations: Annotated[int, typer.Option(min=1, help="Iterations of the engine in all.")] = 400,
    frames: Annotated[
        int, typer.Option(min=1, help="Frames of the animation after the first.")
    ] = 40,
    axial: Annotated[
        int | None,
        typer.Option("--slice", help="Slice to show, 0 the lowest; without it, the largest."),
    ] = None,
    spacing: Annotated[
        float, typer.Option(min=0.5, help="Spacing of the engine's grid, mm.")
    ] = _OPERATOR.spacing_mm,
    fps: Annotated[int, typer.Option(min=1, help="Frames per second.")] = 8,
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

    check_file(output, overwrite)
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
        say(f"Note: {note}", err=True)
    if weights is not None or engine == "torch":
        said = "The first frames take longer: the scheme is compiled, once on this machine."
        say(said, err=True)
    moving = track(evolution.moments, frames + 1, "frame")
    shown = write_movie(
        output, evolution.volume, evolution.label, moving, evolution.title, axial, fps
    )
    dsc = "" if shown.dsc is None else f", DSC {shown.dsc:.3f} at the end"
    say(f"{output}: {shown.frames} frames of slice {shown.slice}{dsc}")
