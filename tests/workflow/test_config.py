"""Settings: what a dry run plans, and one clear message for settings that cannot hold."""

import re
from collections import Counter

import pytest
import yaml

from upwind.settings.check import check_config


def planned(output):
    """Number of jobs by rule, of a dry run's output."""
    table = re.search(r"job +count\n[- ]+\n(.*?)\n\n", output, re.DOTALL)[1]
    return {name: int(count) for name, count in (line.split() for line in table.splitlines())}


def dry_run(workplace, *arguments, **settings):
    files = [workplace.configure(settings)] if settings else []
    return workplace.snakemake("--dry-run", "--quiet", "rules", *arguments, configfiles=files)


def test_the_demo_is_twenty_patients_in_five_folds(workplace):
    result = dry_run(workplace)
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    for rule in ("make_phantom", "check_case", "slice_case", "operate_level_set"):
        assert jobs[rule] == 20, rule
    assert jobs["segment_fold"] == jobs["score_network"] == 2 * 5
    assert jobs["tune_level_set"] == jobs["segment_blind"] == 5
    # Each network on each fold, and the analysed UNet on all patients.
    assert jobs["train"] == 2 * 5 + 1


def test_a_job_for_each_replacement_and_fold(workplace):
    """And none that the experiment itself does not need: the UNets are its own."""
    files = [workplace.configure({"replacements": {"folds": [1, 3], "replacements": ["gaussian"]}})]
    for arguments, jobs_expected, networks in (((), 9 * 5, 5), (files, 1 * 2, 2)):
        result = workplace.snakemake(
            "replacements", "--dry-run", "--quiet", "rules", configfiles=arguments
        )
        assert result.returncode == 0, result.stdout
        jobs = planned(result.stdout)
        assert jobs["score_replacement"] == jobs_expected
        assert jobs["train"] == networks
        assert jobs["summarise_replacements"] == jobs["draw_replacements"] == 1
        assert "train_variant" not in jobs


def test_constrained_unets_are_trained_beside_the_unet(workplace):
    result = workplace.snakemake("constrained", "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["train_variant"] == jobs["score_variant"] == 3 * 5


def test_a_plateau_is_of_trainings_of_its_own(workplace):
    settings = {"folds": [1, 3], "seeds": [0, 5], "epochs": 2, "evaluated": [1]}
    mine = workplace.configure({"plateau": settings})
    result = workplace.snakemake("plateau", "--dry-run", "--quiet", "rules", configfiles=[mine])
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["train_to_plateau"] == jobs["score_on_the_way"] == 2 * 2 * 2
    assert jobs["summarise_plateau"] == jobs["draw_plateau"] == 1
    assert not {"train", "train_variant"} & jobs.keys()


def test_variants_after_postprocessing_share_their_trainings(workplace):
    """Ten variants of five networks, on five folds from two seeds."""
    result = workplace.snakemake("gain", "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["train_variant"] == 5 * 5 * 2
    assert jobs["score_variant"] == 10 * 5 * 2


def test_a_small_file_of_ones_own_overrides_the_defaults(workplace):
    result = dry_run(
        workplace,
        folds=3,
        dataset={"patients": 6},
        kernels={"network": 1},
        levelset={"cases": [0, 2, 5]},
    )
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["make_phantom"] == jobs["slice_case"] == 6
    assert jobs["train"] == 2 * 3  # fold 1's UNet is the analysed one
    assert jobs["operate_level_set"] == 3


def test_the_papers_21_cases_have_a_name(workplace, write_headers):
    write_headers(workplace.folder / "raw", [42] * 131)
    mine = workplace.configure({"dataset": {"root": "raw"}, "levelset": {"cases": "paper21"}})
    result = workplace.snakemake(
        "--dry-run",
        "--quiet",
        "rules",
        configfiles=[workplace.folder / "config/lits.yaml", mine],
    )
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["operate_level_set"] == 21
    assert jobs["segment_fold"] == 10
    # LiTS whole, in the paper's folds.
    assert jobs["score_followup"] == 2  # as they are, and the largest component
    assert jobs["compare_followup"] == jobs["draw_followup"] == 1


def test_lits_configuration_needs_only_its_folder(workplace):
    root = workplace.folder / "data/lits"
    root.mkdir(parents=True)
    for case in (0, 1, 2, 10, 100):
        (root / f"volume-{case}.nii").touch()
        (root / f"segmentation-{case}.nii.gz").touch()
    result = workplace.snakemake(
        "--dry-run", "--quiet", "rules", configfiles=[workplace.folder / "config/lits.yaml"]
    )
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert "make_phantom" not in jobs
    assert jobs["check_case"] == jobs["slice_case"] == 5
    assert jobs["train"] == 11
    assert "score_followup" not in jobs


def assert_one_message(result, *expected):
    """The run stopped before any job, with these words and without a traceback."""
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    assert "localrule" not in result.stdout
    for words in expected:
        assert re.search(words, result.stdout), f"{words!r} not in\n{result.stdout}"


def test_misspelt_missing_and_impossible_settings_are_named_all_at_once(workplace):
    result = dry_run(
        workplace,
        image_size=100,
        unet={"epoch": 3},
        lsn={"dt": 0.7, "terms": ["balloon", "advection"]},
        dataset={"kind": "nifti"},
        experimnt="x",
    )
    assert_one_message(
        result,
        r"unet\.epoch: no such setting; did you mean 'epochs'",
        r"experimnt: no such setting; did you mean 'experiment'",
        r"image_size: 100 is not a multiple of 16",
        r"lsn\.dt: 0\.7 is greater than the maximum of 0\.5",
        r"lsn\.terms\.1: 'advection' is not one of",
        r"dataset\.kind: 'nifti' is not one of",
        r"config/README\.md",
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"folds": 7, "dataset": {"patients": 6}}, r"7 folds need at least 7 usable cases"),
        (
            {"dataset": {"kind": "lits", "root": "no/such"}},
            r"data folder no/such does not exist: `upwind import lits SOURCE --root no/such`",
        ),
        ({"kernels": {"network": 5}}, r"kernels\.network: .* 5; folds are 0 to 4"),
        ({"levelset": {"cases": [3, 77]}}, r"levelset\.cases: no case 77"),
        ({"levelset": {"cases": "paper21"}}, r"levelset\.cases: no case 23, 24, 25"),
        ({"levelset": {"cases": [0, 4, 9, 19]}}, r"levelset\.cases: .*fold 3.*empty cell"),
        (
            {"levelset": {"edge_equation": "itk_snap"}},
            r"levelset\.edge_equation: 'itk_snap' .*: it has to be geodesic with .* simpleitk",
        ),
        ({"replacements": {"folds": [0, 5]}}, r"replacements\.folds: there is no fold 5"),
        ({"intensity": {"window": [400, -100]}}, r"intensity\.window: \[400, -100\]"),
    ],
    ids=[
        "folds",
        "folder",
        "kernels",
        "levelset",
        "levelset-name",
        "levelset-folds",
        "levelset-equation",
        "replacements",
        "window",
    ],
)
def test_settings_that_do_not_fit_each_other_or_the_data_are_said(settings, expected, workplace):
    assert_one_message(dry_run(workplace, **settings), expected)


