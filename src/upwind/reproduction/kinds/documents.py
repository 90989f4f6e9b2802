"""JSON and YAML, key by key."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from upwind.reproduction.difference import Difference, Part, counted
from upwind.reproduction.kinds.tables import distance
from upwind.reproduction.set_apart import SETTINGS


def compare_documents(first: Path, second: Path) -> Difference:
    """Keys whose values differ. Raises ValueError or OSError for a file that is neither."""
    one, other = read_document(first), read_document(second)
    parts = list(differing(one, other))
    kept = [part for part in parts if part.name not in SETTINGS]
    apart = [part.name for part in parts if part.name in SETTINGS]
    total = len(dict(leaves(one)).keys() | dict(leaves(other)).keys())
    if not parts:
        kept = [Part("how it is written", None, None)]
    return Difference(counted(kept, total, "entries"), kept, total, apart)


def read_document(path: Path) -> Any:
    """What a file of JSON or YAML says. Raises ValueError for another."""
    text = path.read_text(encoding="utf-8")
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error


def differing(one: Any, other: Any) -> Iterator[Part]:
    """Entries of two documents that are not the same, by dotted name, sorted."""
    here, there = dict(leaves(one)), dict(leaves(other))
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            size = distance(here.get(name), there.get(name))
            yield Part(name, here.get(name), there.get(name), size)


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Entries by dotted name, as JSON has them. A list of plain values is an entry; an empty name
    is the whole."""
    if isinstance(value, Mapping) and (value or not name):
        for key, part in value.items():
            yield from leaves(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        for number, part in enumerate(value):
            yield from leaves(part, f"{name}.{number}" if name else str(number))
    else:
        yield name, json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
