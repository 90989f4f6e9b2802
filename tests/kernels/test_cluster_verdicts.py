"""The sentence of each layer, by the stated rule."""

import pandas as pd
import pytest

from upwind.kernels.cluster_verdicts import verdicts

LEVEL = 0.05


def statistics_of(layer, *given, network="trained"):
    """Effect and corrected p of axes, poles and points."""
    names = ("axes", "poles", "points")
    return [
        {"network": network, "part": "decoder", "layer": layer, "statistic": name}
        | {"effect": effect, "z": 100 * effect, "holm_p": p}
        for name, (effect, p) in zip(names, given, strict=True)
    ]


def shares_of(layer, share, p, network="trained", isotropic=1.0):
    return [
        {"network": network, "layer": layer, "stencil": "edge_right", "share": share}
        | {"reference": 0.01, "holm_p": p, "isotropic": 0.00006, "holm_p_isotropic": isotropic}
    ]


def tendency_of(layer, folds=False):
    key = {"network": "trained", "part": "decoder", "layer": layer}
    found = [
        {"measure": "silhouette", "value": 0.123, "low": 0.111, "high": 0.134}
        | {"reference": 0.1, "reference_low": 0.05, "reference_high": 0.15},
        {"measure": "best_clusters", "value": 1.0},
        {"measure": "ari_starts", "value": 0.5, "low": 0.4, "high": 0.6},
    ]
    found += [{"measure": "ari_folds", "value": 0.3, "low": 0.2, "high": 0.4}] * folds
    return [key | row for row in found]


NOTHING = ((0.01, 1.0), (0.0, 1.0), (-0.02, 1.0))


def verdict(tests, shares=(), folds=False):
    found = {
        "cluster_tests": pd.DataFrame(tests),
        "concentrations": pd.DataFrame([*shares, *shares_of(3, 0.01, 1.0, "initial")]),
        "cluster_tendency": pd.DataFrame(tendency_of(3, folds)),
    }
    (row,) = verdicts(found, LEVEL).itertuples()
    return row


@pytest.mark.parametrize(
    ("given", "expected", "around"),
    [
        (NOTHING, "no clusters", ""),
        (((0.5, 0.001), (0.4, 0.06), (0.2, 0.049)), "clusters", "axes points"),
        (((0.5, 0.051), (0.0, 1.0), (0.0, 1.0)), "no clusters", ""),
    ],
)
def test_the_rule_for_clusters(given, expected, around):
    row = verdict(statistics_of(3, *given))
    assert (row.verdict, row.around, row.favoured) == (expected, around, "")


@pytest.mark.parametrize(
    ("share", "p", "expected"),
    [
        (0.06, 0.001, "favoured directions, no clusters"),
        (0.06, 0.06, "no clusters"),
        (0.015, 0.001, "no clusters"),  # half a kernel in a hundred
    ],
)
def test_the_rule_for_favoured_directions(share, p, expected):
    row = verdict(statistics_of(3, *NOTHING), shares_of(3, share, p))
    assert row.verdict == expected
    assert row.favoured == ("edge_right" if "favoured" in expected else "")
    clustered = statistics_of(3, (0.5, 0.001), *NOTHING[1:])
    assert verdict(clustered, shares_of(3, share, p)).verdict == "clusters"


@pytest.mark.parametrize(
    ("share", "p", "expected"),
    [
        (0.5, 0.001, "one shared direction, no clusters"),
        (0.5, 0.06, "no clusters"),
        (0.49, 0.001, "no clusters"),  # as random directions do not, and yet not most
    ],
)
def test_the_rule_for_a_shared_direction(share, p, expected):
    rows = shares_of(3, share, 1.0, isotropic=p)
    row = verdict(statistics_of(3, *NOTHING), rows)
    assert (row.verdict, row.favoured) == (expected, "")
    assert row.shared == ("edge_right" if "shared" in expected else "")
    if row.shared:
        assert "; 0.500 of the kernels at edge right, of directions at random 6e-05; " in (
            row.sentence
        )
    clustered = statistics_of(3, (0.5, 0.001), *NOTHING[1:])
    assert verdict(clustered, rows).verdict == "clusters"


def test_what_is_favoured_against_clouds_is_said_first():
    rows = shares_of(3, 0.9, 0.001, isotropic=0.001)
    row = verdict(statistics_of(3, *NOTHING), rows)
    assert row.verdict == "favoured directions, no clusters"
    assert (row.favoured, row.shared) == ("edge_right", "edge_right")


def test_what_another_network_has_decides_nothing():
    before = statistics_of(3, *[(0.9, 1e-9)] * 3, network="initial")
    assert verdict([*statistics_of(3, *NOTHING), *before]).verdict == "no clusters"


def test_the_sentence_has_the_numbers():
    tests = [
        *statistics_of(3, (0.5, 0.001), *NOTHING[1:]),
        *statistics_of(3, *NOTHING, network="initial"),
    ]
    row = verdict(tests, shares_of(3, 0.06, 0.002), folds=True)
    assert row.sentence == (
        "Clusters: axes z 50.0 (effect 0.50), poles z 0.0 (effect 0.00), points z -2.0 (effect "
        "-0.02), least corrected p 0.001; before training z 1.0, 0.0, -2.0; 0.060 of the kernels "
        "at edge right, in clouds 0.01; silhouette 0.12 (0.11 to 0.13), of a Gaussian 0.10 (0.05 "
        "to 0.15); the gap statistic takes 1 cluster; adjusted Rand index 0.50 (0.40 to 0.60) "
        "between starts of k-means, 0.30 (0.20 to 0.40) between folds."
    )


def test_layers_come_in_their_order():
    found = {
        "cluster_tests": pd.DataFrame([*statistics_of(12, *NOTHING), *statistics_of(9, *NOTHING)]),
        "concentrations": pd.DataFrame(shares_of(9, 0.01, 1.0)),
        "cluster_tendency": pd.DataFrame([*tendency_of(12), *tendency_of(9)]),
    }
    assert verdicts(found, LEVEL)["layer"].tolist() == [9, 12]
