"""The hand-made experiment as the published demo, and a copy that is held against it."""

import json
import shutil
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from upwind.cli import app
from upwind.common.errors import UpwindError
from upwind.reproduction import publish as publishing
from upwind.reproduction import published as published_module
from upwind.reproduction.answer import headline, to_json, view
from upwind.reproduction.comparison import Verdict
from upwind.reproduction.factors import Factor
from upwind.reproduction.publish import made_with, main, publish, seed_of, table1_text, with_table1
from upwind.reproduction.published import FILE, known_spread, read_published, write_published
from upwind.reproduction.reading import opened
from upwind.reproduction.reproduced import Answer, reproduction

DATASET = {"kind": "phantom", "root": "data/made"}
CONFIG = {"experiment": "x", "dataset": DATASET, "seed": 0, "unet": {"epochs": 2}}
CONFIG |= {"methods": {}, "table1": {"columns": None}}
TABLE = "fold,unet\n0,{}\n1,0.25\navg,{}\n"


def configured(run, **changes):
    run.edit("write_config/job", params=lambda p: {**p, "config": CONFIG | changes})


@pytest.fixture
def demo(runs, tmp_path):
    """The first run, published with the spread over its seed and another."""
    for run in runs:
        configured(run)
        run.write("table1.csv", TABLE.format(0.75, 0.5))
        for mask in run.results.glob("segmentations/**/*.nii"):
            mask.unlink()  # they are texts
    configured(runs[1], seed=3)
    runs[1].write("table1.csv", TABLE.format(0.625, 0.4375))
    made = publish(runs[0].results, [runs[1].results], tmp_path / "demo.json")
    configured(runs[1])
    runs[1].write("table1.csv", TABLE.format(0.75, 0.5))
    assert read_published(tmp_path / "demo.json") == made
    return made


@pytest.fixture
def held(runs, demo):
    def now():
        with opened(runs[1].results) as side:
            return reproduction(side, demo)

    return now


def printed(found):
    console = Console(width=100)
    with console.capture() as captured:
        console.print(view(found), highlight=False)
    return captured.get()


def test_what_is_published(demo):
    assert demo.config == CONFIG
    assert demo.table1 == {"0": {"unet": "0.75"}, "1": {"unet": "0.25"}, "avg": {"unet": "0.5"}}
    assert demo.spread_seeds == [0, 3]
    assert demo.spread == {"0": {"unet": 0.125}, "1": {"unet": 0.0}, "avg": {"unet": 0.0625}}
    assert demo.machines == [{"python": "3"}]
    assert demo.packages == {"numpy": "2.4.6"}
    assert demo.code == {"train.py": "e" * 64, "upwind.common": "f" * 64}


def test_yes(held):
    found = held()
    assert found.answer is Answer.yes
    assert printed(found) == (
        "Reproduced: yes. All 3 cells of Table I are the published demo's to the last digit.\n"
    )


def test_no_by_the_last_digit(runs, held):
    runs[1].write("table1.csv", TABLE.format(0.75, 0.5000000000000001))
    found = held()
    assert found.answer is Answer.no
    assert headline(found) == (
        "Reproduced: no. 1 of 3 cells of Table I differ, by 0.0000 at most (unet, avg)."
    )
    assert "+1.11e-16   0.0625 (seeds 0, 3)" in printed(found)


def test_no_with_the_first_stage_that_differs_and_why(runs, held):
    runs[1].write("table1.csv", TABLE.format(0.5, 0.375))
    runs[1].write("scores.csv", "method,fold,case,subset,dsc\nunet,0,0,unseen,0.5\n")
    runs[1].edit("*/*", machine={"python": "3", "processor": "B"})
    runs[1].edit("train/*", code=lambda c: {**c, "upwind.common": "0" * 64})
    runs[1].edit("train/*", packages={"numpy": "2.5.0"})
    text = printed(held())
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    assert lines[0] == (
        "Reproduced: no. 2 of 3 cells of Table I differ, by 0.2500 at most (unet, fold 0)."
    )
    assert lines[3:5] == [
        "  unet, fold 0    0.750000   0.500000        -0.25   0.1250 (seeds 0, 3)",
        "  unet, avg       0.500000   0.375000       -0.125   0.0625 (seeds 0, 3)",
    ]
    assert lines[5:] == [
        "0 of the 2 cells lie within the spread over seeds of the published demo.",
        "The first to differ: scores (1 of 1 set: unet/0); the same: data.",
        "code: upwind.common (commit of the published demo → ccccccc)",
        "packages: numpy 2.4.6 → 2.5.0",
        "processor: none → B, none",
    ]


