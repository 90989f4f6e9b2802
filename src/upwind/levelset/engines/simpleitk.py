"""The engine ``simpleitk``: ITK's sparse field solver, with ITK-SNAP's equation in region mode and
ITK's geodesic active contour in edge mode."""

from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from upwind.levelset.engines.engine import Weights, has_contour, refuse_backward_diffusion
from upwind.levelset.engines.images import itk_image

# Far above any speed: see _region_filter.
_UPPER_THRESHOLD = 1e3
# DerivativeSigma of itk::GeodesicActiveContourLevelSetFunction: SimpleITK has no way to set it.
_ADVECTION_SIGMA = 1.0


def evolve(
    speed: np.ndarray, level_set: np.ndarray, weights: Weights, iterations: int
) -> np.ndarray:
    """An :class:`~upwind.levelset.engines.engine.Engine`: ITK's sparse field solver (3 layers,
    upwind differences; one time step moves the contour at most 1/6 voxel), on one thread.

    Without advection this is ITK-SNAP's region mode exactly. With advection it is ITK's geodesic
    active contour, whose curvature is multiplied by the speed and whose advection field is the
    gradient of a smoothed speed. Float32 is returned, limited to about 4 voxels from the contour. A
    level set function without a contour is returned unchanged.

    Raises ValueError for different shapes, for weights of another form than these two filters', or
    for a speed below 0 with advection (curvature multiplied by a negative speed is backward
    diffusion).
    """
    form = (weights.curvature_exponent, weights.advection_sigma)
    if form != ((1, _ADVECTION_SIGMA) if weights.advection else (0, 0)):
        raise ValueError(
            "SimpleITK multiplies curvature by the speed and smooths the advection field by "
            f"{_ADVECTION_SIGMA:g} voxel where there is advection, and neither where there is not"
        )
    if not has_contour(speed, level_set):
        return level_set.astype(np.float32)
    refuse_backward_diffusion(speed, weights)
    solver: Any  # one of two filters, whose methods SimpleITK does not annotate
    if weights.advection:
        solver = sitk.GeodesicActiveContourLevelSetImageFilter()
        solver.SetAdvectionScaling(weights.advection)
    else:
        solver = _region_filter()
    solver.SetPropagationScaling(weights.propagation)
    solver.SetCurvatureScaling(weights.curvature)
    solver.SetNumberOfIterations(iterations)
    solver.SetMaximumRMSError(0.0)  # the caller decides when to stop
    solver.SetNumberOfThreads(1)
    # ITK's level set functions are negative inside. The grid is isotropic, so that the order of
    # the axes does not matter as long as both images have the same.
    result = solver.Execute(itk_image(-level_set), itk_image(speed))
    return -sitk.GetArrayFromImage(result)


def _region_filter() -> sitk.ThresholdSegmentationLevelSetImageFilter:
    # ITK's threshold function makes its own speed from a feature image z: z - lower for z below
    # the middle of the thresholds, with a curvature term that is not multiplied by anything.
    # With lower = 0 and upper far away that speed is the feature image itself, so it takes
    # ITK-SNAP's speed, also where it is negative.
    solver = sitk.ThresholdSegmentationLevelSetImageFilter()
    solver.SetLowerThreshold(0.0)
    solver.SetUpperThreshold(_UPPER_THRESHOLD)
    return solver
