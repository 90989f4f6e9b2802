"""CTs to files: ensembles, probabilities, the largest component, several CTs."""

import nibabel as nib
import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.data.volumes import read_volume
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, load_weights, save_weights
from upwind.segmentation.files import Outcome, failures, segment
from upwind.segmentation.predict import segment_volume
from upwind.segmentation.targets import Target

AFFINE = np.array([[0, -2, 0, 7], [0.5, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]], float)


@pytest.fixture
def ct(tmp_path):
    """Stored in another order of axes than the canonical one; 32 x 32 in plane, twice the network's
    size."""
    values = np.random.default_rng(0).normal(50, 150, (32, 32, 6)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


@pytest.fixture
def weights(tmp_path):
    """Three networks whose masks are neither empty nor full."""
    paths = []
    for seed in range(3):
        torch.manual_seed(seed)
        network = UNet()
        with torch.no_grad():
            list(network.parameters())[-1].fill_(0.02 * seed)
        paths.append(tmp_path / f"weights-{seed}.safetensors")
        save_weights(paths[-1], network, Recipe("unet", 16, (-100.0, 400.0)))
    return paths


def test_one_network_gives_the_mask_of_its_own_threshold(ct, weights):
    found = segment(ct, weights[0])
    network, recipe = load_weights(weights[0])
    volume = read_volume(ct)
    expected = segment_volume(network, volume, recipe)
    canonical = nib.as_closest_canonical(nib.Nifti1Image(found.mask, found.affine))
    np.testing.assert_array_equal(np.asanyarray(canonical.dataobj), expected)
    np.testing.assert_array_equal(found.affine, AFFINE)
    assert found.mask.shape == (32, 32, 6)
    assert found.mask.dtype == np.uint8
    assert found.probability is None
    assert found.liver_ml == pytest.approx(found.mask.sum() * 2 * 0.5 * 4 / 1000)


def test_the_probability_is_the_mean_and_the_mask_what_exceeds_the_threshold(ct, weights):
    alone = [segment(ct, path, probability=True) for path in weights]
    together = segment(ct, weights, probability=True)
    assert together.probability.dtype == np.float32
    mean = np.mean([found.probability.astype(float) for found in alone], axis=0)
    np.testing.assert_allclose(together.probability, mean, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(together.mask, together.probability > 0.5)
    for found in alone:
        np.testing.assert_array_equal(found.mask, found.probability > 0.5)
    threshold = float(np.median(together.probability))
    higher = segment(ct, weights, threshold=threshold)
    np.testing.assert_array_equal(higher.mask, together.probability > threshold)
    assert 0 < higher.mask.sum() < higher.mask.size


def test_the_order_of_networks_does_not_matter(ct, weights):
    one, other = (segment(ct, paths, probability=True) for paths in (weights, weights[::-1]))
    np.testing.assert_array_equal(one.probability, other.probability)


def test_probabilities_return_to_the_grid_by_nearest_neighbour(ct, weights):
    """32 voxels are two for each of the network's 16 pixels."""
    found = segment(ct, weights[0], probability=True).probability
    for part in (found[1::2], found[:, 1::2]):
        np.testing.assert_array_equal(part, found[::2] if part.shape[0] == 16 else found[:, ::2])
    assert len(np.unique(found)) > 100


def test_the_largest_component_alone_is_kept(ct, weights):
    threshold = float(np.quantile(segment(ct, weights, probability=True).probability, 0.8))
    whole, kept = (
        segment(ct, weights, threshold=threshold, largest_component=largest)
        for largest in (False, True)
    )
    from scipy import ndimage

    parts, number = ndimage.label(whole.mask)
    assert number > 1
    np.testing.assert_array_equal(kept.mask, parts == 1 + np.argmax(np.bincount(parts.flat)[1:]))
    assert kept.liver_ml < whole.liver_ml


def test_a_tilted_gantry_has_the_determinant_as_its_voxels_volume(tmp_path, weights):
    sheared = AFFINE.copy()
    sheared[1, 2] = 3.0
    values = np.random.default_rng(0).normal(50, 150, (16, 16, 4)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, sheared), tmp_path / "tilted.nii")
    found = segment(tmp_path / "tilted.nii", weights[1])
    assert found.mask.any()
    assert found.liver_ml == pytest.approx(found.mask.sum() * 2 * 0.5 * 4 / 1000)


def test_weights_that_give_no_numbers_are_an_error(ct, tmp_path):
    network = UNet()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1e30)
    save_weights(tmp_path / "wild.safetensors", network, Recipe("unet", 16, (-100.0, 400.0)))
    with pytest.raises(UpwindError, match="are not numbers"):
        segment(ct, tmp_path / "wild.safetensors")


def test_failures_are_one_message(tmp_path):
    target = Target(tmp_path / "ct.nii", tmp_path / "mask.nii")
    good, bad = Outcome(target, 1500.0), Outcome(target, error="ct.nii cannot be segmented")
    assert failures([good]) == failures([good, good]) == ""
    assert failures([bad]) == "ct.nii cannot be segmented"
    assert failures([good, bad, bad]) == (
        "2 of 3 CTs could not be segmented:\nct.nii cannot be segmented\nct.nii cannot be segmented"
    )
