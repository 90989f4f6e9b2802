"""The sentence of each layer, by the stated rule."""

import pandas as pd
import pytest

from upwind.kernels.cluster_verdicts import verdicts


def rows(network, layer, silhouette, best, reference=(0.1, 0.05, 0.15), folds=False):
    value, low, high = silhouette
    mean, below, above = reference
    key = {"network": network, "part": "decoder", "layer": layer}
    found = [
        {"measure": "silhouette", "value": value, "low": low, "high": high}
        | {"reference": mean, "reference_low": below, "reference_high": above},
        {"measure": "best_clusters", "value": float(best)},
        {"measure": "ari_starts", "value": 0.5, "low": 0.4, "high": 0.6},
    ]
    found += [{"measure": "ari_folds", "value": 0.3, "low": 0.2, "high": 0.4}] * folds
    return [key | row for row in found]


def verdict(trained, initial=()):
    (row,) = verdicts(pd.DataFrame([*trained, *initial])).itertuples()
    return row.verdict, row.sentence


@pytest.mark.parametrize(
    ("silhouette", "best", "expected"),
    [
        ((0.6, 0.55, 0.65), 3, "clusters"),
        ((0.4, 0.35, 0.45), 2, "structure, no clusters"),
        ((0.6, 0.55, 0.65), 1, "no clusters"),
        ((0.16, 0.14, 0.18), 3, "no clusters"),  # its interval meets the Gaussian's
    ],
)
def test_the_rule(silhouette, best, expected):
    assert verdict(rows("trained", 3, silhouette, best))[0] == expected


def test_structure_that_was_there_before_training_is_none():
    trained = rows("trained", 3, (0.6, 0.55, 0.65), 3)
    assert verdict(trained, rows("initial", 3, (0.3, 0.2, 0.4), 2))[0] == "clusters"
    assert verdict(trained, rows("initial", 3, (0.58, 0.5, 0.6), 2))[0] == "no clusters"


def test_the_sentence_has_the_numbers():
    trained = rows("trained", 3, (0.123, 0.111, 0.134), 1, folds=True)
    _, sentence = verdict(trained, rows("initial", 3, (0.09, 0.08, 0.1), 1))
    assert sentence == (
        "No clusters: silhouette 0.12 (0.11 to 0.13); of a Gaussian with its mean and covariance "
        "0.10 (0.05 to 0.15); before training 0.09 (0.08 to 0.10); the gap statistic takes 1 "
        "cluster; adjusted Rand index 0.50 (0.40 to 0.60) between starts of k-means, 0.30 (0.20 to "
        "0.40) between folds."
    )


def test_layers_come_in_their_order():
    table = verdicts(
        pd.DataFrame([*rows("trained", 12, (0, 0, 0), 1), *rows("trained", 9, (0, 0, 0), 1)])
    )
    assert table["layer"].tolist() == [9, 12]
