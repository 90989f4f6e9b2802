"""Slices per second in training, forward and backward and update, variant beside variant.

Variants run in turn, several rounds, each in a process of its own; the best round counts, because
what else a machine does can only slow one down. `make bench` runs it on one CPU thread.
"""

import argparse
import subprocess
import sys
import time

VARIANTS = {
    "unet": ("contiguous", "channels-last", "channels-last, allocator kept"),
    "lsn": ("plain steps", "fused steps", "fused steps, allocator kept"),
}
BATCH, UPDATES = 20, 4


def measure(network: str, variant: str, size: int, threads: int) -> float:
    """Slices per second of one variant, in this process."""
    import torch

    from upwind.levelset import fused, scheme
    from upwind.networks.lsn import LSN
    from upwind.networks.unet import UNet
    from upwind.training.allocator import keep_large_blocks
    from upwind.training.loss import squared_dsc_loss

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if "allocator" in variant:
        keep_large_blocks()
    if variant.startswith("plain"):
        fused.evolve = scheme.evolve
    layout = torch.contiguous_format if variant == "contiguous" else torch.channels_last
    disc = (0.45, 0.35, 20 / 256)
    model = UNet() if network == "unet" else LSN(disc, steps=40 * size // 64)
    model.to(memory_format=layout)
    optimiser = torch.optim.Adadelta(model.parameters())
    slices = torch.randn(BATCH, 1, size, size).contiguous(memory_format=layout)
    liver = (torch.rand(BATCH, 1, size, size) > 0.7).float()

    def update() -> None:
        optimiser.zero_grad()
        squared_dsc_loss(model(slices), liver).backward()
        optimiser.step()

    update()  # compiles, and takes memory from the system
    start = time.perf_counter()
    for _ in range(UPDATES):
        update()
    return BATCH * UPDATES / (time.perf_counter() - start)


def main() -> None:
    """Print a table of all variants, or measure one (used by the table's own processes)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "VARIANT"))
    given = parser.parse_args()
    if given.one:
        print(measure(*given.one, given.sizes[0], given.threads))
        return
    for size in given.sizes:
        for network, variants in VARIANTS.items():
            best = dict.fromkeys(variants, 0.0)
            for _ in range(given.rounds):
                for variant in variants:
                    speed = run_one(network, variant, size, given.threads)
                    best[variant] = max(best[variant], speed)
            for variant, speed in best.items():
                ratio = speed / best[variants[0]]
                print(f"{size:4d} px  {network:5s} {variant:32s} {speed:8.1f}/s  x {ratio:.2f}")


def run_one(network: str, variant: str, size: int, threads: int) -> float:
    """Measure in a fresh process: the allocator's settings cannot be taken back."""
    command = [sys.executable, __file__, "--one", network, variant]
    command += ["--sizes", str(size), "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
