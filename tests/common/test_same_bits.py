import subprocess
import sys

import pytest

from upwind.common import same_bits
from upwind.common.same_bits import ALWAYS, CONVOLUTIONS, held, hold

ABLE = pytest.mark.skipif(
    not same_bits.processor_can(), reason="not an x86-64 processor with AVX2 under Linux"
)


@pytest.fixture
def processor(monkeypatch):
    """A function that makes the processor one with these flags."""

    def become(flags, kind="x86_64"):
        monkeypatch.setattr(same_bits, "instructions", lambda: frozenset(flags.split()))
        monkeypatch.setattr(same_bits.platform, "machine", lambda: kind)
        monkeypatch.setattr(same_bits, "processor_can", same_bits.processor_can.__wrapped__)

    return become


def test_everything_is_held_over_what_a_user_or_a_site_has_set(processor):
    processor("sse2 avx avx2 fma")
    environment = {"OPENBLAS_CORETYPE": "SkylakeX", "MKL_CBWR": "AUTO", "HOME": "/home/x"}
    hold(environment)
    assert environment == {"HOME": "/home/x", **ALWAYS, **CONVOLUTIONS}
    assert held(environment) == ALWAYS | CONVOLUTIONS


def test_convolutions_can_be_let_go_and_keep_what_a_user_has_set(processor):
    processor("avx2 fma avx512f")
    environment = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}
    hold(environment, convolutions=False)
    assert environment == {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", **ALWAYS}
    assert held(environment) == ALWAYS


@pytest.mark.parametrize(
    ("flags", "kind"), [("sse2 avx fma", "x86_64"), ("avx2", "x86_64"), ("avx2 fma", "aarch64")]
)
def test_nothing_is_set_where_it_cannot_hold(processor, flags, kind):
    processor(flags, kind)
    environment = {}
    hold(environment)
    assert environment == {} == held(environment)


@pytest.mark.parametrize(
    ("flags", "widest"),
    [("avx avx2", "AVX2"), ("avx2 avx512f", "AVX-512"), ("avx512f amx_tile", "AMX"), ("sse2", "")],
)
def test_the_widest_vectors_are_named(processor, flags, widest):
    processor(flags)
    assert same_bits.widest_vectors() == widest


@ABLE
def test_libraries_do_what_they_are_told():
    code = """
import os
from upwind.common.same_bits import hold
hold(os.environ)
import warnings
warnings.simplefilter("error")
import numpy as np, numba, scipy.linalg, torch
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
print([name for name in __cpu_dispatch__ if __cpu_features__[name]])
blas = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
print({(pool["architecture"], pool["num_threads"]) for pool in blas}, len(blas))
print(torch.backends.cpu.get_cpu_capability(), torch.__config__.show().count("CPU capability"))
print(numba.config.CPU_NAME, numba.config.CPU_FEATURES)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [
        "['X86_V3']",
        "{('Haswell', 1)} 2",
        "AVX2 1",
        "haswell +avx2,+fma",
    ]
