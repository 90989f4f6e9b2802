"""The engines by name: what ``levelset.engine`` chooses from.

They are imported by name when they are chosen, so that the code of one is no part of what another
made (and the packages that one needs are not asked of who chose another).
"""

import importlib
from typing import TYPE_CHECKING, NamedTuple

from upwind.common.errors import UpwindError
from upwind.settings.levelset import EDGE_EQUATIONS_OF, EdgeEquation, EngineName, Mode, modes_with

if TYPE_CHECKING:  # the names are read where there is no numpy
    from upwind.levelset.engines.engine import Engine


class EngineInfo(NamedTuple):
    """Where an engine is defined, and the equations of the edge mode that it solves
    (:data:`upwind.levelset.itk_snap.trials.EDGE_EQUATIONS`)."""

    module: str
    edge_equations: tuple[EdgeEquation, ...]

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes of ITK-SNAP that it knows."""
        return modes_with(self.edge_equations)


_MODULES: dict[EngineName, str] = {
    "simpleitk": "upwind.levelset.engines.simpleitk",
    "c3d": "upwind.levelset.engines.convert3d",
    "torch": "upwind.levelset.engines.narrow_band",
}
ENGINES: dict[str, EngineInfo] = {
    name: EngineInfo(_MODULES[name], solved) for name, solved in EDGE_EQUATIONS_OF.items()
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
