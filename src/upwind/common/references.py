"""Code that is named in data: ``package.module:name``, imported when it is needed."""

import importlib
from typing import Any

from upwind.common.errors import UpwindError


def referred_to(reference: str, of: str) -> Any:
    """What ``reference`` names. Raises UpwindError, which says what it was needed for (``of``),
    where there is no such module, or no such name in it."""
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UpwindError(
            f"{of}: there is no {name} in {module} ({error}): mend its definition in upwind.methods"
        ) from error
