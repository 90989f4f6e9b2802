"""A finished run of the workflow beside its crate, and beside copies of which something was
changed."""

import json
import shutil
from pathlib import Path

import pytest

from upwind.audit.crate.write import write_crate
from upwind.reproduction.comparison import Verdict, compare
from upwind.reproduction.difference import Outcome
from upwind.reproduction.factors import Factor
from upwind.reproduction.files import KINDS
from upwind.reproduction.published import publication
from upwind.reproduction.reading import opened
from upwind.reproduction.reproduced import Answer, reproduction
from upwind.settings.check import check_config

HOME = "results/tiny"


@pytest.fixture(scope="module")
def crate(finished_once, tmp_path_factory):
    path = tmp_path_factory.mktemp("crate") / "tiny.zip"
    # Published whatever an audit says of the checkout.
    return write_crate(finished_once / HOME, path, force=True).path


def compared(one, other):
    with opened(Path(one)) as first, opened(Path(other)) as second:
        return compare(first, second)


def test_a_run_is_identical_to_its_crate(finished_once, crate):
    found = compared(finished_once / HOME, crate)
    assert found.verdict is Verdict.identical
    assert found.between == {}
    assert len(found.files) > 80
    assert len(found.cells) == 12


def test_every_kind_of_file_is_read(finished_once):
    """Files are given to what compares them even where they are the same."""
    for end, compare_kind in KINDS.items():
        for path in (finished_once / HOME).rglob(f"*{end}"):
            if "records" not in path.parts:
                assert len(compare_kind(path, path).parts) == 1, path


def test_a_changed_network_is_followed_to_the_table(finished, crate):
    results = finished / HOME
    weights = results / "networks/unet/0/weights.safetensors"
    shutil.copy(results / "networks/unet/1/weights.safetensors", weights)
    shutil.copy(results / "scores/unet-1.csv", results / "scores/unet-0.csv")
    found = compared(crate, results)
    assert found.verdict is Verdict.different
    assert [file.path for file in found.unlike] == [
        "networks/unet/0/weights.safetensors",
        "scores/unet-0.csv",
    ]
    for file in found.unlike:
        assert {cause.factor for cause in found.causes[file.path]} == {Factor.hand}


def test_a_figure_of_seconds_is_set_apart(finished, crate):
    trials = finished / HOME / "segmentations/itk_snap/trials-0.csv"
    head, *rows = trials.read_text().splitlines()
    column = head.split(",").index("seconds")
    cells = rows[0].split(",")
    cells[column] = "99"
    trials.write_text("\n".join([head, ",".join(cells), *rows[1:]]) + "\n")
    with (finished / HOME / "searches.png").open("ab") as file:
        file.write(b"drawn again")
    found = compared(crate, finished / HOME)
    apart = {file.path for file in found.files if file.outcome is Outcome.apart}
    assert apart >= {"segmentations/itk_snap/trials-0.csv"}


def test_a_run_reproduces_what_it_is_published_as(finished_once, crate):
    with opened(finished_once / HOME) as side:
        published = publication(side, {})
        assert reproduction(side, published).answer is Answer.yes
        # So that the demo's configuration, checked, can be held against the published one.
        assert published.config == check_config(published.config)
        assert {stage: bool(names) for stage, names in published.hashes.items()} == dict.fromkeys(
            published.hashes, True
        )
        assert json.dumps(published.machines).find("host") == -1
    with opened(crate) as side:
        found = reproduction(side, published)
        assert found.answer is Answer.yes
        assert {stage.name: stage.compared for stage in found.stages}["segmentations"] == 0
