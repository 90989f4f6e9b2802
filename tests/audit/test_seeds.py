"""A run with two seeds, a network of the configuration's own and post-processing, read by all that
reads runs: audit, trace, crate, comparison, publication."""

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pandas as pd
import pytest
import yaml

from upwind.audit.crate.audited import audit_crate
from upwind.audit.crate.write import write_crate
from upwind.audit.findings import Severity
from upwind.audit.trace.walk import trace
from upwind.audit.whole import audit
from upwind.reproduction.comparison import Verdict, compare
from upwind.reproduction.publish import made_with, publish
from upwind.reproduction.reading import opened

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path("results/tiny")
CODE = "from torch import nn\n\n\ndef small():\n    return nn.Conv2d(1, 1, 3, padding=1)\n"
METHODS = {
    "small": {"network": "small_network:small", "epochs": 1},
    "small_component": {"of": "small", "postprocess": "largest_component"},
}
SEEDED = {"unet", "lsn", *METHODS}


@pytest.fixture(scope="module")
def folder(finished_once, tmp_path_factory, python):
    """The finished run, gone on with."""
    folder = tmp_path_factory.mktemp("seeds") / "run"
    shutil.copytree(finished_once, folder, symlinks=True)
    settings = yaml.safe_load((folder / "tiny.yaml").read_text())
    settings |= {"seeds": [0, 1], "methods": METHODS}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(settings))
    (folder / "small_network.py").write_text(CODE)
    command = [python, "-m", "snakemake", "--snakefile", REPOSITORY / "workflow/Snakefile"]
    command += ["--cores", "2", "--configfile", "tiny.yaml", "--nocolor"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return folder


@pytest.fixture(scope="module")
def crate(folder):
    with chdir(folder):  # where the network's file lies
        return write_crate(folder / HOME, folder / "tiny.zip", force=True).path


def test_what_is_trained_and_its_post_processing_have_two_seeds(folder):
    seeds = pd.read_csv(folder / HOME / "seeds.csv")
    by_method = seeds.groupby("method")["seed"].unique().map(list)
    assert {method for method, found in by_method.items() if found == [0, 1]} == SEEDED
    first = pd.read_csv(folder / HOME / "scores.csv")
    assert set(first["method"]) == {*SEEDED, "itk_snap", "itk_snap_blind"}
    assert len(seeds) == len(first) + first["method"].isin(SEEDED).sum()
    compared = pd.read_csv(folder / HOME / "comparison.csv", keep_default_na=False)
    compared = compared[(compared["subset"] == "unseen") & (compared["measure"] == "dsc")]
    alone = compared[compared["other"] == ""]
    assert (alone.set_index("method")["seeds"].eq(2) == alone["method"].isin(SEEDED).values).all()


def test_the_audit_makes_the_scores_of_both_again(folder):
    with chdir(folder):
        found = audit(folder / HOME, deep=True, ask=False)
    assert found.of(Severity.broken) == []
    rows = len(pd.read_csv(folder / HOME / "seeds.csv"))
    columns = len(pd.read_csv(folder / HOME / "scores.csv").columns)
    assert found.checked.counts["gathered_seeds"] == rows * (columns + 1)
    assert found.checked.counts["scores"] == rows * (columns - 4)


def test_a_trace_of_the_comparison_leads_to_both_trainings(folder):
    chain = trace(folder / HOME / "comparison.csv", None)
    rules = {chain.record(job).rule for job in chain.sources}
    assert rules >= {"train", "train_variant", "segment_seed", "score_postprocessed_seed"}
    assert chain.problems == ()


def test_a_crate_of_it_holds_and_is_identical_to_it(folder, crate):
    with chdir(folder):
        assert audit_crate(crate, deep=False).holds
    with opened(folder / HOME) as run, opened(crate) as packed:
        found = compare(run, packed)
    assert found.verdict is Verdict.identical


def test_it_is_the_run_that_it_went_on_from_but_for_its_seeds(folder, finished_once):
    with opened(finished_once / HOME) as before, opened(folder / HOME) as after:
        found = compare(before, after)
    assert all(cell.first == cell.second for cell in found.cells)


def test_it_is_published_with_the_spread_over_both(folder, tmp_path):
    found = publish(folder / HOME, [], tmp_path / "demo.json")
    assert found.spread_seeds == [0, 1]
    assert set(found.spread["0"]) == {"unet", "lsn_test", "lsn_validation"}
    assert set(found.table1["0"]) == {"itk_snap", *found.spread["0"]}
    assert made_with(found).startswith("Seed 0, on ")
