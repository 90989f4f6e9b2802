"""What each job asks for follows what it reads, also where that is not there yet."""

import pytest

from upwind.data.resources import memory_mb, training_memory_mb
from upwind.data.sizes import TYPICAL_CT

SLICES = (42, 100, 400, 1026)
SETTINGS = {"dataset": {"root": "raw"}, "folds": 2}


@pytest.fixture(scope="module")
def jobs(shared_workplace, plan, write_headers):
    """Jobs of the paper's experiment on four cases in two folds; case 1 is not a volume."""
    folder = shared_workplace.folder
    write_headers(folder / "raw", SLICES)
    (folder / "raw/volume-1.nii").write_bytes(b"damaged")
    files = [folder / "config/lits.yaml", shared_workplace.configure(SETTINGS)]
    return plan(shared_workplace, configfiles=files)


def of(jobs, rule, **wildcards):
    found = [job for job in jobs if job.rule == rule and wildcards.items() <= job.wildcards.items()]
    assert len(found) == 1
    return found[0].resources


def test_every_job_asks_for_memory_and_time(jobs):
    assert len(jobs) > 30
    for job in jobs:
        if job.rule not in ("write_config", "describe_methods"):  # where snakemake runs
            assert job.resources["mem_mb"] > 0, job.rule
            assert job.resources["runtime"] > 0, job.rule


def test_a_long_volume_asks_for_more_than_a_short_one(jobs):
    # 3 copies of 512 x 512 x slices of int16.
    asked = [of(jobs, "slice_case", case=case) for case in (0, 2, 3)]
    for more, less, slices in ((1, 0, 358), (2, 1, 626)):
        difference = asked[more]["mem_mb"] - asked[less]["mem_mb"]
        assert difference == pytest.approx(3 * slices / 2, abs=1)
    assert asked[2]["runtime"] > asked[0]["runtime"]
    assert of(jobs, "operate_level_set", case=3)["mem_mb"] == asked[2]["mem_mb"]
    assert of(jobs, "check_case", case=3)["mem_mb"] == of(jobs, "check_case", case=0)["mem_mb"]


def test_an_unreadable_volume_is_taken_for_a_typical_one(jobs):
    assert of(jobs, "slice_case", case=1)["mem_mb"] == memory_mb("volume", [TYPICAL_CT])


def test_what_reads_all_cases_asks_for_the_largest(jobs):
    largest = of(jobs, "slice_case", case=3)["mem_mb"]
    for fold in (0, 1):
        assert of(jobs, "score_network", network="lsn", fold=fold)["mem_mb"] == largest
    assert of(jobs, "draw_gallery")["mem_mb"] == largest


def test_training_follows_its_own_cases(jobs):
    """Fold 0 leaves cases 0 and 1 out; all their slices count until the split says how many."""
    expected = {0: 400 + 1026, 1: 42 + TYPICAL_CT.slices, "all": 42 + 447 + 400 + 1026}
    for fold, slices in expected.items():
        memory = of(jobs, "train", network="unet", fold=fold)["mem_mb"]
        assert memory == training_memory_mb(slices, 256, 20)
    unet, lsn = (of(jobs, "train", network=name, fold=0)["runtime"] for name in ("unet", "lsn"))
    assert lsn > 2 * unet


def test_training_counts_the_slices_of_its_split(shared_workplace, plan, jobs):
    split = shared_workplace.folder / "results/lits/split/0.csv"
    split.parent.mkdir(parents=True)
    split.write_text("fold,case,slice,part\n" + "0,2,7,train\n" * 5000)
    files = [shared_workplace.folder / name for name in ("config/lits.yaml", "small.yaml")]
    target = "results/lits/networks/unet/0/weights.safetensors"
    again = plan(shared_workplace, target, configfiles=files)
    assert of(again, "train")["mem_mb"] == training_memory_mb(5000, 256, 20)


def test_a_phantom_that_is_not_made_yet_asks_for_little(workplace, plan):
    """Volumes of the same group are not there when it is submitted."""
    jobs = plan(workplace)
    assert {type(job.resources.get("mem_mb", 0)) for job in jobs} == {int}
    assert (
        max(job.resources.get("mem_mb", 0) for job in jobs if not job.rule.startswith("train"))
        < 4000
    )
