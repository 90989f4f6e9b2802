"""Convolutions of a safetensors file."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from upwind.common.wording import natural_order
from upwind.kernels.files.discovery import Contents, single, unreadable
from upwind.kernels.files.parameters import Stored, convolutions

KIND = "safetensors"
ORDER = "of the names, numbers in them counting as numbers: the file keeps no other"
_FLOATING = ("F16", "BF16", "F32", "F64")


def find(path: Path) -> Contents:
    """Its convolutions; only their weights are read."""
    try:
        with safe_open(path, framework="pt") as file:
            stored = [
                _stored(path, name, file.get_slice(name))
                for name in sorted(file.keys(), key=natural_order)
            ]
    except (SafetensorError, OSError) as error:
        raise unreadable(path, KIND, error) from error
    return convolutions(stored, ORDER)


def _stored(path: Path, name: str, part: Any) -> Stored:
    kind = part.get_dtype()
    fault = "" if kind in _FLOATING else f"numbers of type {kind}, whose scale is not known"
    return Stored("", name, tuple(part.get_shape()), partial(_read, path, name), fault)


def _read(path: Path, name: str) -> np.ndarray:
    try:
        with safe_open(path, framework="pt") as file:
            return single(file.get_tensor(name).to(torch.float32).numpy())
    except (SafetensorError, OSError) as error:
        raise unreadable(path, KIND, error) from error
