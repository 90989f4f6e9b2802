"""Files of weights that a training kept on its way, after some of its epochs."""

import os
from collections.abc import Iterator
from pathlib import Path

from upwind.settings.training import READINGS, Reading

_ENDING = ".safetensors"


def kept_file(folder: str | os.PathLike[str], epoch: int, reading: Reading) -> Path:
    """The weights after an ``epoch``, the last ones or averaged."""
    return Path(folder, f"{reading}-{epoch}{_ENDING}")


def kept_files(folder: str | os.PathLike[str]) -> Iterator[tuple[int, Reading, Path]]:
    """Epoch, reading and file of all weights in a folder, in this order."""
    epochs = {int(path.stem.partition("-")[2]) for path in Path(folder).glob(f"*{_ENDING}")}
    for epoch in sorted(epochs):
        for reading in READINGS:
            yield epoch, reading, kept_file(folder, epoch, reading)
