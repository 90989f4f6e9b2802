"""Methods that a configuration names beside those of the catalogue (``methods``)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from upwind.common.errors import UpwindError
from upwind.methods import Methods, catalogue, in_order, table1_columns
from upwind.methods.method import MASKED_CASES, Column, Method, Network

#: The network of the registry that holds any other; see :mod:`upwind.networks.foreign`.
FOREIGN = "foreign"
_UNSAID = "not stated"
_TITLES = {"largest_component": "largest component", "averaged": "averaged weights"}


def methods_of(config: Mapping[str, Any]) -> Methods:
    """The methods of a completed configuration by key, in the order of tables and figures: the
    catalogue's and those of ``methods``, with the columns of Table I that ``table1`` says.

    Raises:
        UpwindError: as :func:`upwind.methods.catalogue`, or for averaged weights of what is no
            network, or post-processing of a method that there is not, or of post-processing.
    """
    entries = config["methods"]
    known = dict(catalogue())
    first = {key: entry for key, entry in entries.items() if "of" not in entry}
    known |= {key: _plain(key, entry) for key, entry in first.items()}
    for step in ("weights", "postprocess"):
        known |= {
            key: _derived(key, entry, step, known)
            for key, entry in entries.items()
            if entry.get(step)
        }
    return with_columns(in_order(known.values()), config["table1"]["columns"])


def with_columns(methods: Methods, chosen: Sequence[str] | None) -> Methods:
    """The methods with those columns of Table I that are ``chosen`` by their own names or by that
    of a method; None leaves them as they are. Raises UpwindError for an unknown name."""
    if chosen is None:
        return methods
    columns = table1_columns(methods)
    unknown = [name for name in chosen if name not in columns and name not in methods]
    if unknown:
        known = ", ".join(dict.fromkeys([*columns, *methods]))
        raise UpwindError(
            f"table1.columns: no column or method {', '.join(unknown)}; known are {known}"
        )
    return {
        key: replace(method, columns=tuple(_columns_of(method, columns, chosen)))
        for key, method in methods.items()
    }


def settings_of(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The settings of a method: of its section of the configuration, none where it has none, or,
    of a network of ``methods``, what it is trained with."""
    key = source_of(config, key)
    entry = config.get("methods", {}).get(key)
    if entry is None:
        return dict(config.get(key, {}))
    return {name: entry[name] for name in ("epochs", "network", "options", "output")}


def network_kind(config: Mapping[str, Any], name: str) -> str:
    """The name by which :mod:`upwind.networks.registry` knows the network of a method, or a part of
    one."""
    name = source_of(config, name)
    return FOREIGN if name in config.get("methods", {}) else name


def source_of(config: Mapping[str, Any], key: str) -> str:
    """The method whose network segments: itself, or the one whose averaged weights it reads."""
    entry = config.get("methods", {}).get(key, {})
    return str(entry["of"]) if entry.get("weights") else key


def networks_in(config: Mapping[str, Any]) -> list[str]:
    """The entries of ``methods`` that are networks."""
    return [key for key, entry in config.get("methods", {}).items() if "network" in entry]


def with_masks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of ``methods`` whose masks somebody else made, by key."""
    return {key: entry for key, entry in config["methods"].items() if "masks" in entry}


def _plain(key: str, entry: Mapping[str, Any]) -> Method:
    if "masks" in entry:
        return Method(key, **_described(key, entry, _UNSAID, _UNSAID), cases=MASKED_CASES)
    return Method(
        key,
        **_described(key, entry, "CT", "weights"),
        settings="upwind.settings.methods:NetworkEntry",
        network=Network("upwind.networks.foreign:Foreign", entry["seconds_per_megapixel"]),
    )


def _described(key: str, entry: Mapping[str, Any], knows: str, has: str) -> dict[str, Any]:
    said = {"title": key, "knows": knows, "has": has} | {
        name: entry[name]
        for name in ("title", "knows", "has", "colour", "order")
        if entry[name] is not None
    }
    return said


def _derived(key: str, entry: Mapping[str, Any], step: str, known: Methods) -> Method:
    """The method that comes of another by a ``step``: 'weights' or 'postprocess'."""
    of, what = entry["of"], entry[step]
    able = [name for name in known if step == "postprocess" or known[name].trained]
    if of not in able:
        fit = "method that can be post-processed" if step == "postprocess" else "network"
        raise UpwindError(f"methods.{key}.of: {of} is no {fit}; known are {', '.join(able)}")
    source = known[of]
    title = f"{source.title}, {_TITLES[what]}"
    said = {"title": title, "colour": source.colour, "order": source.order + 1}
    described = _described(key, entry, source.knows, source.has)
    given = {name for name, value in entry.items() if value is not None}
    described |= {name: value for name, value in said.items() if name not in given}
    return Method(key, **described, by_fold=True, cases=source.cases, of=of, **{step: what})


def _columns_of(
    method: Method, columns: Mapping[str, tuple[Method, Column]], chosen: Iterable[str]
) -> list[Column]:
    found = [column for column in method.columns if column.key in chosen]
    if method.key in chosen and method.key not in columns:
        found.append(Column(method.key, method.title))
    return found