def test_other_settings_are_not_the_published_demo(runs, held):
    configured(runs[1], seed=1)
    runs[1].write("table1.csv", TABLE.format(0.5, 0.375))
    found = held()
    assert found.answer is Answer.not_the_demo
    assert headline(found) == "Not the published demo, which was set otherwise: seed 0 → 1."


def test_settings_that_leave_table1_as_it_is_do_not_count(runs, held):
    configured(runs[1], atlas={"patients": 3})
    found = held()
    assert found.answer is Answer.yes
    assert "; set otherwise: atlas.patients none → 3." in headline(found)


def test_yes_names_what_differs_on_the_way(runs, held):
    runs[1].write("scores.csv", "method,fold,case,subset,dsc\nunet,0,0,unseen,0.5\n")
    assert "though 1 of 1 scores differ" in headline(held())


def test_json(runs, held):
    runs[1].write("table1.csv", TABLE.format(0.5, 0.375))
    content = json.loads(to_json(held()))
    assert content["reproduced"] == "no"
    assert content["table1"][0]["spread"] == 0.125
    assert [stage["name"] for stage in content["stages"]] == [
        "data", "slices", "networks", "segmentations", "scores",
    ]  # fmt: skip


def test_the_command_and_its_exit_codes(runs, demo, monkeypatch, tmp_path):
    def compare(*arguments):
        return CliRunner().invoke(app, ["compare", str(runs[1].results), *arguments])

    file = tmp_path / "demo.json"
    monkeypatch.setattr(published_module.read_published, "__defaults__", (file,))
    done = compare()
    assert (done.exit_code, done.stdout.partition(".")[0]) == (0, "Reproduced: yes")
    runs[1].write("table1.csv", TABLE.format(0.5, 0.375))
    done = compare()
    assert (done.exit_code, done.stdout.partition(".")[0]) == (1, "Reproduced: no")
    assert json.loads(compare("--json").stdout)["reproduced"] == "no"
    configured(runs[1], seed=1)
    assert compare().exit_code == 2
    file.write_text("{}")
    done = compare()
    assert done.exit_code == 2
    assert "does not hold a published run" in done.stderr
    file.unlink()
    done = compare()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no demo is published" in done.stderr


def test_the_spread_is_known_of_runs_that_are_configured_as_the_demo(
    runs, demo, compared, monkeypatch
):
    monkeypatch.setattr(published_module, "_demo", lambda: demo)
    runs[1].write("table1.csv", TABLE.format(0.625, 0.5))

    def spread():
        with opened(runs[0].results) as one, opened(runs[1].results) as other:
            return known_spread((one, other))

    assert compared(spread=spread()).verdict is Verdict.within
    for run in runs:
        configured(run, seed=5)
    assert spread() == demo.spreads
    for run in runs:
        configured(run, unet={"epochs": 3})
    assert spread() == {}


