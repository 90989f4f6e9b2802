"""The engines by name: what ``levelset.engine`` chooses from."""

from upwind.common.errors import UpwindError
from upwind.levelset.engine import Engine
from upwind.levelset.settings import ENGINES


def engine_named(name: str) -> Engine:
    """The engine of a name. Imported when chosen: Numba takes most of a second, and Convert3D is
    optional. Raises UpwindError for a name that is none."""
    if name == "simpleitk":
        from upwind.levelset.engine import evolve_simpleitk

        return evolve_simpleitk
    if name == "c3d":
        from upwind.levelset.convert3d import evolve_c3d

        return evolve_c3d
    if name == "torch":
        from upwind.levelset.narrow_band import evolve_torch

        return evolve_torch
    raise UpwindError(
        f"levelset.engine: there is no engine {name!r}; choose from {', '.join(ENGINES)}"
    )
