"""Code that is named in data: ``package.module:name``, imported when it is needed."""

import importlib
import sys
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError


def look_here() -> None:
    """Let modules be found, after all others, that lie in the folder where this process started: a
    user's own, beside the results. Snakemake's jobs do not look there by themselves."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def referred_to(reference: str, of: str) -> Any:
    """What ``reference`` names. Raises UpwindError, which says what it was needed for (``of``),
    where there is no such module, or no such name in it."""
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UpwindError(
            f"{of}: there is no {name} in {module} ({error}): mend its definition, or install what "
            "it needs"
        ) from error
