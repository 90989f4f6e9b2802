"""upwind: level set networks and convolutional kernels for CT segmentation.

``__all__`` names what is public, and docs/api.md explains it; all else may change without notice.
Nothing is imported until it is asked for, so that ``import upwind`` takes no time.

Data flows one way, and the packages are named for its stations:
``phantom`` -> ``data`` (raw volumes, checked cases, slices, folds) -> ``networks`` and
``levelset`` -> ``training`` -> ``segmentation`` -> ``scores`` -> ``tables``, and
weights -> ``kernels`` -> ``figures``.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upwind.common.errors import UpwindError as UpwindError
    from upwind.data.check import check as check
    from upwind.data.reports import CaseReport as CaseReport
    from upwind.kernels.weights_file import KernelAnalysis as KernelAnalysis
    from upwind.kernels.weights_file import analyse_kernels as analyse_kernels
    from upwind.levelset.equation.solver import upwind_step as upwind_step
    from upwind.levelset.movie import Moment as Moment
    from upwind.networks.lsn import LSN as LSN
    from upwind.networks.recipes import Recipe as Recipe
    from upwind.networks.unet import UNet as UNet
    from upwind.networks.weights import load_weights as load_weights
    from upwind.segmentation.evolution import Evolution as Evolution
    from upwind.segmentation.evolution import evolve as evolve
    from upwind.segmentation.files import Segmented as Segmented
    from upwind.segmentation.files import segment as segment
    from upwind.tables.scored import ScoreTables as ScoreTables
    from upwind.tables.scored import score as score

__version__ = "1.0.0"

__all__ = [
    "LSN",
    "CaseReport",
    "Evolution",
    "KernelAnalysis",
    "Moment",
    "Recipe",
    "ScoreTables",
    "Segmented",
    "UNet",
    "UpwindError",
    "analyse_kernels",
    "check",
    "evolve",
    "load_weights",
    "score",
    "segment",
    "upwind_step",
]

# The module of each public name.
_PUBLIC = {
    "LSN": "upwind.networks.lsn",
    "CaseReport": "upwind.data.reports",
    "Evolution": "upwind.segmentation.evolution",
    "KernelAnalysis": "upwind.kernels.weights_file",
    "Moment": "upwind.levelset.movie",
    "Recipe": "upwind.networks.recipes",
    "ScoreTables": "upwind.tables.scored",
    "Segmented": "upwind.segmentation.files",
    "UNet": "upwind.networks.unet",
    "UpwindError": "upwind.common.errors",
    "analyse_kernels": "upwind.kernels.weights_file",
    "check": "upwind.data.check",
    "evolve": "upwind.segmentation.evolution",
    "load_weights": "upwind.networks.weights",
    "score": "upwind.tables.scored",
    "segment": "upwind.segmentation.files",
    "upwind_step": "upwind.levelset.equation.solver",
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
