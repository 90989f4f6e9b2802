"""The audit's own reader of safetensors files (https://github.com/huggingface/safetensors): eight
bytes with the length of a JSON header, the header, the numbers."""

import json
import os
from pathlib import Path

import numpy as np

_TYPES = {"F32": "<f4", "I16": "<i2", "U8": "u1"}


def read_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Arrays by name. Raises ValueError for what is no safetensors file of these types."""
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        numbers = np.frombuffer(content[start + first : start + last], _TYPES[entry["dtype"]])
        arrays[name] = numbers.reshape(entry["shape"])
    return arrays
