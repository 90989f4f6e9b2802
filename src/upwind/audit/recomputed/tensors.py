"""The audit's own reader of safetensors files (https://github.com/huggingface/safetensors): eight
bytes with the length of a JSON header, the header, the numbers."""

import json
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from upwind.common.reading import once_each, open_plain

_TYPES = {"F32": "<f4", "I16": "<i2", "U8": "u1"}


_LENGTH = 8  # bytes that state the header's length
_LONGEST_HEADER = 64 << 20


@dataclass(frozen=True)
class StoredTensors:
    """A safetensors file that is not read but where it is asked for: ``metadata`` of its header,
    and type, shape and place of each tensor by name."""

    metadata: dict[str, str]
    entries: dict[str, Any]
    start: int
    content: mmap.mmap

    def stored(self, name: str) -> tuple[str, list[int], bytes]:
        """Type, shape and bytes of a tensor."""
        entry = self.entries[name]
        first, last = (self.start + offset for offset in entry["data_offsets"])
        return entry["dtype"], entry["shape"], self.content[first:last]


@contextmanager
def opened_tensors(path: str | os.PathLike[str]) -> Iterator[StoredTensors]:
    """A safetensors file. Raises OSError or ValueError for what is none."""
    with open_plain(path) as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with content:
        start = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
        if start > min(len(content), _LONGEST_HEADER):
            raise ValueError(f"{os.fspath(path)} is no safetensors file")
        header = json.loads(content[_LENGTH:start], object_pairs_hook=once_each)
        yield StoredTensors(header.pop("__metadata__", {}), header, start, content)


def read_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Arrays by name. Raises OSError or ValueError for what is no safetensors file, and KeyError
    for types that none of ours has."""
    with opened_tensors(path) as file:
        stored = {name: file.stored(name) for name in file.entries}
    return {
        name: np.frombuffer(content, _TYPES[kind]).reshape(shape)
        for name, (kind, shape, content) in stored.items()
    }


def holds_tensors(whole: StoredTensors, part: StoredTensors) -> bool:
    """Has ``whole`` all tensors of ``part``, bit by bit, under their names with one prefix?"""
    first = min(part.entries, default="")
    prefixes = {name.removesuffix(first) for name in whole.entries if name.endswith(first)}
    return any(
        all(
            prefix + name in whole.entries and whole.stored(prefix + name) == part.stored(name)
            for name in part.entries
        )
        for prefix in prefixes
    )
