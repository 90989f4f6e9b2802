"""The benchmarks of scale work: each step on a small volume, in this process."""

import sys
from pathlib import Path

import pytest

from upwind.data.check import check_case
from upwind.data.naming import CaseFiles

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"


@pytest.fixture
def scale(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scale

    return scale


@pytest.fixture
def case(scale, tmp_path):
    scale.write_case(tmp_path, (48, 48, 24), "nii.gz")
    return tmp_path


def test_the_synthetic_case_has_nothing_wrong_with_it(case):
    report = check_case(CaseFiles(0, case / "volume-0.nii.gz", case / "segmentation-0.nii.gz"))
    assert not report.errors
    assert report.hu_min == -1024
    assert 0 < report.tumour_ml < report.liver_ml
    assert 0 < report.liver_slices < report.slices == 24


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_steps_say_what_they_took(scale, case):
    for step in ("check", "slice", "score", "score: liver everywhere", "score: held-out slices"):
        monitored = scale.take(step, case, "nii.gz")
        assert monitored["peak"] >= monitored["base"] > 0, step
        assert monitored["seconds"] > 0, step
    assert len((case / "scores.csv").read_text().splitlines()) == 2


def test_the_longest_training_run_bounds_the_hours_on_many_nodes(scale, capsys):
    scale.lits_run.print_nodes([4.0, 2.0, 1.0, 1.0])
    hours = dict(line.split(":") for line in capsys.readouterr().out.splitlines()[1:])
    assert hours["  N =  1"].split() == ["8.0", "h"]
    assert hours["  N =  2"].split() == ["4.0", "h"]
    assert hours["  N =  4"].split() == ["4.0", "h"]


@pytest.mark.parametrize(
    ("rule", "script"),
    [("train", "train"), ("train_variant", "train"), ("draw_figure2_all_layers", "draw_figure2")],
)
def test_a_rule_that_is_made_from_another_has_its_script(monkeypatch, rule, script):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from workflow import script_of

    assert script_of(rule) == REPOSITORY / f"workflow/scripts/{script}.py"
    assert script_of(rule).exists()
