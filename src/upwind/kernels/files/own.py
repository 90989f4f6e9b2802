"""Convolutions of a weights file of ours, whose header says which network they are of."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from safetensors import SafetensorError, safe_open

from upwind.kernels.files.discovery import Contents, Found
from upwind.kernels.layers import Layer
from upwind.kernels.lsn import lsn_layers
from upwind.kernels.unet import unet_layers

ORDER = "of execution, by the file's recipe, as in Figures 1 and 2"
_READERS: Mapping[str, Callable[[Path], list[Layer]]] = MappingProxyType(
    {"unet": unet_layers, "lsn": lambda path: lsn_layers([path])}
)


def network_named_in(path: Path) -> str | None:
    """The network of ours that the header of a safetensors file names, where it is one whose layers
    are known here."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("upwind", "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        return None
    name = header.get("network") if isinstance(header, dict) else None
    return name if isinstance(name, str) and name in _READERS else None


def find(path: Path) -> Contents:
    """Its layers in order of execution."""
    layers = _READERS[network_named_in(path) or "unet"](path)
    return Contents(ORDER, [_found(layer) for layer in layers])


def _found(layer: Layer) -> Found:
    name, weights = layer.name, layer.weights
    return Found(name, weights.shape, lambda: weights, layer.groups, part=layer.part)
