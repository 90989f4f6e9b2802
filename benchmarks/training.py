"""Slices per second in training, forward and backward and update, and the peak of memory, variant
beside variant.

Variants run in turn, several rounds, each in a process of its own; the best round counts, because
what else a machine does can only slow one down. `make bench` runs it on one CPU thread, and the LSN
with 40 steps on two; with a GPU `--device cuda` measures that. At the end: what a checkpoint costs.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Each variant is a set of what sets it apart, in words.
VARIANTS = {
    "cpu": {
        "unet": (
            "contiguous",
            "channels-last",
            "channels-last, allocator kept",
            "channels-last, allocator kept, bfloat16",
            "channels-last, allocator kept, compiled",
            "channels-last, allocator kept, bfloat16, compiled",
        ),
        "lsn": (
            "plain steps",
            "fused steps",
            "fused steps, allocator kept",
            "fused steps, allocator kept, 8 steps kept",
            "fused steps, allocator kept, bfloat16",
            "fused steps, allocator kept, compiled",
        ),
    },
    "cuda": dict.fromkeys(
        ("unet", "lsn"), ("float32", "bfloat16", "compiled", "bfloat16, compiled")
    ),
}
BATCH, UPDATES = 20, 4


def measure(
    network: str, variant: str, size: int, steps: int | None, threads: int, wanted: str
) -> tuple[float, float]:
    """Slices per second of one variant, and its peak of memory (MB), in this process: a GPU's own,
    or, on CPU, all that the process holds, interpreter and libraries included."""
    import torch

    from upwind.levelset.equation import fused, scheme
    from upwind.training.allocator import keep_large_blocks
    from upwind.training.compilation import compile_network
    from upwind.training.loss import squared_dsc_loss
    from upwind.training.precision import probability_in

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.allow_tf32 = False
    if "allocator" in variant:
        keep_large_blocks()
    if variant.startswith("plain"):
        fused.evolve = lambda *given, kept_steps: scheme.evolve(*given)
    device = torch.device(wanted)
    layout = torch.contiguous_format if variant == "contiguous" else torch.channels_last
    kept_steps = 8 if "8 steps kept" in variant else None
    model = build(network, size, steps, kept_steps).to(device, memory_format=layout)
    optimiser = torch.optim.Adadelta(model.parameters())
    slices = torch.randn(BATCH, 1, size, size).to(device).contiguous(memory_format=layout)
    liver = (torch.rand(BATCH, 1, size, size) > 0.7).float().to(device)
    precision = "bfloat16" if "bfloat16" in variant else "float32"
    if "compiled" in variant:
        compile_network(model, slices, liver, precision)

    def update() -> None:
        optimiser.zero_grad()
        squared_dsc_loss(probability_in(precision, model, slices), liver).backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):  # compiles, and takes memory from the system
        update()
    start = time.perf_counter()
    for _ in range(UPDATES):
        update()
    speed = BATCH * UPDATES / (time.perf_counter() - start)
    if device.type == "cuda":
        return speed, torch.cuda.max_memory_allocated() / 1e6
    return speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def build(network: str, size: int, steps: int | None = None, kept_steps: int | None = None):
    """An untrained network; the LSN with as many steps as the demo and LiTS have for a size, unless
    they are given."""
    from upwind.networks.lsn import LSN
    from upwind.networks.unet import UNet

    if network == "unet":
        return UNet()
    steps = 56 * size // 64 if steps is None else steps
    return LSN((0.45, 0.35, 20 / 256), steps=steps, kept_steps=kept_steps)


def checkpoint_cost(network: str, rounds: int = 20) -> tuple[float, float]:
    """Median milliseconds that a save takes, and the file's megabytes."""
    import torch

    from upwind.training.checkpoints import CheckpointPlace, Checkpoints
    from upwind.training.settings import TrainingSettings
    from upwind.training.state import TrainingState

    state = TrainingState(build(network, 64), TrainingSettings(epochs=1), seed=0)
    for parameter in state.network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.optimiser.step()
    times = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        checkpoints = Checkpoints(CheckpointPlace(Path(folder), 0), {}, "here", network)
        for _ in range(rounds):
            start = time.perf_counter()
            checkpoints.save(state)
            times.append(time.perf_counter() - start)
        size = checkpoints.path.stat().st_size
    return 1000 * statistics.median(times), size / 1e6


def main() -> None:
    """Print a table of all variants, or measure one (used by the table's own processes)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[64, 128], help="pixels")
    parser.add_argument("--steps", type=int, help="of the LSN; without it as many as in training")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=sorted(VARIANTS), default="cpu")
    parser.add_argument("--network", choices=["unet", "lsn"], nargs="+", default=["unet", "lsn"])
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "VARIANT"))
    given = parser.parse_args()
    if given.one:
        print(*measure(*given.one, given.size[0], given.steps, given.threads, given.device))
        return
    print_device(given.device)
    for size in given.size:
        for network in given.network:
            print_variants(network, size, given)
    for network in given.network:
        milliseconds, megabytes = checkpoint_cost(network)
        print(f"{network:5s} checkpoint: {milliseconds:.0f} ms a save, {megabytes:.2f} MB")


def print_device(wanted: str) -> None:
    """The device's name."""
    import torch

    from upwind.training.device import describe_device

    print(describe_device(torch.device(wanted)))


def print_variants(network: str, size: int, given: argparse.Namespace) -> None:
    """The best of all rounds of each variant, and how it compares with the first."""
    variants = VARIANTS[given.device][network]
    best = dict.fromkeys(variants, (0.0, 0.0))
    for _ in range(given.rounds):
        for variant in variants:
            best[variant] = max(best[variant], run_one(network, variant, size, given))
    for variant, (speed, megabytes) in best.items():
        ratio = speed / best[variants[0]][0]
        print(
            f"{size:4d} px  {network:5s} {variant:50s} {speed:8.1f}/s  x {ratio:.2f}  "
            f"{megabytes:6.0f} MB",
            flush=True,
        )


def run_one(
    network: str, variant: str, size: int, given: argparse.Namespace
) -> tuple[float, float]:
    """Measure in a fresh process: the allocator's settings cannot be taken back."""
    command = [sys.executable, __file__, "--one", network, variant, "--size", str(size)]
    command += ["--threads", str(given.threads), "--device", given.device]
    command += [] if given.steps is None else ["--steps", str(given.steps)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    speed, megabytes = map(float, found.split())
    return speed, megabytes


if __name__ == "__main__":
    main()
