"""One CT file to one mask file, with a trained network."""

from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.data.check import check_case
from upwind.data.naming import CaseFiles
from upwind.data.volumes import read_volume, write_mask
from upwind.networks.weights import load_weights
from upwind.segmentation.predict import segment_volume
from upwind.training.loop import use_device


def segment_file(
    ct: Path, weights: Path, mask: Path, device: str = "auto", cpu_threads: int = 1
) -> float:
    """Segment the liver in ``ct`` (NIfTI, HU) and write ``mask`` on the CT's own grid (uint8, 1
    where liver); return the segmented volume in ml.

    Raises UpwindError for a CT with any problem that :func:`upwind.data.check.check_case` finds,
    for a file that is not an upwind network's weights, and for a mask that is not NIfTI by name.
    """
    if not mask.name.endswith((".nii", ".nii.gz")):
        raise UpwindError(f"{mask}: the mask is written as NIfTI; name it .nii or .nii.gz")
    for path in (ct, weights):
        if not path.is_file():
            raise UpwindError(f"{path} does not exist or is not a file")
    problems = check_case(CaseFiles(0, ct, None), need_label=False).errors
    if problems:
        raise UpwindError(f"{ct} cannot be segmented:\n" + "\n".join(f"  - {p}" for p in problems))
    network, recipe = load_weights(weights)
    volume = read_volume(ct)
    result = segment_volume(network, volume, recipe, use_device(device, cpu_threads))
    write_mask(mask, result, volume.grid)
    x, y, z = volume.grid.spacing
    return float(result.sum()) * x * y * z / 1000