def test_further_seeds_are_trained_and_scored_beside_the_first(workplace, plan):
    settings = {"experiment": "x", "folds": 2, "dataset": {"patients": 4}, "seeds": [0, 3, 4]}
    (workplace.folder / "my_network.py").write_text(
        "from torch import nn\n\ndef flat():\n    return nn.Conv2d(1, 1, 3, padding=1)\n"
    )
    settings["methods"] = {
        "mine": {"network": "my_network:flat", "epochs": 1},
        "component": {"of": "mine", "postprocess": "largest_component"},
        "snap_component": {"of": "itk_snap", "postprocess": "largest_component"},
    }
    jobs = plan(workplace, configfiles=[workplace.configure(settings)])
    counts = Counter(job.rule for job in jobs)
    # Three networks on two folds. The UNet of the kernels is trained on all patients, and once more
    # from its second seed.
    assert (counts["train"], counts["train_variant"]) == (3 * 2 + 1, 2 * 3 * 2 + 1)
    assert counts["segment_seed"] == counts["score_seed"] == 2 * 3 * 2
    # What is trained has seeds, and so has its post-processing.
    assert (counts["postprocess_seed"], counts["score_postprocessed_seed"]) == (2 * 2, 2)
    assert counts["gather_seeds"] == 1


def test_folds_of_a_file_that_do_not_fit_the_data_are_said(workplace):
    rows = "".join(f"{case},{case % 3}\n" for case in range(22) if case != 4)
    (workplace.folder / "split.csv").write_text("case,fold\n" + rows)
    unknown = dry_run(workplace, folds="split.csv", dataset={"patients": 21})
    assert_one_message(unknown, r"the file has case 21, and the data have not")
    missing = dry_run(workplace, folds="split.csv", dataset={"patients": 22})
    assert_one_message(missing, r"no fold for case 4; add")


def test_the_phantom_never_writes_among_volumes_that_it_did_not_make(workplace):
    folder = workplace.folder / "mine"
    folder.mkdir()
    (folder / "volume-0.nii").touch()
    result = dry_run(workplace, dataset={"root": "mine"})
    assert_one_message(result, r"mine, but that folder holds volumes that the phantom did not make")
    (folder / "phantom.txt").touch()
    assert dry_run(workplace, dataset={"root": "mine"}).returncode == 0


def test_a_key_that_stands_twice_is_said_with_its_file_and_line(workplace):
    mine = workplace.folder / "mine.yaml"
    mine.write_text("seed: 1\nunet: {epochs: 3, epochs: 4}\n")
    result = workplace.snakemake("--dry-run", "--quiet", "rules", configfiles=[mine])
    assert_one_message(result, r"mine\.yaml, line 2: unet\.epochs stands in line 2 already")


def test_the_workflow_goes_by_every_setting_whatever_a_file_leaves_out(workplace):
    """The rules read settings that no file names, and the record keeps them all."""
    mine = workplace.configure({"experiment": "mine"})
    result = workplace.snakemake("results/mine/config.yaml", "--quiet", configfiles=[mine])
    assert result.returncode == 0, result.stdout
    kept = yaml.safe_load((workplace.folder / "results/mine/config.yaml").read_text())
    given = yaml.safe_load((workplace.folder / "config/config.yaml").read_text())
    assert kept == check_config(given | {"experiment": "mine"})
