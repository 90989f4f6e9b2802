"""The methods: each module here defines one, as ``METHOD``, and nothing else names them all.

A method is added by a module of its own; the workflow, the tables, the figures, the report and the
audit take it from here.
"""

import functools
import importlib
import json
import os
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError
from upwind.methods.method import Column, Method, Network

Methods = Mapping[str, Method]


@functools.cache
def catalogue() -> Methods:
    """Every method by its key, in the order of tables and figures.

    Raises:
        UpwindError: two methods claim the same key, or the same column of Table I.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return in_order(module.METHOD for module in modules if hasattr(module, "METHOD"))


def in_order(methods: Iterable[Method]) -> Methods:
    """Methods by key, by their order and then by name. Raises UpwindError as :func:`catalogue`."""
    ordered = sorted(methods, key=lambda method: (method.order, method.key))
    keys = [method.key for method in ordered]
    columns = [column.key for method in ordered for column in method.columns]
    for what, names in (("method", keys), ("column of Table I", columns)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UpwindError(f"more than one {what} is named {', '.join(twice)}: rename one")
    return dict(zip(keys, ordered, strict=True))


def trained(methods: Methods) -> list[str]:
    """Keys of those that are networks, trained fold by fold."""
    return [key for key, method in methods.items() if method.trained]


def learned(methods: Methods) -> list[str]:
    """Keys of those by which a trained network segments: its last weights, or averaged ones."""
    return [key for key, method in methods.items() if method.learned]


def untrained(methods: Methods) -> list[str]:
    """Keys of those by which no network segments."""
    return [key for key, method in methods.items() if not method.learned]


def networks_of(methods: Methods) -> dict[str, Network]:
    """How each method that is trained is trained, by its key."""
    return {key: method.network for key, method in methods.items() if method.network is not None}


def network_named(methods: Methods, name: str) -> Network:
    """What a method says of its network, by the method's key or by the name of a part of it."""
    for key, network in networks_of(methods).items():
        if name in (key, *network.parts):
            return network
    raise UpwindError(f"unknown network {name!r}; known are {', '.join(trained(methods))}")


def table1_columns(methods: Methods) -> dict[str, tuple[Method, Column]]:
    """The columns of Table I by key, in order, with the method that each is about."""
    return {
        column.key: (method, column) for method in methods.values() for column in method.columns
    }


def title(methods: Methods, key: str, fold: object = None) -> str:
    """``UNet``; with a fold ``UNet, fold 2``, or ``UNet, all cases`` for the fold ``all``. A method
    that is not known keeps its key."""
    name = methods[key].title if key in methods else key
    if fold is None:
        return name
    return f"{name}, all cases" if fold == "all" else f"{name}, fold {fold}"


def known_first(methods: Methods, keys: Iterable[str]) -> list[str]:
    """Each of ``keys`` once, in the order of ``methods``; those not known last, by name."""
    there = set(keys)
    return [key for key in methods if key in there] + sorted(there - methods.keys())


def to_json(methods: Methods) -> dict[str, Any]:
    """What ``methods.json`` holds."""
    return {"methods": [method.as_json() for method in methods.values()]}


def read_methods(path: str | os.PathLike[str]) -> Methods:
    """The methods of a run, from its ``methods.json``. Raises UpwindError for another file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return in_order(Method.from_json(method) for method in content["methods"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UpwindError(
            f"{path} does not tell the methods of a run ({error}): run the workflow again"
        ) from error
