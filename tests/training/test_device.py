"""Which device is taken, and what is said where it is not the one that was meant."""

import os
import re
import subprocess
import sys

import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.training import device
from upwind.training.device import (
    choose_device,
    describe_device,
    given_gpu,
    make_deterministic,
    use_device,
)


@pytest.fixture(autouse=True)
def _no_gpu_given(monkeypatch):
    for name in ("SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.fixture
def with_two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("without_gpu")
def test_a_gpu_that_is_not_there_is_said_and_auto_takes_the_cpu(caplog):
    assert choose_device("auto") == torch.device("cpu")
    assert caplog.text == ""
    with pytest.raises(UpwindError, match=r"'cuda:0' is asked for .* shows 0 GPUs.* auto or cpu"):
        choose_device("cuda:0")


@pytest.mark.usefixtures("with_two_gpus")
def test_a_gpu_that_is_there_is_taken():
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    assert choose_device("cpu") == torch.device("cpu")
    for unknown in ("cuda:2", "gpu", "cuda:x", ""):
        with pytest.raises(UpwindError, match="device"):
            choose_device(unknown)


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize(
    ("build", "advice"), [(None, "build for the CPU"), ("13.0", r"driver .*fits CUDA 13\.0")]
)
def test_a_job_that_was_given_a_gpu_in_vain_says_so_and_goes_on(build, advice, monkeypatch, caplog):
    monkeypatch.setenv("SLURM_JOB_GPUS", "2")
    monkeypatch.setattr(torch.version, "cuda", build)
    assert choose_device("auto") == torch.device("cpu")
    said = "\n".join(caplog.messages) + "\n"
    assert said.startswith("Warning: this job was given a GPU (SLURM_JOB_GPUS=2), but torch sees")
    assert re.search(advice, said)
    assert "training.device to cuda" in said
    with pytest.raises(UpwindError, match="shows 0 GPUs"):
        choose_device("cuda")


def test_which_variables_give_a_gpu(monkeypatch):
    assert given_gpu() is None
    for nothing in ("", "-1", "NoDevFiles"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", nothing)
        assert given_gpu() is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert given_gpu() == "CUDA_VISIBLE_DEVICES=0,1"
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    assert given_gpu() == "SLURM_JOB_GPUS=0"


def test_use_device_sets_threads_denormals_and_true_single_precision(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert use_device("cpu", 2) == torch.device("cpu")
    assert torch.get_num_threads() == 2
    assert float(torch.tensor(1e-39) * 1.0) == 0.0
    assert torch.backends.cudnn.allow_tf32 is False


def test_a_device_is_described_by_name(monkeypatch):
    monkeypatch.setattr(device, "machine", lambda: {"processor": "A Chip"})
    assert describe_device(torch.device("cpu")) == (
        f"A Chip ({torch.backends.cpu.get_cpu_capability()})"
    )
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda d: f"GPU {d.index}")
    assert describe_device(torch.device("cuda:1")) == "GPU 1"


def test_a_gpu_is_made_deterministic_in_all_its_libraries(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    assert "fixed order" in make_deterministic(torch.device("cuda"))
    assert asked == [True]
    assert torch.backends.cudnn.deterministic is True
    assert torch.backends.cudnn.benchmark is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_cpu_always_is_deterministic_and_is_left_alone(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)  # MONAI sets it
    assert "always is" in make_deterministic(torch.device("cpu"))
    assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_choosing_a_device_does_not_reach_the_loss():
    """Segmentation imports it, and must not depend on how networks are trained."""
    code = (
        "import sys, upwind.training.device; "
        "print(sorted(m for m in sys.modules if m.startswith('upwind.training.')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "['upwind.training.allocator', 'upwind.training.device']"
