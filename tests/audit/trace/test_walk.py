"""From a number down to the volumes: every job behind it, and none that is not."""

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from upwind.audit.trace.labels import folded, plain, took
from upwind.audit.trace.stages import spans, stages
from upwind.audit.trace.text import to_dict, view
from upwind.audit.trace.walk import trace
from upwind.common.errors import UpwindError
from upwind.provenance.records import read_record, write_record

HOME = "results/x"


def jobs(chain):
    return [chain.record(job).name for job in chain.sources]


def text(chain, full=False, width=150):
    console = Console(width=width, file=io.StringIO())
    console.print(view(chain, full), highlight=False)
    return console.file.getvalue()


@pytest.fixture
def table(experiment):
    return experiment.results / "table1.csv"


def test_a_cell_rests_on_its_own_fold_and_method(table):
    names = jobs(trace(table, "unet,1"))
    assert names[:5] == [
        "tabulate",
        "gather_scores",
        "score_network fold=1,network=unet",
        "segment_fold fold=1,network=unet",
        "train fold=1,network=unet",
    ]
    assert not [name for name in names if "lsn" in name or "fold=0" in name or "level" in name]
    assert {f"make_phantom case={case}" for case in range(4)} <= set(names)


def test_an_average_rests_on_all_folds_and_on_verdicts_only_where_they_leave_folds_out(table):
    average = jobs(trace(table, "lsn_test,avg"))
    assert {f"train fold={fold},network=lsn" for fold in (0, 1)} <= set(average)
    assert "collect_verdicts" not in average
    without = jobs(trace(table, "lsn_test,avg_without_1"))
    assert "collect_verdicts" in without
    # Verdicts rest on every network.
    assert {f"train fold={fold},network=unet" for fold in (0, 1)} <= set(without)


def test_the_level_set_rests_on_no_network(table):
    assert not [name for name in jobs(trace(table, "itk_snap,avg")) if "network" in name]


def test_a_file_rests_on_all_that_its_job_read(table):
    names = jobs(trace(table))
    assert len(names) == len(set(names)) == 4 + 4 + 1 + 3 * 4 + 4
    assert "write_config" not in names


def test_each_job_comes_before_those_that_it_read_from(table):
    chain = trace(table)
    order = list(chain.sources)
    for job, inputs in chain.sources.items():
        for maker in filter(None, inputs.values()):
            assert order.index(job) < order.index(maker)


def test_inputs_that_are_not_behind_the_number_are_named(table):
    chain = trace(table, "unet,0")
    aside = {path for paths in chain.set_aside.values() for path in paths}
    others = {f"{HOME}/scores/{name}.csv" for name in ("unet-1", "lsn-0", "lsn-1", "itk_snap")}
    assert aside == others | {f"{HOME}/verdicts.csv"}


def test_the_chain_ends_in_the_volumes_with_their_hashes(table, experiment):
    ends = trace(table, "unet,0").ends
    expected = {f"data/made/{kind}-{case}.nii" for kind in ("volume", "label") for case in range(4)}
    assert ends.keys() == expected
    assert ends["data/made/label-3.nii"].sha256 == experiment.state("data/made/label-3.nii").sha256


def test_inputs_that_only_had_to_be_there_are_not_behind_anything(project):
    names = jobs(trace(project.results / "table1.csv"))
    assert names == ["tabulate", "score", "segment", "train", "slice", "make"]
    assert "raw/labels/segmentation-0.nii" in trace(project.results / "table1.csv").ends


def test_a_sound_chain_has_no_problems(table):
    assert trace(table, "unet,0").problems == ()
    assert trace(table).problems == ()


def test_a_changed_file_is_named(table, experiment):
    table.write_text(table.read_text().replace("0.75", "0.76"))
    assert trace(table, "unet,0").problems == (
        f"{HOME}/table1.csv was changed after tabulate had written it",
    )
    scores = experiment.results / "scores/unet-0.csv"
    scores.write_text(scores.read_text() + "\n")
    problems = trace(table, "unet,0").problems
    assert any("scores/unet-0.csv was changed after score_network" in p for p in problems)


