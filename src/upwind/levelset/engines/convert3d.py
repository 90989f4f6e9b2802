"""The engine ``c3d``: Convert3D, ITK-SNAP's command-line sister, through its Python package.

The package is optional (its licence is the GPL, and it takes 50 MB): ``pip install picsl_c3d``.
"""

import io
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from upwind.common.errors import UpwindError
from upwind.levelset.engines.engine import Weights, has_contour
from upwind.levelset.engines.images import itk_image

PACKAGE = "picsl_c3d"


def evolve(
    speed: np.ndarray, level_set: np.ndarray, weights: Weights, iterations: int
) -> np.ndarray:
    """An :class:`~upwind.levelset.engines.engine.Engine`: Convert3D's -levelset, in region mode.

    Float32 is returned, limited to 4 voxels from the contour. A level set function without a
    contour is returned unchanged. Convert3D stops by itself where the contour rests (RMS 1e-4).

    Raises UpwindError where the package is missing; ValueError for different shapes, or for weights
    that are not region mode's: Convert3D never computes the field for advection
    (adapters/LevelSetSegmentation.cxx), and its results with that option change from run to run.
    """
    moves = has_contour(speed, level_set)
    if weights.advection or weights.curvature_exponent or weights.advection_sigma:
        raise ValueError(
            "Convert3D has no advection, and multiplies curvature by nothing: it runs in region "
            "mode alone"
        )
    tool = _convert3d()
    if not moves:
        return level_set.astype(np.float32)
    # The propagation's weight is always 1 there. Its level set functions are negative inside.
    tool.push(itk_image(weights.propagation * np.asarray(speed)))
    tool.push(itk_image(-level_set))
    tool.execute(
        f"-levelset-curvature {float(weights.curvature)!r} -levelset {int(iterations)}",
        out=io.StringIO(),
    )
    return -sitk.GetArrayFromImage(tool.pop()).astype(np.float32)


def _convert3d() -> Any:  # an object of a package without types
    try:
        from picsl_c3d import Convert3D
    except ImportError as error:
        raise UpwindError(
            f"levelset.engine is c3d, but the package {PACKAGE} cannot be imported ({error}): "
            f"`pip install {PACKAGE}` into this environment, or choose simpleitk, whose "
            "results are the same in region mode"
        ) from None
    return Convert3D()
