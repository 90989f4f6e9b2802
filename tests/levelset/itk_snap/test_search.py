"""The search: its first trials, its chance, its memory, and that it gets nearer to the best."""

import numpy as np
import pytest

from upwind.levelset.engines.engine import Weights
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.search import Finished, best_of, history, propose, search
from upwind.levelset.itk_snap.trials import Trial
from upwind.settings.levelset import OperatorSettings, SearchSettings

BOTH = pytest.mark.parametrize("sampler", ["tpe", "random"])


def distance(trial):
    """DSC of a made problem: the best is edge mode with a scale of 0.1 and a curvature of 1."""
    if trial.mode == "region":
        return {"dsc": 0.2}
    off = abs(np.log(trial.edge_scale / 0.1)) + abs(np.log(trial.curvature / 1.0))
    return {"dsc": float(0.9 / (1 + off))}


def trials(settings, seed=0, evaluate=distance, journal=None):
    return [one.trial for one in search(settings, seed, evaluate, journal)]


@BOTH
def test_the_first_two_trials_are_itk_snaps_defaults(sampler):
    region, edge = trials(SearchSettings(trials=2, sampler=sampler))
    assert (region.mode, region.smoothness, region.region_sigma) == ("region", 3.0, 0.0)
    assert region.weights == Weights(propagation=1.0, advection=0.0, curvature=0.2)
    assert (edge.mode, edge.edge_sigma, edge.edge_scale) == ("edge", 1.0, 0.04)
    assert edge.weights == Weights(1.0, 2.0, 0.2, curvature_exponent=1, advection_sigma=1.0)


@BOTH
def test_every_trial_solves_the_chosen_equation(sampler):
    settings = SearchSettings(
        trials=8, sampler=sampler, engine="torch", edge_equation="itk_snap", region_share=0.0
    )
    found = [trial for trial in trials(settings) if trial.mode == "edge"]
    assert len(found) > 2
    for trial in found:
        assert trial.weights == Weights(1.0, trial.advection, trial.curvature)


@BOTH
def test_a_smaller_budget_is_the_beginning_of_a_larger_one(sampler):
    small, large = (trials(SearchSettings(trials=n, sampler=sampler), 5) for n in (5, 9))
    assert small == large[:5]
    assert trials(SearchSettings(trials=1, sampler=sampler), 5) == large[:1]


@BOTH
def test_the_seed_is_all_there_is_to_chance(sampler):
    settings = SearchSettings(trials=9, sampler=sampler)
    np.random.seed(1)  # noqa: NPY002
    first = trials(settings, [7, 3])
    np.random.seed(2)  # noqa: NPY002
    assert trials(settings, [7, 3]) == first
    other = trials(settings, [7, 4])
    assert other[:2] == first[:2]
    assert not set(other[2:]) & set(first[2:])


def test_up_to_startup_both_samplers_draw_alike():
    chance, guided = (
        trials(SearchSettings(trials=7, sampler=sampler, startup=5))
        for sampler in ("random", "tpe")
    )
    assert chance[:5] == guided[:5]
    assert not set(chance[5:]) & set(guided[5:])


def test_tpe_learns_from_what_it_tried():
    settings = SearchSettings(trials=40, startup=6)
    guided = [
        np.mean([distance(t)["dsc"] for t in trials(settings, seed)[20:]]) for seed in range(3)
    ]
    settings = settings.changed(sampler="random")
    chance = [
        np.mean([distance(t)["dsc"] for t in trials(settings, seed)[20:]]) for seed in range(3)
    ]
    assert min(guided) > max(chance) + 0.05


@BOTH
def test_drawn_parameters_stay_in_their_ranges(sampler):
    settings = SearchSettings(
        trials=40, sampler=sampler, threshold_sd=[1.0, 1.5], curvature=[0.5, 0.7], startup=3
    )
    for trial in trials(settings)[2:]:
        assert 0.5 <= trial.curvature <= 0.7
        if trial.mode == "region":
            assert 1.0 <= trial.lower_sd <= 1.5
            assert 1.0 <= trial.upper_sd <= 1.5


def test_random_parameters_fill_their_ranges():
    settings = OperatorSettings(trials=400, sampler="random")
    drawn = [propose(settings, 0, [(None, 0.0)] * n) for n in range(2, 400)]
    limits = {"lower_sd": settings.threshold_sd, "upper_sd": settings.threshold_sd} | {
        name: getattr(settings, name)
        for name in ("smoothness", "region_sigma", "edge_sigma", "edge_scale", "curvature")
    }
    for name, (low, high) in limits.items():
        values = np.array([getattr(trial, name) for trial in drawn])
        assert values.min() >= low
        assert values.max() <= high
        assert np.ptp(values) > 0.9 * (high - low), name
    share = np.mean([trial.mode == "region" for trial in drawn])
    assert share == pytest.approx(settings.region_share, abs=0.07)


@BOTH
def test_an_interrupted_search_goes_on_as_it_would_have(sampler, tmp_path):
    settings = SearchSettings(trials=9, sampler=sampler)
    whole, done = trials(settings, 3), []

    def interrupted(trial):
        if len(done) == 6:
            raise SystemExit(143)
        done.append(trial)
        return distance(trial)

    with pytest.raises(SystemExit):
        search(settings, 3, interrupted, Journal(tmp_path, {"a": 1}))
    later = []
    finished = search(
        settings, 3, lambda t: later.append(t) or distance(t), Journal(tmp_path, {"a": 1})
    )
    assert [one.trial for one in finished] == whole
    assert later == whole[6:]


def test_a_larger_budget_goes_on_from_a_smaller_and_a_smaller_takes_its_beginning(tmp_path):
    journal = Journal(tmp_path, {"a": 1})
    six = search(SearchSettings(trials=6), 3, distance, journal)
    nine = search(SearchSettings(trials=9), 3, distance, journal)
    assert nine[:6] == six
    kept = journal.path.read_bytes()

    def never(trial):
        raise AssertionError

    assert search(SearchSettings(trials=4), 3, never, journal) == six[:4]
    assert journal.path.read_bytes() == kept


def test_history_sums_time_and_keeps_the_best():
    rows = history([Finished(Trial(), {"dsc": dsc}, 0.25) for dsc in (0.5, 0.4, 0.7, 0.7, 0.6)])
    assert [row["trial"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["spent_seconds"] for row in rows] == [0.25, 0.5, 0.75, 1.0, 1.25]
    assert [row["best_dsc"] for row in rows] == [0.5, 0.5, 0.7, 0.7, 0.7]
    assert [row["chosen"] for row in rows] == [False, False, True, False, False]


def test_the_first_of_equal_trials_is_the_best():
    assert best_of([Finished(Trial(), {"dsc": dsc}, 0.0) for dsc in (0.1, 0.3, 0.3)]) == 1
