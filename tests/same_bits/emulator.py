"""Other makers' processors, by qemu's user mode: the same interpreter, on an emulated processor."""

import os
import shutil
import sysconfig
from pathlib import Path

EMULATOR = "qemu-x86_64"
# Of Intel and of AMD, both with AVX2; the emulator knows no AVX-512.
PROCESSORS = ("Haswell", "EPYC-Rome")
NATIVE = "native"
SOURCES = Path(__file__).resolve().parents[2] / "src"


def is_there() -> bool:
    """Whether processors can be emulated."""
    return shutil.which(EMULATOR) is not None


def python_on(processor: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment of this interpreter on a processor: ``native``, or one that the
    emulator knows. Of what is set for libraries nothing is left."""
    # The interpreter itself: a virtual environment's is a link, and finds its packages by it.
    executable = str(Path(sysconfig.get_config_var("BINDIR"), _name()).resolve())
    paths = [str(SOURCES), sysconfig.get_path("purelib")]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = kept | {"PYTHONPATH": os.pathsep.join(paths)}
    if processor == NATIVE:
        return [executable], environment
    return [EMULATOR, "-cpu", processor, executable], environment


def _name() -> str:
    return f"python{sysconfig.get_config_var('LDVERSION')}"
