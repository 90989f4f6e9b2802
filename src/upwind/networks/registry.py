"""The networks by name: where each is defined.

They are imported by name when they are built, so that the code of one is no part of what the other
was made with, and editing one does not train the other again.
"""

from collections.abc import Mapping
from typing import Any

from upwind.common.errors import UpwindError
from upwind.methods import catalogue, networks_of
from upwind.methods.configured import FOREIGN


def networks() -> dict[str, str]:
    """``module:class`` of every network: those that methods train, their parts, which studies train
    by themselves, and the one that holds any network that a configuration names."""
    found: dict[str, str] = {FOREIGN: "upwind.networks.foreign:Foreign"}
    for key, network in networks_of(catalogue()).items():
        found |= {key: network.definition, **network.parts}
    return found


def definition_of(name: str) -> str:
    """``module:class`` of a network. Raises UpwindError for a network that is not known."""
    known = networks()
    if name not in known:
        raise UpwindError(f"unknown network {name!r}; known are {sorted(known)}")
    return known[name]


def network_module(name: str) -> str:
    """The module that defines a network. Raises UpwindError for a network that is not known."""
    return definition_of(name).partition(":")[0]


def network_modules(name: str, options: Mapping[str, Any]) -> list[str]:
    """The modules that a network with these options imports by name: its own, and, of a network
    that a configuration names, the module there. Raises UpwindError as :func:`network_module`."""
    named = [options["network"].partition(":")[0]] if name == FOREIGN else []
    return [network_module(name), *named]
