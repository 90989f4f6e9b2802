"""The same bits on every x86-64 processor with AVX2: libraries held to one set of instructions.

Libraries look at the processor and choose how to add: in how many lanes, with which blocks for
which cache, on how many threads. Each choice rounds differently. What is said here makes them
choose the same way everywhere. They read it when they are loaded: :func:`hold` comes before.

What is held, what each variable does and what remains: ``docs/same_bits.md``.
"""

import functools
import platform
from collections.abc import MutableMapping
from pathlib import Path

# Costs no time that could be measured.
ALWAYS = {
    # By name, not by looking: NumPy's loops for AVX-512 have other exponentials and logarithms.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    # NumPy's and SciPy's.
    "OPENBLAS_CORETYPE": "Haswell",
    # Where a sum is divided among threads, their number is seen in its last bits. torch's threads
    # are set by a call (`training.cpu_threads`).
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
    "ATEN_CPU_CAPABILITY": "avx2",
    # MKL's only mode that is the same on processors of other makers: AVX2 there is AVX2 on Intel's.
    "MKL_CBWR": "COMPATIBLE",
}
# Networks' convolutions, which AVX-512 makes faster: `training.same_bits`.
CONVOLUTIONS = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
_NEEDED = {"avx2", "fma"}


def hold(environment: MutableMapping[str, str], convolutions: bool = True) -> None:
    """Set in ``environment``, over what is there, what libraries that are loaded from now on are
    held by; with ``convolutions`` networks' convolutions, too.

    On a processor without AVX2, and on other kinds of processor, nothing is set.
    """
    if processor_can():
        environment.update(ALWAYS | (CONVOLUTIONS if convolutions else {}))


def held(environment: MutableMapping[str, str]) -> dict[str, str]:
    """The variables of :func:`hold` that ``environment`` has, with the values that it sets."""
    return {
        name: value
        for name, value in (ALWAYS | CONVOLUTIONS).items()
        if environment.get(name) == value
    }


def widest_vectors() -> str:
    """What the processor computes with at its widest; empty where it is not known."""
    known = (("amx_tile", "AMX"), ("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"))
    return next((name for flag, name in known if flag in instructions()), "")


@functools.cache
def processor_can() -> bool:
    """Whether this is an x86-64 processor with AVX2 and fused multiplication, under Linux."""
    return platform.machine() == "x86_64" and instructions() >= _NEEDED


@functools.cache
def instructions() -> frozenset[str]:
    """The sets of instructions that Linux says the processor has; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(flags[0]) if flags else frozenset()
