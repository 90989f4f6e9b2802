"""3x3 convolutions of a PyTorch state dict, loaded without running what a pickle may hold."""

import pickle
import struct
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import Found, is_3x3, unreadable

# Where training scripts keep the state dict in a checkpoint, beside the optimiser's.
_PLACES = ("state_dict", "model_state_dict", "model", "net", "params_ema", "params")


def find(path: Path) -> Iterator[Found]:
    """Its 3x3 convolutions, in the order of the state dict."""
    for name, tensor in _tensors(_state(_load(path)), "", set()):
        floating = tensor.is_floating_point() and tensor.layout == torch.strided
        if floating and is_3x3(tensor.shape):
            yield Found(
                name.removesuffix(".weight"),
                tensor.shape[0] * tensor.shape[1],
                partial(_numbers, tensor),
            )


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().to(torch.float32).numpy()


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickles than torch's: refused below
            return _load_weights(path)
    except pickle.UnpicklingError as error:
        raise UpwindError(
            f"{path} is no plain state dict: it holds objects whose loading would run code, which "
            "is not done, or is damaged. Save the network's weights alone, "
            "torch.save(network.state_dict(), ...), or as safetensors"
        ) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise UpwindError(
                f"{path} is a TorchScript program, which is not run: save the network's "
                "state_dict() instead"
            ) from error
        raise unreadable(path, "a PyTorch file", error) from error
    # Where a pickle ends early decides which of these it is.
    except (
        EOFError,
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        AssertionError,
        struct.error,
    ) as error:
        raise unreadable(path, "a PyTorch file", error) from error


def _load_weights(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap can only be used" not in str(error):  # files from before PyTorch 1.6
            raise
        return torch.load(path, map_location="cpu", weights_only=True)


def _state(loaded: Any) -> Any:
    """The state dict within a checkpoint; what was loaded, where it is one."""
    if not isinstance(loaded, Mapping):
        return {}
    if any(isinstance(value, torch.Tensor) for value in loaded.values()):
        return loaded
    return next((_state(loaded[name]) for name in _PLACES if name in loaded), loaded)


def _tensors(state: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors by their names, through dictionaries within dictionaries (which may be knotted)."""
    if id(state) in seen:
        return
    seen.add(id(state))
    for name, value in state.items():
        if not isinstance(name, str):  # the optimiser numbers what it keeps
            continue
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, Mapping):
            yield from _tensors(value, f"{prefix}{name}.", seen)
