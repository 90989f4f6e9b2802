"""The hand-made experiment, compared with a copy of which something was changed."""

import pytest

from upwind.reproduction.causes import Cause
from upwind.reproduction.comparison import Verdict
from upwind.reproduction.difference import Outcome
from upwind.reproduction.factors import Factor
from upwind.reproduction.table1 import Spread

WEIGHTS = "networks/unet/0/weights.st"
SCORES = "method,fold,case,subset,dsc\n"
TRAIN = "train/fold=0,network=unet"


def causes(comparison, name):
    return [(cause.factor, cause.what) for cause in comparison.causes[name]]


def with_epochs(epochs):
    """A change of a record's parameters."""
    return lambda params: {**params, "network": {"epochs": epochs}}


def test_identical_runs(compared):
    found = compared()
    assert found.verdict is Verdict.identical
    assert (found.unlike, found.between, found.differing_cells) == ([], {}, [])
    assert {file.outcome for file in found.files} == {Outcome.same}


def test_a_changed_setting_is_found_at_the_nearest_job_that_it_reached(runs, compared):
    runs[1].edit(TRAIN, params=with_epochs(22))
    config = {"experiment": "x", "dataset": {"root": "data/made"}, "unet": {"epochs": 22}}
    runs[1].edit("write_config/job", params=lambda p: {**p, "config": config})
    runs[1].write(WEIGHTS, "other weights")
    runs[1].write("scores/unet-0.csv", SCORES + "unet,0,0,unseen,0.5\n")
    runs[1].write("scores.csv", SCORES + "unet,0,0,unseen,0.5\n")
    found = compared()
    assert found.verdict is Verdict.different
    # In the order of their making.
    assert [f.path for f in found.unlike] == [WEIGHTS, "scores/unet-0.csv", "scores.csv"]
    change = (Factor.settings, "network.epochs 2 → 22")
    assert causes(found, WEIGHTS) == [change]
    # The masks between them are the same: what the scores differ by is not the weights'.
    assert causes(found, "scores/unet-0.csv") == [
        (Factor.unknown, "all that records tell is the same: the job does not repeat its bits")
    ]


def test_the_name_of_a_setting_is_that_of_the_configuration(runs, compared):
    for run, epochs in zip(runs, (20, 22), strict=True):
        run.edit(TRAIN, params=with_epochs(epochs))
        settings = {"unet": {"epochs": epochs}, "dataset": {"root": "data/made"}}
        run.edit("write_config/job", params=lambda p, s=settings: {**p, "config": s})
    runs[1].write(WEIGHTS, "other weights")
    found = compared()
    assert causes(found, WEIGHTS) == [(Factor.settings, "unet.epochs 20 → 22")]
    assert found.between == {Factor.settings: {"unet.epochs 20 → 22": 0}}


def test_causes_are_followed_through_what_differs_alone_and_the_nearest_is_first(runs, compared):
    masks = "segmentations/unet/0/segmentation-0.nii"
    runs[1].edit(TRAIN, params=lambda p: {**p, "seed": 1})
    runs[1].edit("segment_fold/fold=0,network=unet", machine={"python": "3", "processor": "B"})
    runs[1].edit(TRAIN, machine={"python": "3", "processor": "B"})
    runs[1].edit("train/fold=1,network=unet", params=lambda p: {**p, "seed": 2})
    runs[1].write(WEIGHTS, "other weights")
    runs[1].write(masks, "another mask")
    found = compared()
    segment, train = "segment_fold fold=0,network=unet", "train fold=0,network=unet"
    assert found.causes[masks] == [
        Cause(Factor.processor, "none → B", (segment, train)),
        Cause(Factor.seeds, "seed 0 → 1", (train,)),
    ]