def test_a_link_to_another_version_is_named(table, experiment):
    experiment.job(
        "train",
        [f"{HOME}/slices/case-2.st"],
        {f"{HOME}/networks/unet/0/weights.st": "trained again"},
        wildcards={"network": "unet", "fold": "0"},
    )
    (problem,) = trace(table, "unet,0").problems
    assert problem == (
        f"segment_fold fold=0,network=unet read another {HOME}/networks/unet/0/weights.st than "
        "train fold=0,network=unet wrote"
    )
    assert trace(table, "unet,1").problems == ()


def test_a_missing_record_is_named(table, experiment):
    wildcards = {"network": "unet", "fold": "0"}
    experiment.record("train", wildcards=wildcards).unlink()
    (problem,) = trace(table, "unet,0").problems
    assert f"no record says how {HOME}/networks/unet/0/weights.st was made" in problem


def test_a_failed_job_is_named(table, experiment):
    wildcards = {"network": "unet", "fold": "0"}
    text = f"{HOME}/networks/unet/0/weights.st"
    experiment.job("train", (), {text: "unet 0"}, wildcards=wildcards, status="failed: OSError")
    assert "the job train fold=0,network=unet failed: OSError" in trace(table, "unet,0").problems


def test_files_that_cannot_be_traced(experiment, tmp_path):
    with pytest.raises(UpwindError, match="is no file"):
        trace(experiment.results / "none.csv")
    stray = experiment.root / experiment.write(f"{HOME}/stray.csv", "stray")
    with pytest.raises(UpwindError, match=r"no record says how .*stray\.csv was made"):
        trace(stray)
    with pytest.raises(UpwindError, match=r"only table1\.csv has cells"):
        trace(experiment.results / "scores.csv", "unet,0")
    alone = tmp_path / "elsewhere.csv"
    alone.write_text("x")
    with pytest.raises(UpwindError, match="does not lie in a folder of results"):
        trace(alone)


def test_stages_hold_jobs_that_ran_alike(table):
    chain = trace(table)
    found = {(stage.rule, len(stage.jobs)) for stage in stages(chain)}
    # The two networks have parameters of their own.
    assert {("train", 2), ("segment_fold", 4), ("slice_case", 4)} <= found
    assert sum(len(stage.jobs) for stage in stages(chain)) == len(chain.sources)
    assert stages(chain)[0].rule == "tabulate"


def test_a_stage_of_other_code_stands_apart(table, experiment):
    path = f"{HOME}/slices/case-3.st"
    experiment.job(
        "slice_case",
        ["data/made/volume-3.nii", "data/made/label-3.nii"],
        {path: "slices 3"},
        wildcards={"case": "3"},
        params={"code": "9" * 64, "image_size": 32},
    )
    sliced = [stage for stage in stages(trace(table)) if stage.rule == "slice_case"]
    assert sorted(len(stage.jobs) for stage in sliced) == [1, 3]


def test_the_tree_shows_the_chain_and_folds_what_is_alike(table):
    shown = text(trace(table, "unet,0"))
    assert "unet, fold 0 = 0.75" in shown
    assert "fold 0: case 0 0.8750, case 1 0.6250" in shown
    assert "slice_case × 4 (cases 0-3)" in shown
    assert "read slices/case-{0-3}.st (4 files)" in shown
    assert "with network {epochs 2}, seed 0" in shown
    assert re.search(r"wrote networks/unet/0/weights.st [0-9a-f]{12}$", shown, re.MULTILINE)
    assert "not behind this number: scores/itk_snap.csv, scores/lsn-{0,1}.csv" in shown
    assert "down to 8 files" in shown
    assert "commit cccccccccccc" in shown
    assert "broken" not in shown


def test_full_shows_every_file_and_module(table):
    shown = text(trace(table, "unet,0"), full=True)
    for case in range(4):
        assert f"read slices/case-{case}.st" in shown
    assert "module upwind.common ffffffffffff" in shown
    assert "packages numpy 2.4.6" in shown
    assert len(shown.splitlines()) > len(text(trace(table, "unet,0")).splitlines())


