"""The atlas is asked for by its name, and made of what its settings name."""

import pytest

SETTINGS = {"dataset": {"root": "raw", "kind": "lits"}, "folds": 2}


@pytest.fixture
def ready(workplace, write_headers):
    """Four cases, and the table of the study of replaced kernels, which only its rule can make."""
    write_headers(workplace.folder / "raw", (42, 50, 40, 30))
    for name in ("demo", "other"):
        table = workplace.folder / f"results/{name}/studies/replacements.csv"
        table.parent.mkdir(parents=True)
        table.write_text("layer,replacement\n")
    return workplace


def planned(workplace, plan, **settings):
    file = workplace.configure(SETTINGS | settings)
    return [(job.rule, job.wildcards) for job in plan(workplace, "atlas", configfiles=[file])]


def test_for_the_network_of_all_cases_every_fold_tells_the_median(ready, plan):
    jobs = planned(ready, plan)
    rules = [rule for rule, _ in jobs]
    assert rules.count("atlas") == rules.count("measure_clusters") == 1
    assert ("train", {"network": "unet", "fold": "all"}) in [
        (rule, wildcards) for rule, wildcards in jobs
    ]
    assert rules.count("score_network") == 2
    assert rules.count("slice_case") == 4


def test_a_named_case_needs_no_scores(ready, plan):
    atlas = {"case": 2, "slice": 7, "pixels": 64, "removed": "mean", "most_slices": 10}
    rules = [rule for rule, _ in planned(ready, plan, atlas=atlas)]
    assert "score_network" not in rules
    assert "atlas" in rules


def test_a_plain_run_makes_no_atlas(ready, plan):
    file = ready.configure(SETTINGS)
    assert not {"atlas", "measure_clusters"} & {job.rule for job in plan(ready, configfiles=[file])}


def test_its_settings_are_checked(ready):
    file = ready.configure(SETTINGS | {"atlas": {"removed": "half", "case": "best"}})
    said = ready.snakemake("--dry-run", "atlas", configfiles=[file])
    assert said.returncode != 0
    assert "atlas" in said.stdout
    assert "half" in said.stdout
    assert "best" in said.stdout
