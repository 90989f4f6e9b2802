"""Trials of the level set's searches, and on whom the blind one was tuned: every slip is named."""

import json
from dataclasses import asdict, replace

import pandas as pd
import pytest

from upwind.audit.recomputed.numbers import Results
from upwind.audit.recomputed.searches import check_searches
from upwind.levelset.itk_snap.blind import _used
from upwind.levelset.itk_snap.search import Finished, history
from upwind.levelset.itk_snap.trials import Trial

OPERATOR, BLIND = "segmentations/itk_snap/trials-0.csv", "blind/1/trials.csv"
TUNED = "blind/1/parameters.json"
TRIAL = Trial("edge", curvature=0.3)


@pytest.fixture
def results(tmp_path):
    """One search of the operator and one fold tuned blind, as the workflow's own code writes."""
    scores = [0.7, 0.6, 0.8, 0.75]
    operator = [
        Finished(Trial(), {"mode": "edge", "dsc": dsc}, 0.1234 * n)
        for n, dsc in enumerate(scores, 1)
    ]
    stopping = {"iterations": 40, "growth": 0.01}
    rows = [_used(TRIAL) | stopping | {"dsc": dsc} for dsc in scores]
    blind = [Finished(Trial(), row, 0.5) for row in rows]
    for path, finished in ((OPERATOR, operator), (BLIND, blind)):
        (tmp_path / path).parent.mkdir(parents=True)
        pd.DataFrame(history(finished)).to_csv(tmp_path / path, index=False)
    tuned = {
        "fold": 1,
        "patients": [0, 1],
        "trial": asdict(TRIAL),
        "stopping": stopping,
        "dsc": 0.8,
    }
    (tmp_path / TUNED).write_text(json.dumps(tuned))
    (tmp_path / "folds.csv").write_text("case,fold\n0,0\n1,0\n2,1\n3,1\n")
    return Results(tmp_path, "results/x", {})


def retune(results, **changes):
    path = results.folder / TUNED
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def found(results):
    return [(f.path, f.message) for f in check_searches(results).findings]


def test_what_the_workflow_writes_holds(results):
    checked = check_searches(results)
    assert checked.findings == ()
    assert checked.counts == {"trials": 8, "tuned_folds": 1}


@pytest.mark.parametrize("path", [OPERATOR, BLIND])
@pytest.mark.parametrize(
    ("column", "value"),
    [("trial", "7"), ("spent_seconds", "99"), ("best_dsc", "0.81"), ("chosen", "False")],
)
def test_what_follows_from_the_trials(results, path, column, value, edit):
    edit(results, path, 2, column, value)
    ((wrong, message),) = found(results)
    assert wrong == f"results/x/{path}"
    assert f"trial 2: {column} do not follow" in message


def test_a_score_that_makes_another_trial_the_best(results, edit):
    edit(results, OPERATOR, 0, "dsc", "0.9")
    messages = [message for _, message in found(results)]
    assert len(messages) == 4
    assert any("chosen" in message for message in messages)


def test_a_patient_of_its_own_fold_is_told(results):
    retune(results, patients=[0, 3])
    ((path, message),) = found(results)
    assert path == f"results/x/{TUNED}"
    assert "tuned on [3], whom fold 1 leaves out" in message


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"dsc": 0.75}, "dsc"),
        ({"stopping": {"iterations": 60, "growth": 0.01}}, "iterations"),
        ({"trial": asdict(replace(TRIAL, mode="region"))}, "mode"),
        ({"trial": asdict(replace(TRIAL, edge_equation="itk_snap"))}, "edge_equation"),
    ],
)
def test_parameters_that_no_trial_gave(results, changes, name):
    retune(results, **changes)
    ((path, message),) = found(results)
    assert path == f"results/x/{TUNED}"
    assert message.startswith(f"{name} is ")
