"""How a contour finds the liver in a CT: moved by a level set engine, or by a trained LSN."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from upwind.common.errors import UpwindError
from upwind.data.check import check_case
from upwind.data.hounsfield import FAT_BELOW, doubt_liver
from upwind.data.labels import read_liver, read_mask
from upwind.data.naming import CaseFiles, short_name
from upwind.data.volumes import Volume, read_volume, rescale
from upwind.data.voxels import read_header
from upwind.levelset.movie import Course, Moment, Point, moments
from upwind.settings.levelset import EngineName, Mode, OperatorSettings

_log = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]
_SPACING = OperatorSettings().spacing_mm


@dataclass(frozen=True)
class Evolution:
    """A contour in motion.

    Attributes:
        moments: the contour at the start and after each frame, computed as they are asked for.
        title: what moves it.
        volume: the CT.
        label: its liver (bool), on the same axes as the moments' masks; None without a label.
    """

    moments: Iterator[Moment]
    title: str
    volume: Volume
    label: np.ndarray | None


def evolve(
    ct: PathLike,
    *,
    engine: EngineName = "torch",
    weights: PathLike | None = None,
    label: PathLike | None = None,
    resample: bool = False,
    centre: Point | None = None,
    radius: float | None = None,
    mode: Mode = "region",
    lower: float | None = None,
    upper: float | None = None,
    iterations: int = 400,
    frames: int = 40,
    spacing: float = _SPACING,
) -> Evolution:
    """Let a contour find the liver in a CT. The contour of an engine begins as a bubble, in three
    dimensions; that of a level set network as its disc, slice by slice.

    Args:
        ct: a NIfTI file in HU.
        engine: ``torch`` (this package's scheme), ``simpleitk`` or ``c3d``.
        weights: of a trained LSN, which moves the contour in place of an engine; the arguments
            below but ``frames`` are the engine's.
        label: of the CT; the bubble is placed by it where there is no ``centre``.
        resample: bring a label on another grid to the CT's.
        centre, radius: of the bubble: x, y, z in mm, in RAS as NIfTI's headers have it, and mm.
        mode: a speed from thresholds (``region``), or from edges (``edge``).
        lower, upper: thresholds in HU; without them two standard deviations around the mean of the
            bubble.
        iterations: of the engine, in all.
        frames: moments after the first.
        spacing: of the engine's grid, mm.

    Raises:
        UpwindError: a CT or label that cannot be used; a bubble that cannot be placed, or is
            outside the CT or in air; weights of a network without a contour.
    """
    volume, liver = read_inputs(Path(ct), None if label is None else Path(label), resample=resample)
    if weights is not None:
        from upwind.segmentation.movie import network_moments  # an engine needs no network

        moving = network_moments(volume, Path(weights), frames)
        return Evolution(moving, "LSN", volume, liver)
    course = Course(
        engine=engine,
        mode=mode,
        centre=centre,
        radius=radius,
        lower=lower,
        upper=upper,
        iterations=iterations,
        frames=frames,
        spacing=spacing,
    )
    title = f"{engine}, {mode} mode"
    return Evolution(moments(volume, liver, course), title, volume, liver)


def read_inputs(
    ct: Path, label: Path | None, *, resample: bool = False
) -> tuple[Volume, np.ndarray | None]:
    """The CT, and its label (canonical, boolean) as labels of data sets are read; ``resample``
    brings one on another grid to the CT's. Raises UpwindError for what cannot be used."""
    for path in (ct, *([label] if label else [])):
        read_header(path)  # exists, and is NIfTI
    report = check_case(CaseFiles(0, ct, None), need_label=False)
    if report.errors:
        problems = "\n".join(f"  - {problem}" for problem in report.errors)
        raise UpwindError(f"{ct} cannot be used:\n{problems}")
    for note in report.notes:
        _log.warning(note)
    volume = read_volume(ct)
    if label is None:
        return volume, None
    if resample:
        liver = read_mask(label, volume.grid, resample=True)
    else:
        liver = read_liver(label, volume.grid)
    if not liver.any():
        raise UpwindError(f"{label} labels no voxel: leave --label out, or give another")
    hu = rescale(volume.array[liver], volume.slope, volume.intercept)
    if doubt := doubt_liver(float(np.median(hu)), float(np.mean(hu < FAT_BELOW))):
        _log.warning(f"{short_name(label)} {doubt}.")
    return volume, liver
