"""Convolutions of a PyTorch state dict, loaded without running what a pickle may hold."""

import codecs
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Hashable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import Contents, check_fits, single, unreadable
from upwind.kernels.files.parameters import Stored, convolutions

KIND = "a PyTorch file"
ORDER = "of the file, in which PyTorch keeps the order that modules were made in"
# Of a checkpoint's structure, without its numbers: nnU-Net's with all its plans has 1 MB.
_LARGEST_PICKLE = 64 * 2**20
# Weights hardly shrink: what is packed more tightly is made to fill memory.
_TIGHTEST = 50
_OLD_PICKLES = 5  # that a file from before PyTorch 1.6 begins with


class _Inert:
    """What stands in for an object that is not weights: it takes anything and does nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


# What checkpoints hold beside weights and is let pass, though never made: NumPy's scalars (nnU-Net
# logs them) and the arguments of a script (timm).
_LET_PASS = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "argparse.Namespace",
)


def find(path: Path) -> Contents:
    """Its convolutions, in the order of the state dict."""
    return convolutions(_tensors(_load(path), path), ORDER)


def _tensors(loaded: Any, path: Path) -> Iterator[Stored]:
    """Tensors in dictionaries and lists within each other, however deep and however knotted."""
    waiting: list[tuple[str, str, Any]] = [("", "", loaded)]
    seen: set[int] = set()
    while waiting:
        section, name, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            yield _stored(section, name, value, path)
        if not isinstance(value, (Mapping, list, tuple)) or id(value) in seen:
            continue
        seen.add(id(value))
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        within = f"{section}.{name}" if section else name
        inside = [(within, str(key), one) for key, one in items if isinstance(key, (str, int))]
        waiting += reversed(inside)


def _stored(section: str, name: str, tensor: torch.Tensor, path: Path) -> Stored:
    return Stored(
        section,
        name,
        tuple(tensor.shape),
        partial(_numbers, tensor, path),
        _fault(tensor),
        _storage(tensor),
    )


def _fault(tensor: torch.Tensor) -> str:
    if tensor.is_meta:
        return "a shape without numbers (device meta)"
    if tensor.layout != torch.strided:
        return f"stored as {tensor.layout}"
    if not (tensor.is_floating_point() or tensor.is_quantized):
        return "whole or complex numbers"
    return ""


def _storage(tensor: torch.Tensor) -> Hashable | None:
    if _fault(tensor):
        return None
    place = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return *place, tensor.dtype, tuple(tensor.shape), tensor.stride()


def _numbers(tensor: torch.Tensor, path: Path) -> np.ndarray:
    try:
        plain = tensor.detach()
        plain = plain.dequantize() if plain.is_quantized else plain
        return single(plain.to(torch.float32).numpy())
    except RuntimeError as error:
        raise unreadable(path, KIND, error) from error


def _load(path: Path) -> Any:
    packed = _check(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickles than torch's: refused below
            return _load_weights(path, mapped=not packed)
    except pickle.UnpicklingError as error:
        raise _no_state_dict(path) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise UpwindError(
                f"{path} is a TorchScript program, which is not run: save the network's "
                "state_dict() instead"
            ) from error
        raise unreadable(path, KIND, error) from error
    except Exception as error:  # where a damaged pickle ends decides which it is
        raise unreadable(path, KIND, error) from error


def _load_weights(path: Path, mapped: bool) -> Any:
    with torch.serialization.safe_globals([(_Inert, name) for name in _LET_PASS]):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):  # files from before PyTorch 1.6
                raise
            return torch.load(path, map_location="cpu", weights_only=True)


def _no_state_dict(path: Path) -> UpwindError:
    return UpwindError(
        f"{path} is no plain state dict: it holds objects whose loading would run code, which "
        "is not done, or is damaged. Save the network's weights alone, "
        "torch.save(network.state_dict(), ...), or as safetensors"
    )


def _check(path: Path) -> bool:
    """Whether the file is packed, as PyTorch does not pack it. Raises UpwindError where loading it
    would take memory out of all proportion to its size."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                _check_pickles(path, file, _OLD_PICKLES)
            return False
        with zipfile.ZipFile(path) as archive:
            packed = _check_sizes(path, archive.infolist())
            for name in archive.namelist():
                if name.endswith("data.pkl"):
                    with archive.open(name) as file:
                        _check_pickles(path, file, 1)
            return packed
    except UpwindError:
        raise
    except Exception as error:  # a damaged directory ends in many of them
        raise unreadable(path, KIND, error) from error


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo]) -> bool:
    if any(e.filename.endswith("data.pkl") and e.file_size > _LARGEST_PICKLE for e in entries):
        raise UpwindError(
            f"{path} is no state dict: its structure alone takes {_LARGEST_PICKLE:,} bytes or more"
        )
    packed = [entry for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    size = sum(entry.file_size for entry in packed)
    if size > _TIGHTEST * path.stat().st_size:
        raise UpwindError(
            f"{path} is packed more than {_TIGHTEST} times as tightly as weights can be"
        )
    check_fits(path, size, "its packed contents")
    return bool(packed)


def _check_pickles(path: Path, file: IO[bytes], most: int) -> None:
    """Raises UpwindError for pickles that would make large bytes from few. What else they may do is
    PyTorch's restricted loader's to refuse, and what is damaged its to name."""
    try:
        for _ in range(most):
            for _, argument, _ in pickletools.genops(file):
                if isinstance(argument, str) and _grows(argument):
                    raise _no_state_dict(path)
    except (ValueError, EOFError, AttributeError, IndexError, UnicodeError):
        return


def _grows(argument: str) -> bool:
    """Whether a pickle's global or text makes bytes from a number, or encodes bytes as bytes, which
    can be done to the result again: nothing that is kept beside weights needs either."""
    if argument in ("builtins bytearray", "__builtin__ bytearray"):
        return True
    try:
        return len(argument) < _LONGEST_CODEC and not codecs.lookup(argument)._is_text_encoding
    except (LookupError, ValueError):
        return False


_LONGEST_CODEC = 24
