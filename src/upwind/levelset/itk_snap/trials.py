"""One set of parameters of ITK-SNAP, and the speed image that it makes."""

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from scipy import ndimage

from upwind.levelset.engines.engine import Weights
from upwind.levelset.itk_snap import speeds
from upwind.settings.levelset import SearchSettings

# CT values are stored as whole HU: a bubble of noiseless tissue still needs thresholds apart.
_LEAST_SD_HU = 1.0
# ITK-SNAP's default advection in edge mode (Logic/LevelSet).
_EDGE_ADVECTION = 2.0


class _Form(TypedDict):
    curvature_exponent: int
    advection_sigma: float


#: Forms of the level set equation in edge mode: the power of the speed that multiplies curvature,
#: and the Gaussian (voxels) under the advection field's gradient. ``geodesic`` is ITK's geodesic
#: active contour (Caselles et al. 1997; the filter's own 1 voxel), ``itk_snap`` ITK-SNAP's
#: (Logic/LevelSet).
EDGE_EQUATIONS: dict[str, _Form] = {
    "geodesic": {"curvature_exponent": 1, "advection_sigma": 1.0},
    "itk_snap": {"curvature_exponent": 0, "advection_sigma": 0.0},
}


@dataclass(frozen=True)
class Trial:
    """One set of parameters. Thresholds are in standard deviations from the bubble's mean; those
    of the other mode are drawn too and not used."""

    mode: str = "region"
    lower_sd: float = 2.0
    upper_sd: float = 2.0
    smoothness: float = speeds.SMOOTHNESS
    region_sigma: float = 0.0
    edge_sigma: float = speeds.EDGE_SIGMA
    edge_scale: float = speeds.EDGE_SCALE
    curvature: float = Weights.curvature
    advection: float = _EDGE_ADVECTION
    edge_equation: str = SearchSettings().edge_equation

    @property
    def weights(self) -> Weights:
        """Weights of the level set equation in this trial's mode."""
        if self.mode == "region":
            return Weights(curvature=self.curvature)
        form = EDGE_EQUATIONS[self.edge_equation]
        return Weights(advection=self.advection, curvature=self.curvature, **form)


def trial_speed(
    trial: Trial, image: np.ndarray, bubble: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """The trial's speed image (shape of ``image``, HU) and its parameters as a table's row, None
    where the mode does not use one. ``bubble``: boolean, the voxels whose mean and standard
    deviation the thresholds are counted from."""
    used = ("mode", "lower_hu", "upper_hu", "smoothness", "sigma", "edge_scale", "edge_equation")
    row = dict.fromkeys(used) | {"mode": trial.mode}
    row |= {name: float(getattr(trial.weights, name)) for name in ("propagation", "advection")}
    row |= {"curvature": float(trial.curvature)}
    if trial.mode == "edge":
        row |= {"sigma": trial.edge_sigma, "edge_scale": trial.edge_scale}
        row["edge_equation"] = trial.edge_equation
        return row, speeds.edge_speed(image, trial.edge_sigma, trial.edge_scale)
    # Statistics before smoothing, so that a threshold means the same in every trial.
    mean = float(image[bubble].mean())
    sd = max(float(image[bubble].std()), _LEAST_SD_HU)
    lower, upper = mean - trial.lower_sd * sd, mean + trial.upper_sd * sd
    row |= {"lower_hu": lower, "upper_hu": upper}
    row |= {"smoothness": trial.smoothness, "sigma": trial.region_sigma}
    smooth = ndimage.gaussian_filter(image, trial.region_sigma, mode="nearest")
    return row, speeds.region_speed(smooth, lower, upper, trial.smoothness)
