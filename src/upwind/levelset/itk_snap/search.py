"""The search for parameters: ITK-SNAP's defaults first, then trials drawn by chance or by Optuna.

Every trial is a function of the settings, the seed and the trials before it alone. So a search
that was interrupted goes on exactly as it would have, and a smaller budget is the beginning of a
larger one.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.trials import Trial
from upwind.settings.levelset import SearchSettings

if TYPE_CHECKING:
    from optuna.distributions import FloatDistribution

Seed = int | Sequence[int]
# Ranges that are drawn on a log scale.
_LOGARITHMIC = ("edge_scale", "curvature", "advection")
# What each mode uses of a trial, with the range that it is drawn from.
_OF_MODE = {
    "region": {
        "lower_sd": "threshold_sd",
        "upper_sd": "threshold_sd",
        "smoothness": "smoothness",
        "region_sigma": "region_sigma",
        "curvature": "curvature",
    },
    "edge": {
        "edge_sigma": "edge_sigma",
        "edge_scale": "edge_scale",
        "curvature": "curvature",
        "advection": "advection",
    },
}


@dataclass(frozen=True)
class Finished:
    """A trial that was tried. ``outcome``: its row of a table, with ``dsc``; ``seconds``: of wall
    time that it took."""

    trial: Trial
    outcome: dict[str, Any]
    seconds: float

    @property
    def dsc(self) -> float:
        """What the search maximises."""
        return self.outcome["dsc"]


def search(
    settings: SearchSettings,
    seed: Seed,
    evaluate: Callable[[Trial], dict[str, Any]],
    journal: Journal | None = None,
) -> list[Finished]:
    """Try ``settings.trials`` trials, best ``dsc`` wanted, and return them in order.

    ``evaluate`` gives a trial's outcome (JSON) and must depend on nothing but the trial. Trials
    that ``journal`` holds are not tried again, new ones are put there as soon as they are done.
    """
    kept = journal.read() if journal else []
    finished = [Finished(Trial(**entry.pop("trial")), **entry) for entry in kept]
    while len(finished) < settings.trials:
        trial = propose(settings, seed, [(one.trial, one.dsc) for one in finished])
        started = time.perf_counter()
        outcome = evaluate(trial)
        finished.append(Finished(trial, outcome, round(time.perf_counter() - started, 3)))
        if journal:
            journal.write([vars(one) | {"trial": vars(one.trial)} for one in finished])
    return finished[: settings.trials]


def best_of(finished: Sequence[Finished]) -> int:
    """Number of the trial with the largest DSC, the first of equals."""
    return int(np.argmax([one.dsc for one in finished]))


def history(finished: Sequence[Finished]) -> list[dict[str, Any]]:
    """One row a trial: its number, its outcome, ``seconds``, and up to and with it the time spent
    (``spent_seconds``) and the best DSC (``best_dsc``); ``chosen`` for the best of all."""
    rows, spent, best = [], 0.0, -np.inf
    for number, one in enumerate(finished):
        spent, best = spent + one.seconds, max(best, one.dsc)
        row = {"trial": number} | one.outcome | {"seconds": one.seconds}
        row |= {"spent_seconds": round(spent, 3), "best_dsc": best}
        rows.append(row | {"chosen": number == best_of(finished)})
    return rows


def propose(settings: SearchSettings, seed: Seed, done: Sequence[tuple[Trial, float]]) -> Trial:
    """The trial after those ``done``, each with its DSC: ITK-SNAP's region mode and edge mode
    (where the engine knows it) with their defaults, then, drawn by chance, up to
    ``settings.startup`` (all, for the sampler ``random``), then what the sampler makes of those
    before."""
    return replace(_proposed(settings, seed, done), edge_equation=settings.edge_equation)


def _proposed(settings: SearchSettings, seed: Seed, done: Sequence[tuple[Trial, float]]) -> Trial:
    number, width, modes = len(done), settings.default_sd, settings.modes
    if number < len(modes):
        return Trial(modes[number], width, width)
    if settings.sampler == "random" or number < settings.startup:
        generator = np.random.default_rng(seed)
        drawn = [_draw(settings, generator) for _ in range(number - len(modes) + 1)][-1]
        return drawn if drawn.mode in modes else replace(drawn, mode=modes[0])
    return _tpe(settings, [*np.atleast_1d(seed).tolist(), number], done)


def _tpe(settings: SearchSettings, seed: list[int], done: Sequence[tuple[Trial, float]]) -> Trial:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), whose memory is ``done``
    and whose chance is ``seed``: nothing is stored, and nothing depends on how often it began."""
    import optuna  # half a second, which searches of two trials can spare

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    chance = int(np.random.SeedSequence(seed).generate_state(1)[0])
    with warnings.catch_warnings():
        # Groups are marked as experimental. They keep the parameters of the two modes apart.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=chance, n_startup_trials=0, multivariate=settings.joint, group=settings.joint
        )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    modes = optuna.distributions.CategoricalDistribution(settings.modes)
    for trial, dsc in done:
        spaces = {name: _space(settings, name, of) for name, of in _OF_MODE[trial.mode].items()}
        params = {"mode": trial.mode} | {
            # The defaults lie inside the default ranges, not inside all that can be set.
            name: float(np.clip(getattr(trial, name), space.low, space.high))
            for name, space in spaces.items()
        }
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions={"mode": modes, **spaces}, value=dsc
            )
        )
    asked = study.ask()
    mode = str(asked.suggest_categorical("mode", modes.choices))
    drawn: dict[str, Any] = {
        name: asked.suggest_float(name, space.low, space.high, log=space.log)
        for name, of in _OF_MODE[mode].items()
        for space in [_space(settings, name, of)]
    }
    return Trial(mode, **drawn)


def _space(settings: SearchSettings, name: str, of: str) -> "FloatDistribution":
    from optuna.distributions import FloatDistribution

    low, high = getattr(settings, of)
    return FloatDistribution(low, high, log=name in _LOGARITHMIC)


def _draw(settings: SearchSettings, generator: np.random.Generator) -> Trial:
    # Every trial draws every parameter, so that a change to one range leaves the rest as it was.
    def uniform(limits: tuple[float, float]) -> float:
        return float(generator.uniform(*limits))

    def log_uniform(limits: tuple[float, float]) -> float:
        return float(np.exp(generator.uniform(*np.log(limits))))

    return Trial(
        mode="region" if generator.random() < settings.region_share else "edge",
        lower_sd=uniform(settings.threshold_sd),
        upper_sd=uniform(settings.threshold_sd),
        smoothness=uniform(settings.smoothness),
        region_sigma=uniform(settings.region_sigma),
        edge_sigma=uniform(settings.edge_sigma),
        edge_scale=log_uniform(settings.edge_scale),
        curvature=log_uniform(settings.curvature),
        advection=log_uniform(settings.advection),
    )
