"""Functions compiled by Numba, kept for the next process wherever something can be written."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from upwind.common.caches import private_folder

_Function = TypeVar("_Function", bound=Callable[..., Any])


def jit(*, nogil: bool = False) -> Callable[[_Function], _Function]:
    """A decorator that compiles a function, dividing as NumPy does; ``nogil`` lets other threads
    run meanwhile.

    What was compiled is kept beside the source or in the user's cache, as Numba does; where neither
    can be written (a shared installation, a container with another user), in a folder of TMPDIR.
    """

    def decorate(function: _Function) -> _Function:
        try:
            return _compiled(function, nogil)
        except RuntimeError:  # Numba found no place for its cache
            # Numba sets its options when it is loaded, where no type checker sees them.
            numba.config.CACHE_DIR = str(private_folder("numba"))  # type: ignore[attr-defined]
            return _compiled(function, nogil)

    return decorate


def _compiled(function: _Function, nogil: bool) -> _Function:
    compile_it = numba.njit(cache=True, nogil=nogil, error_model="numpy")
    return cast(_Function, compile_it(function))