def test_other_seeds_alone_may_differ(runs, demo, tmp_path):
    configured(runs[1], unet={"epochs": 3}, seed=4)
    with pytest.raises(UpwindError, match=r"with other seeds: unet\.epochs 2 → 3;"):
        publish(runs[0].results, [runs[1].results], tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_a_run_that_is_not_finished_is_not_published(runs, tmp_path):
    (runs[0].results / "table1.csv").unlink()
    for mask in runs[0].results.glob("segmentations/**/*.nii"):
        mask.unlink()
    with pytest.raises(UpwindError, match="run the workflow to its end"):
        publish(runs[0].results, [], tmp_path / "demo.json")


def test_a_phantom_is_published_with_what_made_it(runs, demo, tmp_path):
    """A copy of the results alone has no records of it."""
    shutil.rmtree(runs[0].root / "data")
    with pytest.raises(UpwindError, match="no records of its phantom are in data/made; publish"):
        publish(runs[0].results, [], tmp_path / "away.json")
    assert not (tmp_path / "away.json").exists()


# README ---------------------------------------------------------------------------------------


def test_the_table_is_written_between_its_marks(demo):
    table1 = {
        row: dict.fromkeys(("itk_snap", "unet", "lsn_test", "lsn_validation"), "0.75")
        for row in ("0", "1", "avg")
    }
    whole = replace(demo, table1=table1)
    text = with_table1("a\n<!-- table1: demo -->\nold\n<!-- end -->\nb\n", whole)
    assert text == f"a\n<!-- table1: demo -->\n{table1_text(whole)}<!-- end -->\nb\n"
    assert "\n| avg | 0.750 / 0.640 | 0.750 / 0.903 | 0.750 / 0.692 | 0.750 / 0.511 |\n" in text


def test_what_it_was_made_with(demo):
    machines = [{"processor": "A"}, {"processor": "B", "python": "3"}]
    packages = {"torch": "2.13.0+cpu"}
    assert made_with(replace(demo, machines=machines, packages=packages)) == (
        "Seed 0, on A and B, torch 2.13.0+cpu. Over seeds 0 and 3 a cell moves by 0.125 at most "
        "(UNet, fold 0)."
    )
    assert made_with(replace(demo, spread={}, machines=[{"processor": "A"}])) == "Seed 0, on A."
    held = [{"processor": "A", "held": {"X": "1"}}]
    assert made_with(replace(demo, spread={}, machines=held)) == (
        "Seed 0, on A, held to [the same bits on every processor](docs/same_bits.md)."
    )


def test_a_run_with_several_seeds_is_published_with_their_spread(runs, tmp_path):
    """Its Table I is that of one of them; methods of post-processing are in no cell of it."""
    said = dict.fromkeys(("title", "knows", "has", "colour", "order"))
    component = {"of": "unet", "postprocess": "largest_component"} | said
    configured(runs[0], seeds=[0, 3, 4], methods={"component": component})
    runs[0].write("table1.csv", TABLE.format(0.75, 0.5))
    for mask in runs[0].results.glob("segmentations/**/*.nii"):
        mask.unlink()  # they are texts
    scores = [
        f"{method},{fold},{fold},unseen,{dsc},{seed}\n"
        for method, scale in (("unet", 1), ("component", 2))
        for fold in (0, 1)
        for seed, dsc in ((0, 0.75 * scale), (3, 0.5 * scale), (4, 0.625 * scale))
    ]
    runs[0].write("seeds.csv", "method,fold,case,subset,dsc,seed\n" + "".join(scores))
    found = publish(runs[0].results, [], tmp_path / "several.json")
    assert (found.spread_seeds, found.spread["0"]) == ([0, 3, 4], {"unet": 0.25})
    assert set(found.table1["0"]) == {"unet"}
    assert made_with(found).startswith("Seed 0, on ")
    assert "Over seeds 0, 3 and 4 a cell moves by 0.250 at most (UNet, " in made_with(found)


def test_the_seed_of_a_configuration():
    assert seed_of({"seed": 3}) == 3
    assert seed_of({"seeds": [0, 1, 3], "seed": 3}) == 3
    assert seed_of({}) == 0


def test_the_command_writes_file_and_readme(runs, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(publishing, "publish", lambda first, others: demo)
    monkeypatch.setattr(publishing, "table1_text", lambda published: "| table |\n")
    readme = tmp_path / "README.md"
    readme.write_text("no marks")
    with pytest.raises(UpwindError, match="has no place"):
        main("results/x")
    readme.write_text("<!-- table1: demo -->\n<!-- end -->\n")
    main("results/x")
    assert readme.read_text() == "<!-- table1: demo -->\n| table |\n<!-- end -->\n"


def test_it_can_be_written_and_read(demo, tmp_path):
    write_published(demo, tmp_path / "again.json")
    assert read_published(tmp_path / "again.json") == demo
    assert read_published(tmp_path / "none.json") is None
    assert FILE.name == "demo.json"
    assert Factor.seeds == "seeds"