@pytest.mark.parametrize(
    ("change", "factor", "what"),
    [
        (
            {"code": lambda c: {**c, "upwind.common": "0" * 64}},
            Factor.code,
            "upwind.common (commit ccccccc)",
        ),
        (
            {
                "code": lambda c: {**c, "upwind.new": "0" * 64},
                "git": {"commit": "d" * 40, "dirty": True},
            },
            Factor.code,
            "upwind.new (commit ccccccc → ddddddd with changes)",
        ),
        ({"packages": {"numpy": "2.5.0"}}, Factor.packages, "numpy 2.4.6 → 2.5.0"),
        ({"machine": {"python": "3.12"}}, Factor.packages, "python 3 → 3.12"),
        ({"machine": {"python": "3", "cores": 2}}, Factor.threads, "cores none → 2"),
        (
            {"machine": {"python": "3", "instruction_sets": ["avx2"]}},
            Factor.processor,
            'instruction sets none → ["avx2"]',
        ),
        ({"threads": 4}, Factor.threads, "1 → 4"),
        ({"accelerators": ["GPU"]}, Factor.accelerator, "none → GPU"),
        ({"params": lambda p: {**p, "seed": 1}}, Factor.seeds, "seed 0 → 1"),
    ],
)
def test_every_factor_is_told_from_the_others(runs, compared, change, factor, what):
    runs[1].edit(TRAIN, **change)
    runs[1].write(WEIGHTS, "other weights")
    found = compared()
    assert causes(found, WEIGHTS) == [(factor, what)]
    if factor is not Factor.seeds:  # which are those of the whole configuration
        assert found.between == {factor: {what: 1}}


def test_another_processor_that_is_held_to_the_same_bits(runs, compared):
    for run, name in zip(runs, "AB", strict=True):
        run.edit(TRAIN, machine={"processor": name, "cores": ord(name), "held": {"X": "1"}})
    assert compared().between == {
        Factor.processor: {"A → B, both held to the same bits": 1},
        Factor.threads: {"cores 65 → 66": 1},
    }
    runs[1].edit(TRAIN, machine={"processor": "B", "cores": 65})
    assert list(compared().between[Factor.processor]) == ["held.X 1 → none", "A → B"]


def test_the_host_is_no_cause(runs, compared):
    runs[1].edit("*/*", machine={"python": "3", "host": "elsewhere"})
    assert compared().between == {}


def test_other_volumes(runs, compared):
    volume = "data/made/volume-0.nii"
    (runs[1].root / volume).write_text("another patient")
    state = "0" * 64

    def told(files):
        return {k: type(v)(state, 1, 0) if k == volume else v for k, v in files.items()}

    runs[1].edit("slice_case/case=0", inputs=told)
    for path in (runs[1].root / "data/made/records").rglob("*.json"):
        path.unlink()  # as of data that no job made
    runs[1].write("slices/case-0.st", "other slices")
    found = compared()
    assert causes(found, "slices/case-0.st") == [
        (Factor.jobs, "make_phantom case=0 ran in the first run alone")
    ]
    assert found.between == {Factor.data: {"1 of 8 files: volume-0.nii": 0}}


def test_raw_volumes_without_records_on_either_side(runs, compared):
    def told(files):
        state = next(iter(files.values()))
        changed = type(state)("0" * 64, 1, 0)
        return {k: changed if k.endswith("volume-0.nii") else v for k, v in files.items()}

    for run in runs:
        for path in (run.root / "data/made/records").rglob("*.json"):
            path.unlink()
    runs[1].edit("slice_case/case=0", inputs=told)
    runs[1].write("slices/case-0.st", "other slices")
    assert causes(compared(), "slices/case-0.st") == [(Factor.data, "volume-0.nii")]


def test_what_was_edited_by_hand(runs, compared):
    runs[1].write("table1.csv", "fold,unet\n0,0.9\n", recorded=False)
    found = compared()
    title = runs[1].results
    assert causes(found, "table1.csv") == [
        (Factor.hand, f"table1.csv is not what its job wrote, in {title}")
    ]


