"""Engine beside engine: the same speed image and the same bubble, for the same iterations."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from upwind.data.volumes import Volume
from upwind.levelset.engines.engine import Weights
from upwind.levelset.engines.registry import ENGINES, engine_named
from upwind.levelset.itk_snap.bubble import ball, bubble_in
from upwind.levelset.itk_snap.evolution import dice
from upwind.levelset.itk_snap.region import region_around
from upwind.levelset.itk_snap.trials import Trial, trial_speed
from upwind.settings.levelset import OperatorSettings

#: By then the contours of the real cases rest, but for slow leaks.
ITERATIONS = 400
#: Columns of :func:`compare`, with what they hold.
COLUMNS = {
    "case": "number of the case",
    "mode": "ITK-SNAP's mode: region or edge, with its defaults",
    "engine": "what moved the contour",
    "iterations": "time steps of ITK's length",
    "seconds": "processor time on one thread, compiled and imported before",
    "memory_mb": "peak above what the process held before (MB); empty where /proc is missing",
    "voxels": "of the working grid",
    "dsc": "with the label, on the working grid",
    **{f"dsc_{name}": f"with the segmentation of {name}" for name in ENGINES},
}


def compare(
    case: int,
    volume: Volume,
    label: np.ndarray,
    settings: OperatorSettings,
    engines: Sequence[str] = tuple(ENGINES),
    iterations: int = ITERATIONS,
) -> list[dict[str, Any]]:
    """A row for each mode and each engine that has it (in edge mode: that solves the equation of
    the settings), columns :data:`COLUMNS`. ``volume`` (HU), ``label`` (canonical, boolean): the
    bubble and the region of interest are the operator's, the parameters ITK-SNAP's defaults. Every
    engine runs in a process of its own."""
    region = region_around(label, volume.grid.spacing, settings.margin_mm, settings.spacing_mm)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    target = region.to_working(label[region.box]) >= 0.5
    bubble = bubble_in(target, settings.bubble_fraction)
    rows = []
    for mode in ("region", "edge"):
        width = settings.default_sd
        trial = Trial(mode, width, width, edge_equation=settings.edge_equation)
        speed = trial_speed(trial, image, bubble > 0)[1]
        chosen = [
            name
            for name in engines
            if mode == "region" or settings.edge_equation in ENGINES[name].edge_equations
        ]
        found = {name: run(name, speed, bubble, trial.weights, iterations) for name in chosen}
        for name, (mask, seconds, memory) in found.items():
            row = (case, mode, name, iterations, seconds, memory, target.size, dice(mask, target))
            rows.append(dict(zip(COLUMNS, row, strict=False)))
            rows[-1] |= {
                f"dsc_{n}": _between(mask, found[n][0]) if n in found else None for n in ENGINES
            }
    return rows


def run(
    name: str, speed: np.ndarray, bubble: np.ndarray, weights: Weights, iterations: int
) -> tuple[np.ndarray, float, float | None]:
    """The mask, the seconds and the peak memory (MB) of one engine, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, name, speed, bubble, weights, iterations).result()


def _measured(
    name: str, speed: np.ndarray, bubble: np.ndarray, weights: Weights, iterations: int
) -> tuple[np.ndarray, float, float | None]:
    evolve = engine_named(name)
    evolve(speed[:8, :8, :8], _tiny(), weights, 1)  # imports and compiles
    held = _memory_mb("VmRSS")
    if held is not None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    start = time.process_time()
    level_set = evolve(speed, bubble, weights, iterations)
    seconds = time.process_time() - start
    peak = _memory_mb("VmHWM")
    memory = None if held is None or peak is None else max(0.0, peak - held)
    return level_set > 0, seconds, memory


def _tiny() -> np.ndarray:
    return ball((8, 8, 8), (4, 4, 4), 2.5)


def _memory_mb(key: str) -> float | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    return next(float(kb) for kb in _values(status, key)) / 1000


def _values(status: Path, key: str) -> Iterator[str]:
    for line in status.read_text().splitlines():
        if line.startswith(key):
            yield line.split()[1]


def _between(mask: np.ndarray, other: np.ndarray) -> float:
    return dice(mask, other) if other.any() or mask.any() else 1.0
