"""The published demo that is kept here belongs to the configuration that is here, and README is
written from it."""

from pathlib import Path

import yaml

from upwind.methods import table1_columns
from upwind.methods.configured import methods_of
from upwind.reproduction.publish import with_table1
from upwind.reproduction.published import FILE, changed_settings, read_published
from upwind.reproduction.stages import STAGES
from upwind.settings.check import check_config

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
PUBLISHED = read_published()
AGAIN = "run the demo, then `python -m upwind.reproduction.publish results/demo`"


def test_readme_has_a_place_for_the_table_if_there_is_one():
    assert ("<!-- table1: demo -->" in README) == (PUBLISHED is not None)


def test_readme_is_written_from_what_is_kept():
    if PUBLISHED is not None:
        hint = "run `python -m upwind.reproduction.publish`"
        assert with_table1(README, PUBLISHED) == README, hint


def test_it_belongs_to_the_demo_as_it_is_configured_now():
    if PUBLISHED is not None:
        demo = check_config(yaml.safe_load((REPOSITORY / "config/config.yaml").read_text()))
        assert changed_settings(PUBLISHED, demo) == [], AGAIN


def test_it_is_whole():
    if PUBLISHED is not None:
        folds = [str(fold) for fold in range(PUBLISHED.config["folds"])]
        assert [row for row in PUBLISHED.table1 if row.isdigit()] == folds
        for cells in PUBLISHED.table1.values():
            assert set(cells) == set(table1_columns(methods_of(PUBLISHED.config)))
        assert tuple(sorted(PUBLISHED.hashes)) == tuple(sorted(STAGES))
        assert all(PUBLISHED.hashes.values())


def test_it_names_no_host_and_no_date():
    if PUBLISHED is not None:
        assert all("host" not in machine for machine in PUBLISHED.machines)
        assert '"started"' not in FILE.read_text()