def test_files_that_one_run_alone_has(runs, compared):
    (runs[1].results / WEIGHTS).unlink()
    runs[1].edit(TRAIN, outputs={})
    (runs[1].results / "notes.txt").write_text("mine")
    found = compared()
    outcomes = {f.path: f.outcome for f in found.files if f.outcome is not Outcome.same}
    assert outcomes == {WEIGHTS: Outcome.only_first, "notes.txt": Outcome.only_second}
    assert causes(found, WEIGHTS) == [
        (Factor.jobs, "train fold=0,network=unet ran in the first run alone")
    ]
    assert causes(found, "notes.txt") == [(Factor.hand, "no record tells how notes.txt was made")]


def test_what_a_crate_leaves_out_is_compared_as_its_job_wrote_it(runs, compared):
    (runs[1].results / WEIGHTS).unlink()
    assert compared().verdict is Verdict.identical
    runs[0].write(WEIGHTS, "other weights")
    (found,) = compared().unlike
    assert found.difference.summary == "it differs, by its hash: one of them is not here"


def test_a_file_that_is_damaged_is_compared_by_its_hash(runs, compared):
    runs[1].write("folds.csv", "case,fold\n1\n")
    (found,) = compared().unlike
    assert found.difference.summary == (
        "it differs, by its hash: one of them cannot be read "
        "(it is no table: its rows are not as long as its head)"
    )


def test_a_figure_of_seconds_alone_is_set_apart(runs, compared, experiment):
    for run, seconds in zip(runs, (3, 4), strict=True):
        run.write("verdicts.csv", f"method,fold,failed,seconds\nunet,0,False,{seconds}\n")
        experiment.root = run.root
        read = [f"{run.home}/verdicts.csv"]
        experiment.job("draw", read, {f"{run.home}/curves.png": f"{seconds} s"})
    found = compared()
    assert found.verdict is Verdict.identical
    assert [f.path for f in found.files if f.outcome is Outcome.apart] == [
        "curves.png",
        "verdicts.csv",
    ]
    runs[1].edit("draw/job", code={"upwind.figures": "1" * 64})
    assert [f.path for f in compared().unlike] == ["curves.png"]


# The spread ---------------------------------------------------------------------------------------

TABLE = "fold,itk_snap,unet\n0,0.5,{}\navg,0.5,{}\n"


@pytest.fixture
def tables(runs):
    """A function that sets the UNet's two cells in each run's Table I."""

    def write(one, other):
        for run, cells in zip(runs, (one, other), strict=True):
            run.write("table1.csv", TABLE.format(*cells))

    return write


def test_within_the_spread(tables, compared):
    tables((0.75, 0.75), (0.875, 0.875))
    known = {("unet", row): Spread(0.125, (0, 1)) for row in ("0", "avg")}
    assert compared(spread=known).verdict is Verdict.within
    known[("unet", "0")] = Spread(0.12, (0, 1))
    assert compared(spread=known).verdict is Verdict.different


def test_a_cell_whose_spread_is_not_known_is_different(tables, compared):
    tables((0.75, 0.75), (0.875, 0.875))
    known = {("unet", "0"): Spread(1.0, (0, 1))}
    found = compared(spread=known)
    assert found.verdict is Verdict.different
    assert not found.spread_is_known
    assert [cell.name for cell in found.differing_cells] == ["unet, fold 0", "unet, avg"]


def test_other_networks_with_the_same_table(runs, compared):
    runs[1].write(WEIGHTS, "other weights")
    assert compared().verdict is Verdict.different
    known = {("unet", "0"): Spread(0.0, (0, 1))}
    assert compared(spread=known).verdict is Verdict.within


def test_a_cell_that_one_run_alone_has_is_different(runs, tables, compared):
    tables((0.75, 0.75), (0.75, 0.75))
    runs[1].write("table1.csv", "fold,itk_snap\n0,0.5\navg,0.5\n")
    known = {(column, "0"): Spread(1.0, (0, 1)) for column in ("itk_snap", "unet")}
    assert compared(spread=known).verdict is Verdict.different
