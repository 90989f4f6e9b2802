"""One CT file to one mask file, with a trained network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from upwind.common.errors import UpwindError
from upwind.data.check import check_case
from upwind.data.naming import CaseFiles
from upwind.data.reports import CaseReport
from upwind.data.volumes import read_grid, read_volume, write_mask
from upwind.networks.weights import load_weights
from upwind.segmentation.predict import segment_volume
from upwind.training.device import use_device


@dataclass(frozen=True)
class Segmented:
    """What came of a CT: ``liver_ml`` in ml, and what its user should know (``warnings``)."""

    liver_ml: float
    warnings: list[str]


def segment_file(ct: Path, weights: Path, mask: Path, device: str, cpu_threads: int) -> Segmented:
    """Segment the liver in ``ct`` (NIfTI, HU) and write ``mask`` on the CT's own grid (uint8, 1
    where liver).

    Raises UpwindError for a CT with any problem that :func:`upwind.data.check.check_case` finds,
    for a file that is not an upwind network's weights, and for a mask that is not NIfTI by name or
    would replace one of the inputs.
    """
    _check_paths(ct, weights, mask)
    report = check_case(CaseFiles(0, ct, None), need_label=False)
    if report.errors:
        problems = "\n".join(f"  - {problem}" for problem in report.errors)
        raise UpwindError(f"{ct} cannot be segmented:\n{problems}")
    network, recipe = load_weights(weights)
    grid = read_grid(ct)
    # Nobody else holds the CT, so that it is freed as soon as it is resampled.
    result = segment_volume(network, read_volume(ct), recipe, use_device(device, cpu_threads))
    write_mask(mask, result, grid)
    x, y, z = grid.spacing
    liver_ml = float(np.count_nonzero(result)) * x * y * z / 1000
    return Segmented(liver_ml, _warnings(report, liver_ml))


def _check_paths(ct: Path, weights: Path, mask: Path) -> None:
    if not mask.name.endswith((".nii", ".nii.gz")):
        raise UpwindError(f"{mask}: the mask is written as NIfTI; name it .nii or .nii.gz")
    for path in (ct, weights):
        if not path.is_file():
            raise UpwindError(f"{path} does not exist or is not a file")
        if mask.resolve() == path.resolve():
            raise UpwindError(f"{mask} is an input; name another file for the mask")


def _warnings(report: CaseReport, liver_ml: float) -> list[str]:
    warnings = list(report.notes)
    if report.hu_min is not None and report.hu_min >= 0:
        warnings.append(
            f"the CT's lowest value is {report.hu_min:g}, but air is -1000 HU and fat -100: these "
            "may not be HU, and the network expects HU"
        )
    if liver_ml == 0:
        warnings.append("no liver was found: is this an abdominal CT in HU?")
    return warnings
