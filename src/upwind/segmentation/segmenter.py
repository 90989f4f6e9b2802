"""Methods without training: something that segments the liver on a CT, from the CT alone.

A segmenter is any function of the form of :class:`Segmenter`; a method names it
(:attr:`upwind.methods.method.Method.segment`), and it is imported by that name, so that the code of
one is no part of what another made.
"""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np

from upwind.common.errors import UpwindError
from upwind.common.references import referred_to
from upwind.data.volumes import Volume


class Segmenter(Protocol):
    """The same CT and settings give the same segmentation, bit for bit."""

    def __call__(self, volume: Volume, settings: Mapping[str, Any]) -> np.ndarray:
        """The liver (bool, canonical orientation, the shape of ``volume.array``) by the settings of
        the method's section of the configuration."""


def segmenter_named(reference: str) -> Segmenter:
    """The function of a reference ``module:function``. Raises UpwindError where there is none."""
    return cast(Segmenter, referred_to(reference, "segmenter"))


def segment_volume(segment: Segmenter, volume: Volume, settings: Mapping[str, Any]) -> np.ndarray:
    """What ``segment`` makes of a CT. Raises UpwindError where that is no mask of it."""
    mask = np.asarray(segment(volume, settings))
    if mask.shape != volume.array.shape or mask.dtype != bool:
        raise UpwindError(
            f"the segmenter returned {mask.dtype} of shape {mask.shape} for a CT of shape "
            f"{volume.array.shape}: it must return booleans of the CT's shape"
        )
    return mask
