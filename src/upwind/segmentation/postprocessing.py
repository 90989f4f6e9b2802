"""Segmentations after post-processing, file by file."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from upwind.data.volumes import read_volume, write_mask
from upwind.segmentation.components import largest_component
from upwind.settings.methods import Postprocessing

#: By the name that the configuration has for it: a bool mask (x, y, z) to another.
POSTPROCESSING: Mapping[Postprocessing, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"largest_component": largest_component}
)


def postprocess_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], how: Postprocessing
) -> tuple[int, int]:
    """Write the segmentation in ``source`` after post-processing to ``target``, on the same grid.
    Voxels before and after."""
    volume = read_volume(source)
    mask = volume.values() > 0
    kept = POSTPROCESSING[how](mask)
    write_mask(target, kept, volume.grid)
    return int(np.count_nonzero(mask)), int(np.count_nonzero(kept))


def segmentations_in(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """The files of segmentations among paths, those in folders included."""
    for path in map(Path, paths):
        yield from sorted(path.glob("segmentation-*.nii.gz")) if path.is_dir() else [path]
