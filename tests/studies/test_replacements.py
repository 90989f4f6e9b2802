"""Kernels replaced in a network: exactly what is said, and the network stays as it was."""

from itertools import count

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

from upwind.common.errors import UpwindError
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.kernels.replacements import REPLACEMENTS
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe
from upwind.studies.replacement_tables import summarise_replacements
from upwind.studies.replacements import (
    COLUMNS,
    check_start,
    exchanges,
    kernels_before_training,
    kernels_of,
    replacement_scores,
)
from upwind.studies.scores import unseen_scores

RECIPE = Recipe("unet", 32, (-100.0, 400.0))
CPU = torch.device("cpu")


def identity(weights, generator, start):
    return weights


def noise(weights, generator, start):
    return weights + generator.normal(size=weights.shape)


@pytest.fixture(params=["free", "mean_zero"])
def network(request):
    """A UNet whose masks are neither empty nor full."""
    torch.manual_seed(2)
    made = UNet(level_filters=(4, 4, 4, 4), bottom_filters=4, kernels=request.param)
    nn.init.normal_(made.head.weight)
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three cases; the first has more slices than a batch."""
    random, paths = np.random.default_rng(0), []
    for case, depth in ((1, 23), (4, 3), (5, 2)):
        label = (random.random((depth, 32, 32)) < 0.4).astype(np.uint8)
        image = (300.0 * label - 50 + random.normal(0, 60, label.shape)).astype(np.int16)
        path = tmp_path_factory.mktemp("slices") / f"case-{case}.safetensors"
        bearing = np.ones(depth, np.uint8)
        write_slices(path, Slices(case, Grid((32, 32, depth), np.eye(4)), image, label, bearing))
        paths.append(path)
    return paths


def scored(network, files, replacement, draws=1):
    weights = kernels_of(network, "it")
    replaced = exchanges(weights, weights, replacement, draws, (0, 3), ())
    return replacement_scores(network, RECIPE, files, [1, 4], CPU, replaced)


def test_kernels_replaced_by_themselves_score_the_same_to_the_bit(network, files):
    table = scored(network, files, identity)
    assert list(table.columns) == list(COLUMNS)
    assert table["case"].value_counts().to_dict() == {1: 19, 4: 19}
    trained = unseen_scores(network, RECIPE, files, [1, 4], CPU).set_index("case")["dsc"]
    assert 0 < trained.min() <= trained.max() < 1
    assert (table["dsc"] == table["case"].map(trained)).all()
    assert (table[["change", "kernels", "relative_norm"]] == 0).all(axis=None)


def test_scores_are_those_of_a_network_that_holds_the_replaced_kernels(files):
    """Layers that answer from memory change nothing."""
    torch.manual_seed(5)
    network = UNet(level_filters=(4, 4, 4, 4), bottom_filters=4)
    before = {name: v.clone() for name, v in network.state_dict().items()}
    table = scored(network, files, noise, draws=2).set_index(["layer", "draw", "case"])
    trained = unseen_scores(network, RECIPE, files, [1, 4], CPU).set_index("case")["dsc"]
    weights = kernels_of(network, "it")
    for layer in ("1", "2", "9", "13", "18", "all"):
        for index in range(18):
            if layer in (str(index + 1), "all"):
                drawn = noise(weights[index], np.random.default_rng([0, 3, index + 1, 1]), None)
                network.layers()[index].weight.data.copy_(torch.from_numpy(drawn))
        expected = unseen_scores(network, RECIPE, files, [1, 4], CPU).set_index("case")["dsc"]
        network.load_state_dict(before)
        for case in (1, 4):
            row = table.loc[(layer, 1, case)]
            assert row["dsc"] == expected[case]
            assert row["change"] == expected[case] - trained[case]


def test_the_network_is_left_as_it_was_also_after_an_error(network, files):
    before = {name: v.clone() for name, v in network.state_dict().items()}

    calls = count()

    def fail_in_the_sixth(module, given):
        if next(calls) == 5:
            raise ValueError("no more")

    hook = network.head.register_forward_pre_hook(fail_in_the_sixth)
    with pytest.raises(ValueError, match="no more"):
        scored(network, files, noise)
    hook.remove()
    assert all(torch.equal(before[name], v) for name, v in network.state_dict().items())
    assert not any("forward" in vars(layer) for layer in network.layers())
    assert not any(layer._forward_hooks for layer in network.layers())


def test_more_draws_leave_the_first_as_they_are_and_all_takes_what_the_layers_take():
    weights = [np.random.default_rng(i).normal(size=(3, 2, 3, 3)) for i in range(2)]
    few, more = (
        exchanges(weights, weights, REPLACEMENTS["gaussian"], n, (7, 0), ()) for n in (1, 3)
    )
    assert [(e.layer, e.draw) for e in more] == [
        (layer, draw) for draw in range(3) for layer in ("1", "2", "all")
    ]
    for one, other in zip(few, more, strict=False):
        assert all(np.array_equal(one.weights[i], other.weights[i]) for i in one.weights)
    for start in range(0, 9, 3):
        first, second, both = more[start : start + 3]
        assert both.weights == {**first.weights, **second.weights}
        assert both.kernels == 12
        changes = [first.weights[0] - weights[0], second.weights[1] - weights[1]]
        assert both.relative_norm == pytest.approx(
            np.sqrt(sum((c**2).sum() for c in changes) / sum((w**2).sum() for w in weights))
        )
    assert not np.allclose(more[0].weights[0], more[3].weights[0])


def test_groups_of_layers_are_replaced_together():
    weights = [np.random.default_rng(i).normal(size=(3, 2, 3, 3)) for i in range(4)]
    start = [array + 1 for array in weights]
    found = exchanges(weights, start, REPLACEMENTS["initial"], 1, (0, 0), ["2-3"])
    assert [e.layer for e in found] == ["1", "2", "3", "4", "2-3", "all"]
    assert list(found[4].weights) == [1, 2]
    assert found[4].kernels == 12
    for index, array in found[4].weights.items():
        np.testing.assert_array_equal(array, start[index])


def test_kernels_before_training_are_those_that_a_run_starts_from():
    recipe = Recipe("unet", 32, (-100.0, 400.0), options={"kernels": "differences"})
    state = torch.random.get_rng_state()
    before = kernels_before_training(recipe, 5)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(5)
    for array, layer in zip(before, UNet(kernels="differences").layers(), strict=True):
        np.testing.assert_array_equal(array, layer.weight.detach().numpy())
    assert len(before) == 18


def test_a_start_that_is_not_the_networks_is_refused_and_one_of_some_layers_warned_of(caplog):
    first, second = (kernels_before_training(RECIPE, seed) for seed in (0, 1))
    check_start(first, first, "w.safetensors", 0)
    assert not caplog.text
    check_start(first, [*first[:2], second[2], *first[3:]], "w.safetensors", 0)
    assert "its seed gives now in layers 3: its own are not correlated with them" in caplog.text
    with pytest.raises(UpwindError, match=r"w\.safetensors: no layer's .* that seed 1 gives"):
        check_start(first, second, "w.safetensors", 1)


def test_other_networks_than_a_unet_are_refused():
    with pytest.raises(UpwindError, match=r"w\.safetensors is not a unet"):
        kernels_of(nn.Linear(1, 1), "w.safetensors")


def test_the_table_averages_draws_then_patients_and_counts_folds():
    rows = pd.DataFrame(
        [
            ("gaussian", fold, "3", draw, case, dsc, dsc - 0.9, 10 + draw, 1.0 + draw)
            for fold, draw, case, dsc in [
                (0, 0, 1, 0.5), (0, 1, 1, 0.7), (1, 0, 2, 0.2), (1, 1, 2, 0.4),
            ]
        ],
        columns=["replacement", "fold", *COLUMNS],
    )  # fmt: skip
    row = summarise_replacements(rows, 1000, 0.95, 0).iloc[0]
    assert row["dsc"] == pytest.approx((0.6 + 0.3) / 2)
    assert row["change"] == pytest.approx(-0.45)
    # Two folds with -0.3 and -0.6: standard error 0.15, t of one degree of freedom.
    half = 0.15 * stats.t.ppf(0.975, 1)
    assert (row["low"], row["high"]) == pytest.approx((-0.45 - half, -0.45 + half))
    assert (row["layer"], row["kernels"], row["folds"]) == ("3", 10, 2)
    assert row["relative_norm"] == pytest.approx(1.5)
