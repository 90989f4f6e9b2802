"""The simulated operator: a person with ITK-SNAP and a stated budget of trials, who knows the
answer.

The paper gave its user ten minutes to alter parameters, then let the contour evolve until DSC no
longer improved. Here the ten minutes are a number of reproducible trials. The operator looks at
the label for the region of interest, the bubble, the stopping time and the choice of the trial, so
its DSC is what the method can reach, not what it reaches on an unseen patient: that is
:mod:`upwind.levelset.itk_snap.blind`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from upwind.data.volumes import Volume
from upwind.levelset.engines.engine import Engine
from upwind.levelset.engines.registry import engine_named
from upwind.levelset.itk_snap.bubble import bubble_in
from upwind.levelset.itk_snap.evolution import Evolution, dice, evolve_until_best
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.region import region_around
from upwind.levelset.itk_snap.search import Seed, best_of, history, search
from upwind.levelset.itk_snap.trials import Trial, trial_speed
from upwind.settings.levelset import OperatorSettings


@dataclass(frozen=True)
class OperatorResult:
    """``mask``: canonical, boolean, on the CT's own grid; ``dsc``: its DSC there. ``trials``: one
    row per trial (parameters, iterations, DSC on the working grid, seconds, and what is best so
    far: see :func:`upwind.levelset.itk_snap.search.history`); ``chosen``: the row that ``mask``
    comes from."""

    mask: np.ndarray
    dsc: float
    trials: list[dict[str, Any]]
    chosen: int


def operate(
    volume: Volume,
    label: np.ndarray,
    settings: OperatorSettings,
    seed: Seed,
    engine: Engine | None = None,
    journal: Journal | None = None,
) -> OperatorResult:
    """Segment ``volume`` (HU) as well as ITK-SNAP's method can within the budget, judged by
    ``label`` (canonical, boolean, of the volume's shape).

    ``seed`` goes to NumPy's generator as it is: pass ``[seed, case]`` to have cases differ. The
    same arguments give the same mask; the first trials of a larger budget are those of a smaller.
    Trials that ``journal`` holds are taken from there. ``engine`` is the one that the settings name
    where it is not given.

    Raises UpwindError for an empty label or one too thin for ``spacing_mm``.
    """
    label = np.asarray(label, dtype=bool)
    if label.shape != volume.array.shape:
        raise ValueError(f"label {label.shape} and volume {volume.array.shape} differ in shape")
    engine = engine or engine_named(settings.engine)
    region = region_around(label, volume.grid.spacing, settings.margin_mm, settings.spacing_mm)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    target = region.to_working(label[region.box]) >= 0.5
    bubble = bubble_in(target, settings.bubble_fraction)
    kept: dict[Trial, Evolution] = {}  # the best so far; its level set is too large for a journal

    def evolve(trial: Trial) -> tuple[dict[str, Any], Evolution]:
        parameters, speed = trial_speed(trial, image, bubble > 0)
        run = evolve_until_best(speed, bubble, trial.weights, target, settings, engine)
        return parameters | {"iterations": run.iterations, "dsc": run.dsc}, run

    def evaluate(trial: Trial) -> dict[str, Any]:
        outcome, run = evolve(trial)
        if all(run.dsc > other.dsc for other in kept.values()):
            kept.clear()
            kept[trial] = run
        return outcome

    finished = search(settings, seed, evaluate, journal)
    chosen = best_of(finished)
    trial = finished[chosen].trial
    run = kept[trial] if trial in kept else evolve(trial)[1]
    mask = region.to_grid(run.level_set)
    return OperatorResult(mask, dice(mask, label), history(finished), chosen)
