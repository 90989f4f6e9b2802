"""Where networks compute: the choice of a device, and this process made ready for it."""

import logging
import os
import re

import torch

from upwind.common.errors import UpwindError
from upwind.provenance.machine import machine
from upwind.training.allocator import ask_for_huge_pages, keep_large_blocks

_log = logging.getLogger(__name__)


# What SLURM's and CUDA's variables hold where a job has no GPU.
_NO_GPU = ("", "-1", "NoDevFiles")


def choose_device(wanted: str = "auto") -> torch.device:
    """'auto' is the GPU where there is one; a job that was given a GPU which torch does not see
    goes on on the CPU, and says so. Raises UpwindError for a GPU asked for that is not there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if (given := given_gpu()) is not None:
            _log.warning(_unused_gpu(given))
        return torch.device("cpu")
    form = re.fullmatch(r"cpu|cuda(?::(\d+))?", wanted)
    if form is None:
        raise UpwindError(f"device {wanted!r}: choose auto, cpu, cuda or cuda:N")
    shown = torch.cuda.device_count()
    if wanted != "cpu" and int(form[1] or 0) >= shown:
        raise UpwindError(
            f"device {wanted!r} is asked for and this machine shows {shown} GPUs; set the device "
            "(training.device, --device) to auto or cpu, or check the driver and "
            "CUDA_VISIBLE_DEVICES"
        )
    return torch.device(wanted)


def use_device(wanted: str, cpu_threads: int) -> torch.device:
    """Make this process ready to compute on ``wanted``: threads and memory of the CPU, true single
    precision on a GPU."""
    torch.set_num_threads(cpu_threads)
    # Far from the contour gradients fade into denormal numbers, which take the CPU 100 times as
    # long as zero does and mean as much.
    torch.set_flush_denormal(True)
    keep_large_blocks()
    ask_for_huge_pages()
    # By default cuDNN rounds the numbers that a convolution reads to 10 bits (TF32). A signed
    # distance of tens of pixels then loses the differences that the LSN's stencils are after.
    torch.backends.cudnn.allow_tf32 = False
    return choose_device(wanted)


def describe_device(device: torch.device) -> str:
    """The device's name: of the GPU; of the processor, with the vector instructions in use."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{machine()['processor']} ({torch.backends.cpu.get_cpu_capability()})"


def given_gpu() -> str | None:
    """The variable by which SLURM or a person gave this job a GPU, as NAME=value; None without."""
    for name in ("SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        if os.environ.get(name, "") not in _NO_GPU:
            return f"{name}={os.environ[name]}"
    return None


def make_deterministic(device: torch.device) -> str:
    """Have a GPU add in a fixed order; return what was done, for the log. To be called before the
    first tensor is on it."""
    if device.type == "cpu":
        return "deterministic: on the CPU training always is, with a fixed number of threads"
    # cuBLAS reads this when it starts; it is one of the two values that fix its order of sums.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True)
    return "deterministic: algorithms that add in a fixed order, the same on the same kind of GPU"


def _unused_gpu(given: str) -> str:
    reason = (
        "the installed torch is a build for the CPU: install a CUDA build of the same version"
        if torch.version.cuda is None
        else "check the driver (nvidia-smi on that node) and that it fits CUDA "
        f"{torch.version.cuda}"
    )
    return (
        f"Warning: this job was given a GPU ({given}), but torch sees none and goes on on the CPU, "
        f"much slower; {reason}. To stop instead, set training.device to cuda"
    )
