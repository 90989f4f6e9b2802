"""Programs of others that are asked, and what they answer."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from upwind.common.errors import UpwindError


@dataclass(frozen=True)
class Answer:
    """How a program ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def program(name: str, otherwise: str) -> str:
    """The path of a program. Raises UpwindError with what is done ``otherwise``."""
    path = shutil.which(name)
    if path is None:
        raise UpwindError(f"{name} is not here; {otherwise}")
    return path


def output_of(command: Sequence[str], content: bytes = b"") -> Answer:
    """Run a program with ``content`` as its input."""
    done = subprocess.run(list(command), input=content, capture_output=True, check=False)
    said = (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    return Answer(done.returncode, *said)
