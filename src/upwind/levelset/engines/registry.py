"""The engines by name: what ``levelset.engine`` chooses from.

They are imported by name when they are chosen, so that the code of one is no part of what another
made (and the packages that one needs are not asked of who chose another).
"""

import importlib
from typing import NamedTuple

from upwind.common.errors import UpwindError
from upwind.levelset.engines.engine import Engine


class Kind(NamedTuple):
    """Where an engine is defined, and the modes of ITK-SNAP that it knows."""

    module: str
    modes: tuple[str, ...]


ENGINES = {
    "simpleitk": Kind("upwind.levelset.engines.simpleitk", ("region", "edge")),
    # Convert3D computes no advection field.
    "c3d": Kind("upwind.levelset.engines.convert3d", ("region",)),
    "torch": Kind("upwind.levelset.engines.narrow_band", ("region", "edge")),
}


def engine_named(name: str) -> Engine:
    """The engine of a name. Raises UpwindError for a name that is none."""
    return importlib.import_module(engine_module(name)).evolve


def engine_module(name: str) -> str:
    """The module that defines an engine. Raises UpwindError for a name that is none."""
    if name not in ENGINES:
        raise UpwindError(
            f"levelset.engine: there is no engine {name!r}; choose from {', '.join(ENGINES)}"
        )
    return ENGINES[name].module