def test_many_cases_do_not_make_many_lines(experiment):
    names = [f"data/made/volume-{case}.nii" for case in range(131)]
    for case, name in enumerate(names):
        outputs = {name: f"volume {case}"}
        experiment.job("make_phantom", (), outputs, "data/made", wildcards={"case": str(case)})
    experiment.job("draw", names, {f"{HOME}/gallery.png": "picture"})
    shown = text(trace(experiment.results / "gallery.png"))
    assert "make_phantom × 131 (cases 0-130)" in shown
    assert "read data/made/volume-{0-130}.nii (131 files)" in shown
    assert "and 71 more, which --full lists" in shown
    assert len(shown.splitlines()) < 90


def test_problems_are_shown_last(table):
    table.write_text(table.read_text().replace("0.75", "0.76"))
    last = text(trace(table, "unet,0")).strip().splitlines()[-1]
    assert last == f"broken: {HOME}/table1.csv was changed after tabulate had written it"


def test_json_has_everything_recorded(table, experiment):
    chain = trace(table, "unet,0")
    content = json.loads(json.dumps(to_dict(chain)))
    assert content["complete"]
    assert content["cell"]["value"] == "0.75"
    assert [score["case"] for score in content["cell"]["scores"]] == ["0", "1"]
    by_record = {job["record"]: job for job in content["jobs"]}
    train = by_record[f"{HOME}/records/train/fold=0,network=unet.json"]
    assert train["parameters"] == {"seed": 0, "network": {"epochs": 2}}
    assert train["code"] == "b" * 64
    assert train["modules"]["upwind.common"] == "f" * 64
    read = train["read"][f"{HOME}/slices/case-2.st"]
    assert read["made_by"] == f"{HOME}/records/slice_case/case=2.json"
    assert read["sha256"] == experiment.state(f"{HOME}/slices/case-2.st").sha256
    # From any job the chain can be followed down to jobs that read nothing.
    for job in content["jobs"]:
        made_by = {file["made_by"] for file in job["read"].values() if file["behind"]}
        assert made_by <= by_record.keys()
    assert content["ends"].keys() == chain.ends.keys()


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["0", "1", "2", "3"], "0-3"),
        (["3", "1", "2", "9"], "1-3, 9"),
        (["0", "1"], "0, 1"),
        (["10", "2", "all"], "2, 10, all"),
        ([], ""),
    ],
)
def test_numbers_are_put_in_runs(values, shown):
    assert spans(values) == shown


def test_paths_that_differ_in_numbers_are_put_together():
    paths = ["a/case-0.st", "a/case-1.st", "a/case-2.st", "b.csv", "m/0/s-1.nii", "m/2/s-3.nii"]
    assert [pattern for pattern, _ in folded(paths)] == [
        "a/case-{0-2}.st",
        "b.csv",
        "m/*/s-*.nii",
    ]


def test_values_and_times_are_put_plainly(experiment):
    assert plain({"cases": [0, 1, 2, 3, 4, 7], "terms": ["a", "b"]}) == (
        "{cases [0-4, 7], terms [a, b]}"
    )
    assert plain([-3, -2, -1, 0, 1]) == "[-3, -2, -1, 0, 1]"
    record = experiment.job("slow", (), {}, seconds=7262.0)
    assert took([record]) == "2 h 1 min"
    assert took([experiment.job("slow", (), {}, seconds=125.0)]) == "2 min 5 s"
    assert took([experiment.job("slow", (), {}, seconds=1.25)]) == "1.2 s"


@pytest.mark.parametrize("hostile", ["[/bold]", "[red]x", "\x1b[2J", "<script>alert(1)</script>"])
def test_markup_and_escape_sequences_in_records_are_text(experiment, table, hostile):
    path = experiment.record("tabulate")
    record = read_record(path)
    fields = {"machine": {"host": hostile, "python": "3"}, "params": {hostile: [hostile]}}
    write_record(path, replace(record, **fields))
    shown = text(trace(table, "unet,1"), full=True)
    assert "\x1b" not in shown
    assert hostile.replace("\x1b", r"\x1b") in shown
