"""Effects of clusters against a network whose weights are changed by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from upwind.atlas.effects import COLUMNS, UnseenSlices, measure_effects, read_examples
from upwind.common.errors import UpwindError
from upwind.data.intensity import rescale
from upwind.data.slices import read_slices

CPU = torch.device("cpu")
CHOSEN = {3: np.array([2, 4]), 8: np.array([2])}


def measured(made, removed):
    clustered = made.clustered()
    examples = read_examples(made.slices, CHOSEN)
    return clustered, measure_effects(clustered, examples, removed, CPU, 200, 0.95, 0)


def dice_by_hand(network, made):
    """DSC of the two patients, with nothing of the package's but the files."""
    found = []
    for case, zs in CHOSEN.items():
        slices = read_slices(made.folder / f"case-{case}.safetensors")
        images = torch.from_numpy(slices.image[zs].astype(np.float32))
        with torch.inference_mode():
            mask = network(rescale(images, (-100, 400))[:, None])[:, 0].numpy() > 0.5
        label = slices.label[zs] > 0
        found.append(2 * (mask & label).sum() / (mask.sum() + label.sum()))
    return np.array(found)


def without_by_hand(made, layer, cluster, removed):
    network = made.clustered().network
    weight = network.layers()[layer - 1].weight.data
    rows = made.kernels[made.kernels["layer"] == layer]
    mean = weight.mean(dim=(0, 1)).clone()
    before = weight.clone()
    for row in rows[rows["cluster"] == cluster].itertuples():
        weight[row.out_channel, row.in_channel] = mean if removed == "mean" else 0
    return dice_by_hand(network, made), float((weight - before).norm() / before.norm())


@pytest.mark.parametrize("removed", ["zero", "mean"])
def test_effects_are_those_of_changed_weights(made, removed):
    _, effects = measured(made, removed)
    assert list(effects.columns) == list(COLUMNS)
    assert effects[["layer", "cluster"]].to_numpy().tolist() == [
        [layer, cluster] for layer in range(1, 11) for cluster in (1, 2, 3)
    ]
    trained = dice_by_hand(made.clustered().network, made)
    for layer, cluster in ((1, 2), (6, 1), (10, 3)):
        row = effects[(effects["layer"] == layer) & (effects["cluster"] == cluster)].iloc[0]
        expected, norm = without_by_hand(made, layer, cluster, removed)
        assert row["dsc"] == pytest.approx(expected.mean())
        assert row["change"] == pytest.approx((expected - trained).mean())
        assert row["relative_norm"] == pytest.approx(norm, rel=1e-5)
    assert (effects["change"].abs() > 0.01).any(), "the test must see an effect"
    assert (effects["low"] <= effects["change"] + 1e-12).all()
    assert (effects["high"] >= effects["change"] - 1e-12).all()
    assert set(effects["patients"]) == {2}
    assert set(effects["slices"]) == {3}
    counts = made.kernels.groupby(["layer", "cluster"]).size()
    assert effects["kernels"].tolist() == counts.tolist()


def test_the_network_is_as_before(made):
    clustered, _ = measured(made, "zero")
    for layer, same in zip(clustered.layers, made.clustered().layers, strict=True):
        assert torch.equal(layer.weight, same.weight)


@pytest.mark.parametrize("removed", ["zero", "mean"])
def test_kernels_that_are_kept_in_a_subspace_are_taken_away_as_others(
    made, constrained_and_free, removed
):
    examples = read_examples(made.slices, CHOSEN)
    constrained, free = (
        measure_effects(clustered, examples, removed, CPU, 200, 0.95, 0)
        for clustered in constrained_and_free
    )
    pd.testing.assert_frame_equal(constrained, free)
    assert (constrained["change"].abs() > 0.01).any()


def test_a_patient_without_any_liver_counts_only_where_the_score_is_defined(made):
    empty = np.full((1, 16, 16), -1000, np.int16)
    given = read_examples(made.slices, CHOSEN)
    images, liver = dict(given.images), dict(given.liver)
    images[9], liver[9] = empty, np.zeros((1, 16, 16), bool)
    clustered = made.clustered()
    clustered.network.head.bias.data.fill_(-50)  # nothing is liver
    effects = measure_effects(clustered, UnseenSlices(images, liver), "zero", CPU, 200, 0.95, 0)
    assert set(effects["patients"]) == {2}
    assert isinstance(effects, pd.DataFrame)


def test_no_slice_to_measure_on_is_an_error(made):
    with pytest.raises(UpwindError, match="raise heldout_share"):
        read_examples(made.slices, {})
