"""CT files to mask files, with trained networks."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.common.wording import count_of
from upwind.data.check import check_case
from upwind.data.naming import CaseFiles
from upwind.data.reports import CaseReport
from upwind.data.slices import resample_volume, return_to_grid
from upwind.data.volumes import Grid, as_stored, read_grid, read_volume, write_stored
from upwind.segmentation.components import largest_component as keep_largest
from upwind.segmentation.ensemble import Ensemble, load_ensemble
from upwind.segmentation.predict import mean_probability
from upwind.segmentation.targets import Target
from upwind.settings.training import OptimiserSettings
from upwind.training.device import use_device

PathLike = str | os.PathLike[str]
_DEFAULT = OptimiserSettings()


@dataclass(frozen=True)
class Segmented:
    """What came of a CT.

    Attributes:
        mask: uint8, 1 where liver is, with the shape and axes of the CT's own file.
        probability: of liver, float32, on the same grid; None where it was not asked for.
        affine: (4, 4), mm, of that grid.
        liver_ml: volume of the mask in ml.
        warnings: what the user should know: a header that was mended, values that are hardly HU.
    """

    mask: np.ndarray
    probability: np.ndarray | None
    affine: np.ndarray
    liver_ml: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a target: the liver's volume in ml, or the error that stopped it."""

    target: Target
    liver_ml: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str = ""


def segment(
    ct: PathLike,
    weights: PathLike | Sequence[PathLike],
    *,
    threshold: float | None = None,
    largest_component: bool = False,
    probability: bool = False,
    network: str | None = None,
    device: str = _DEFAULT.device,
    threads: int = _DEFAULT.cpu_threads,
) -> Segmented:
    """Segment the liver in a CT with trained networks, on the CT's own grid. Nothing is written.

    Args:
        ct: a NIfTI file in HU, in any orientation and spacing.
        weights: a weights file of upwind (``.safetensors``), or several: the mean of their
            networks' probabilities counts.
        threshold: of the probability, above which liver is; by default as the weights state it.
        largest_component: keep only the largest connected component of the mask (3-D).
        probability: return the probability too.
        network: ``package.module:Class`` of a network that is defined outside of upwind, whose
            code is then run: :func:`upwind.networks.weights.load_weights`.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        threads: of the CPU.

    Raises:
        UpwindError: a CT that cannot be used, with all that is wrong; weights that are none of
            upwind's, or that do not go together; no such device.
    """
    several = [weights] if isinstance(weights, str | os.PathLike) else weights
    files = [Path(path) for path in several]
    ensemble = load_ensemble(files, threshold, network)
    chosen = use_device(device, threads)
    return _segment(Path(ct), ensemble, largest_component, probability, chosen)


def segment_files(
    targets: Iterable[Target],
    ensemble: Ensemble,
    largest_component: bool,
    device: torch.device,
) -> Iterator[Outcome]:
    """Segment each target's CT and write its files, each whole or not at all. What is wrong with
    one is said in its outcome, and the others go on."""
    for target in targets:
        try:
            outcome = _write(target, ensemble, largest_component, device)
        except UpwindError as error:
            outcome = Outcome(target, error=str(error))
        yield outcome


def failures(outcomes: Sequence[Outcome]) -> str:
    """One message on all the CTs that were not segmented; empty where there are none."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if len(outcomes) > 1 and errors:
        whole = count_of(len(outcomes), "CT")
        errors = [f"{len(errors)} of {whole} could not be segmented:", *errors]
    return "\n".join(errors)


def _write(
    target: Target, ensemble: Ensemble, largest_component: bool, device: torch.device
) -> Outcome:
    wanted = target.probability is not None
    found = _segment(target.ct, ensemble, largest_component, wanted, device)
    # The mask last: where it is, all is.
    if target.probability is not None and found.probability is not None:
        write_stored(target.probability, found.probability, found.affine)
    write_stored(target.mask, found.mask, found.affine)
    return Outcome(target, found.liver_ml, found.warnings)


def _segment(
    ct: Path,
    ensemble: Ensemble,
    largest_component: bool,
    with_probability: bool,
    device: torch.device,
) -> Segmented:
    report = check_case(CaseFiles(0, ct, None), need_label=False)
    if report.errors:
        problems = "\n".join(f"  - {problem}" for problem in report.errors)
        raise UpwindError(f"{ct} cannot be segmented:\n{problems}")
    grid = read_grid(ct)
    # Nobody else holds the CT, so that it is freed as soon as it is resampled.
    images = resample_volume(read_volume(ct), ensemble.recipe.image_size, np.int16)
    small = mean_probability(ensemble.networks, images, ensemble.recipe, device)
    if not np.isfinite(small).all():
        raise UpwindError(
            f"{ct} cannot be segmented: the network's probabilities are not numbers; its training "
            "diverged, or the weights are damaged"
        )
    mask = return_to_grid((small > ensemble.recipe.threshold).astype(np.uint8), grid)
    if largest_component:
        mask = keep_largest(mask > 0).astype(np.uint8)
    liver_ml = float(np.count_nonzero(mask)) * grid.voxel_ml
    return Segmented(
        mask=as_stored(mask, grid),
        probability=_on_grid(small, grid) if with_probability else None,
        affine=grid.affine,
        liver_ml=liver_ml,
        warnings=_warnings(report, liver_ml),
    )


def _on_grid(slices: np.ndarray, grid: Grid) -> np.ndarray:
    return as_stored(return_to_grid(slices, grid), grid)


def _warnings(report: CaseReport, liver_ml: float) -> tuple[str, ...]:
    warnings = list(report.notes)
    if liver_ml == 0:
        warnings.append("no liver was found: is this an abdominal CT in HU?")
    return tuple(warnings)
