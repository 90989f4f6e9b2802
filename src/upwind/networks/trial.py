"""Networks of the configuration, tried out before anything is trained."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError
from upwind.provenance.fingerprint import package_versions
from upwind.provenance.fingerprint_cache import Known


def check_networks(networks: Mapping[str, Mapping[str, Any]], size: int) -> None:
    """Build each of the ``networks`` that are defined elsewhere (what
    :class:`upwind.networks.foreign.Foreign` takes, by the method's key) and show it slices of
    ``size`` pixels squared.

    One that fitted before, of the same version, is not built again: torch takes seconds to load.
    Raises UpwindError naming every one that cannot be trained.
    """
    lines = []
    for key, options in networks.items():
        try:
            _check(options, size)
        except UpwindError as error:
            lines.append(f"  - methods.{key}: {error}")
    if lines:
        raise UpwindError("networks that `methods` names cannot be trained:\n" + "\n".join(lines))


def _check(options: Mapping[str, Any], size: int) -> None:
    versions = package_versions([options["network"].partition(":")[0]])
    source = json.dumps([dict(options), size, versions], sort_keys=True)
    if _known().get(source) is None:
        from upwind.networks.foreign import try_out

        try_out(options, size)
        _known().set(source, "fits")


@functools.cache
def _known() -> Known:
    adapter = Path(__file__).with_name("foreign.py")
    return Known(adapter.read_text(encoding="utf-8"), "upwind-networks.json")
