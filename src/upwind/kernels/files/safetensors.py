"""3x3 convolutions of a safetensors file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from upwind.common.wording import natural_order
from upwind.kernels.files.discovery import Found, is_3x3, unreadable

KIND = "safetensors"
_FLOATING = ("F16", "BF16", "F32", "F64")


def find(path: Path) -> Iterator[Found]:
    """Its 3x3 convolutions; only their weights are read."""
    try:
        with safe_open(path, framework="pt") as file:
            for name in sorted(file.keys(), key=natural_order):
                part = file.get_slice(name)
                shape = part.get_shape()
                if is_3x3(shape) and part.get_dtype() in _FLOATING:
                    yield Found(
                        name.removesuffix(".weight"),
                        shape[0] * shape[1],
                        partial(_read, path, name),
                    )
    except (SafetensorError, OSError) as error:
        raise unreadable(path, KIND, error) from error


def _read(path: Path, name: str) -> np.ndarray:
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(name).to(torch.float32).numpy()
    except (SafetensorError, OSError) as error:
        raise unreadable(path, KIND, error) from error
