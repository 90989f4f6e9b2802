"""The engines by name: what ``levelset.engine`` chooses from."""

from typing import NamedTuple

from upwind.common.errors import UpwindError
from upwind.levelset.engine import Engine

NAMES = ("simpleitk", "c3d", "torch")


class Choice(NamedTuple):
    """An engine, and the modes (region, edge) of ITK-SNAP that it knows."""

    evolve: Engine
    modes: tuple[str, ...]


def engine_named(name: str) -> Choice:
    """The engine of a name. Imported when chosen: Numba takes most of a second, and Convert3D is
    optional. Raises UpwindError for a name that is none."""
    if name == "simpleitk":
        from upwind.levelset.engine import evolve_simpleitk

        return Choice(evolve_simpleitk, ("region", "edge"))
    if name == "c3d":
        from upwind.levelset.convert3d import evolve_c3d

        return Choice(evolve_c3d, ("region",))
    if name == "torch":
        from upwind.levelset.narrow_band import evolve_torch

        return Choice(evolve_torch, ("region", "edge"))
    raise UpwindError(
        f"levelset.engine: there is no engine {name!r}; choose from {', '.join(NAMES)}"
    )
