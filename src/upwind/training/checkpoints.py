"""Checkpoints of training runs: whole or not at all, and never of another run.

A file is named by its key, the hash of everything that the run depends on, so whatever is found
under a key is what the run itself would have computed; where it is finished, it is the result. The
newest state and the one before are kept. Files are safetensors with JSON in the header: nothing in
them is run. Key and digest guard against accidents, not against an attacker.
"""

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from upwind.common.errors import UpwindError
from upwind.common.files import atomic_path
from upwind.training.cache_key import differences, digest_of_arrays, digest_of_text
from upwind.training.state import TrainingState

_log = logging.getLogger(__name__)

_HEADER = "upwind_checkpoint"
_PREVIOUS = ".previous.safetensors"


@dataclass(frozen=True)
class CheckpointPlace:
    """``folder`` of a run's checkpoints, and the ``seconds`` between two; 0 is every batch."""

    folder: Path
    seconds: float


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: the state's numbers and tensors, and the device it was on."""

    numbers: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    device: str


class Checkpoints:
    """The checkpoints of one run. ``parts`` are all that it depends on, by name (JSON), ``device``
    is the name of the one it computes on, ``name`` the run's own, for people. Only one process at a
    time may write them: see :mod:`upwind.training.locking`."""

    def __init__(
        self, place: CheckpointPlace, parts: Mapping[str, Any], device: str, name: str
    ) -> None:
        self.parts, self.device, self.name = parts, device, name
        self.seconds = place.seconds
        self.key = digest_of_text(json.dumps(parts, sort_keys=True))
        self.path = place.folder / f"{self.key[:16]}.safetensors"
        self.previous = place.folder / f"{self.key[:16]}{_PREVIOUS}"
        self.lock = place.folder / f"{self.key[:16]}.lock"
        self._newest_is_intact = False
        self._last_save = time.monotonic()

    def resume(self, state: TrainingState) -> bool:
        """Set ``state`` to the newest intact checkpoint of this run, and say so. Where there is
        none, say why those that are there are not used, and return False."""
        for path in (self.path, self.previous):
            if path.exists() and (saved := self._read_or_say(path)) is not None:
                self._newest_is_intact = path == self.path
                state.restore(saved.numbers, saved.tensors)
                self._say_resumed(path, saved, state)
                return True
        if (refusal := self._refusal()) is not None:
            _log.warning(f"{self.name}: {refusal}; training starts anew")
        return False

    def save_if_due(self, state: TrainingState) -> None:
        """Save ``state`` if the last save lies longer ago than the stated seconds."""
        if time.monotonic() - self._last_save >= self.seconds:
            self.save(state)

    def save(self, state: TrainingState) -> None:
        """Write ``state``; the checkpoint before becomes the previous one. Raises UpwindError where
        it cannot be written; older checkpoints then stay."""
        content = self._serialised(state)
        try:
            with atomic_path(self.path) as temporary:
                temporary.write_bytes(content)
                if self._newest_is_intact:  # else the previous one is worth more
                    with contextlib.suppress(FileNotFoundError):
                        self.path.replace(self.previous)
        except OSError as error:
            raise UpwindError(
                f"{self.name}: its state could not be saved; what was saved before stays, and the "
                f"next run goes on from there. {error}"
            ) from error
        self._newest_is_intact = True
        self._last_save = time.monotonic()

    def _serialised(self, state: TrainingState) -> bytes:
        tensors = state.tensors()
        header = {
            "key": self.key,
            "parts": self.parts,
            "device": self.device,
            "numbers": state.numbers(),
        }
        header["digest"] = _digest(header, tensors)
        return save(tensors, metadata={_HEADER: json.dumps(header)})

    def _read_or_say(self, path: Path) -> Saved | None:
        try:
            return read_checkpoint(path, self.key)
        except UpwindError as error:
            _log.warning(f"{self.name}: {error}; it is not used")
            return None

    def _say_resumed(self, path: Path, saved: Saved, state: TrainingState) -> None:
        if state.finished:
            _log.warning(
                f"{self.name}: was trained before; its finished state is taken from {path}"
            )
            return
        _log.warning(f"{self.name}: goes on from {path}: {state.position}")
        if saved.device != self.device:
            _log.warning(
                f"{self.name}: began on {saved.device} and goes on on {self.device}: the last bits "
                "of its weights may not be those of an uninterrupted run; with "
                "training.deterministic it would start anew"
            )

    def _refusal(self) -> str | None:
        """Why the newest checkpoint of another run in the folder is not used; None without one."""
        newest: tuple[float, Path, dict[str, Any]] | None = None
        for path in self.path.parent.glob("*.safetensors"):
            if path == self.path or path.name.endswith(_PREVIOUS):
                continue
            # What is damaged there, or was deleted this moment, concerns the other run.
            with contextlib.suppress(UpwindError, OSError):
                found = (path.stat().st_mtime, path, _header(path))
                newest = max(newest or found, found, key=lambda one: one[0])
        if newest is None:
            return None
        _, path, header = newest
        reasons = "; ".join(differences(header["parts"], self.parts))
        return f"the checkpoint {path} is not of this run ({reasons})"


def read_checkpoint(path: Path, key: str) -> Saved:
    """Read a checkpoint. Raises UpwindError, saying what is wrong, unless it is intact and of the
    run with ``key``."""
    header = _header(path)
    if header["key"] != key:
        raise UpwindError(f"the checkpoint {path} is of another run than its name says")
    with _intact(path), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header.pop("digest") != _digest(header, tensors):
            raise ValueError("its content does not match its digest")
    return Saved(header["numbers"], tensors, header["device"])


def _header(path: Path) -> dict[str, Any]:
    with _intact(path), safe_open(path, framework="pt") as file:
        header = json.loads((file.metadata() or {})[_HEADER])
        if not {"key", "parts", "device", "numbers", "digest"} <= header.keys():
            raise ValueError("its header is not complete")
        return header


@contextlib.contextmanager
def _intact(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # safetensors raises its own types for damaged files
        raise UpwindError(f"the checkpoint {path} is cut or altered: {error}") from error


def _digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    names = sorted(tensors)
    content = digest_of_arrays(tensors[name].numpy() for name in names)
    return digest_of_text(json.dumps([header, names, content], sort_keys=True))
