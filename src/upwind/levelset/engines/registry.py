"""The engines by name: what ``levelset.engine`` chooses from.

They are imported by name when they are chosen, so that the code of one is no part of what another
made (and the packages that one needs are not asked of who chose another).
"""

import importlib
from typing import TYPE_CHECKING, NamedTuple

from upwind.common.errors import UpwindError

if TYPE_CHECKING:  # the names are read where there is no numpy
    from upwind.levelset.engines.engine import Engine


class EngineInfo(NamedTuple):
    """Where an engine is defined, and the equations of the edge mode that it solves
    (:data:`upwind.levelset.itk_snap.trials.EDGE_EQUATIONS`)."""

    module: str
    edge_equations: tuple[str, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of ITK-SNAP that it knows."""
        return ("region", "edge") if self.edge_equations else ("region",)


ENGINES = {
    "simpleitk": EngineInfo("upwind.levelset.engines.simpleitk", ("geodesic",)),
    # Convert3D computes no advection field.
    "c3d": EngineInfo("upwind.levelset.engines.convert3d", ()),
    "torch": EngineInfo("upwind.levelset.engines.narrow_band", ("geodesic", "itk_snap")),
}


def engine_named(name: str) -> "Engine":
    """The engine of a name. Raises UpwindError for a name that is none."""
    return importlib.import_module(engine_module(name)).evolve


def engine_module(name: str) -> str:
    """The module that defines an engine. Raises UpwindError for a name that is none."""
    if name not in ENGINES:
        raise UpwindError(
            f"levelset.engine: there is no engine {name!r}; choose from {', '.join(ENGINES)}"
        )
    return ENGINES[name].module
