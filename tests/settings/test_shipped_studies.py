"""The studies of ``config/config.yaml`` change what they say, one thing at a time."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from upwind.networks.subspaces import span_of

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config/config.yaml").read_text())
VARIANTS, STUDIES = CONFIG["variants"], CONFIG["studies"]
STENCILS = {"upwind_stencils", "curvature_stencils"}


def changed(one, other):
    one, other = VARIANTS[one], VARIANTS[other]
    return {name for name in one | other if one.get(name) != other.get(name)}


@pytest.mark.parametrize(
    ("variant", "settings"),
    [
        ("cured_start", {"start"}),
        ("paper_time_step", {"dt"}),
        ("paper_differences", {"differences"}),
        ("paper_stencils", STENCILS),
        ("paper_readout", {"readout"}),
    ],
)
def test_a_cure_alone_changes_one_thing_of_the_papers_lsn(variant, settings):
    assert changed("paper_lsn", variant) == settings
    assert variant in STUDIES["cures"]["variants"]


def test_each_further_cure_adds_one_thing_to_those_before():
    study = STUDIES["cures"]
    cured = [name for name in study["variants"] if name.startswith("cured_")]
    assert study["against"] == dict(pairwise(["lsn_as_long", *cured[::-1]]))
    added = [changed(one, other) for one, other in pairwise(["paper_lsn", *cured])]
    assert added == [{"start"}, {"dt"}, {"differences"}, STENCILS]


def test_random_subspaces_are_more_than_one():
    """Number 0 has more or less of the mean kernel than others: one is a sample of one."""
    bases = defaultdict(list)
    for name in STUDIES["subspaces"]["variants"]:
        rule = VARIANTS[name].get("kernels", "free")
        if rule.startswith("random"):
            bases[rule].append(span_of(rule, VARIANTS[name].get("subspace", 0)).reshape(-1, 9))
    for rule in ("random_5_mean_zero", "random_5_with_mean", "random_8_with_mean"):
        one, other = bases[rule]
        # The same space would keep every one of its directions.
        assert np.linalg.svd(one @ other.T)[1].min() < 0.9, rule


def test_constrained_networks_are_compared_with_a_free_one_of_their_initial_weights():
    first = STUDIES["subspaces"]["variants"][0]
    assert VARIANTS[first] == {"of": "unet", "initial_weights": "he"}
