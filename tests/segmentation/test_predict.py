"""Segmentations on the CT's own grid, whatever its orientation."""

import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel import orientations
from torch import nn

from upwind.data.volumes import read_volume, write_mask
from upwind.networks.weights import Recipe
from upwind.segmentation.predict import segment_slices, segment_volume

CODES = ["RAS", "LPS", "LAS", "SAL", "PIR", "ASL", "IRP"]
WINDOW = (-100.0, 400.0)


class Constant(nn.Module):
    """The same probability everywhere; keeps what it was given."""

    def __init__(self, probability):
        super().__init__()
        self.probability, self.seen = probability, []

    def forward(self, slices):
        self.seen.append(slices.clone())
        return torch.full_like(slices, self.probability)


class Brightness(nn.Module):
    """Probability = share of the window: 0.5 at 150 HU."""

    def forward(self, slices):
        return (slices + 1) / 2


def stored_ct(path, codes, canonical):
    """Write a canonical array (x, y, z) as a file whose axes point as the codes say."""
    turn = orientations.ornt_transform(
        orientations.axcodes2ornt(tuple("RAS")), orientations.axcodes2ornt(tuple(codes))
    )
    affine = np.diag([0.8, 0.7, 2.5, 1.0])
    affine[:3, 3] = (-30.0, 12.0, 500.0)
    stored = orientations.apply_orientation(canonical, turn)
    nib.save(
        nib.Nifti1Image(stored, affine @ orientations.inv_ornt_aff(turn, canonical.shape)), path
    )
    return path


def random_ct(shape=(16, 16, 5)):
    return np.random.default_rng(0).integers(-200, 500, shape).astype(np.int16)


@pytest.mark.parametrize("codes", CODES)
def test_a_mask_lies_where_the_ct_is_bright_on_the_cts_own_grid(codes, tmp_path):
    path = stored_ct(tmp_path / "ct.nii.gz", codes, random_ct())
    volume = read_volume(path)
    mask = segment_volume(Brightness(), volume, Recipe("unet", 16, WINDOW))
    write_mask(tmp_path / "mask.nii.gz", mask, volume.grid)
    ct, written = nib.load(path), nib.load(tmp_path / "mask.nii.gz")
    assert written.shape == ct.shape
    np.testing.assert_array_equal(written.affine, ct.affine)
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), np.asanyarray(ct.dataobj) > 150)


@pytest.mark.parametrize("codes", CODES)
def test_other_sizes_return_to_the_grid_with_the_object_in_its_place(codes, tmp_path):
    canonical = np.full((45, 30, 4), -100, np.int16)
    canonical[6:30, 12:20, 1:3] = 300  # not symmetric in any axis
    volume = read_volume(stored_ct(tmp_path / "ct.nii", codes, canonical))
    mask = segment_volume(Brightness(), volume, Recipe("unet", 64, WINDOW))
    assert mask.shape == (45, 30, 4)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, canonical == 300)  # 64 pixels lose no voxel of 45
    small = segment_volume(Brightness(), volume, Recipe("unet", 16, WINDOW))
    places, expected = (np.argwhere(m).mean(axis=0) for m in (small, canonical == 300))
    assert abs(places - expected).max() <= 45 / 16 / 2


@pytest.mark.parametrize(("probability", "value"), [(0.9, 1), (0.1, 0)])
def test_a_constant_network_gives_a_constant_mask(probability, value):
    images = random_ct((7, 16, 16))
    masks = segment_slices(Constant(probability), images, Recipe("unet", 16, WINDOW))
    assert masks.shape == images.shape
    assert masks.dtype == np.uint8
    assert (masks == value).all()


@pytest.mark.parametrize(("threshold", "value"), [(0.49, 1), (0.5, 0), (0.51, 0)])
def test_the_recipes_threshold_is_used_and_a_tie_is_background(threshold, value):
    recipe = Recipe("unet", 16, WINDOW, threshold=threshold)
    masks = segment_slices(Constant(0.5), random_ct((2, 16, 16)), recipe)
    assert (masks == value).all()


def test_the_network_reads_hu_through_the_recipes_window():
    network = Constant(0.5)
    images = np.array([[[-500, 0, 50, 100, 900]]], np.int16)
    segment_slices(network, images, Recipe("unet", 5, (0.0, 100.0)))
    assert network.seen[0].flatten().tolist() == pytest.approx([-1, -1, 0, 1, 1])


def test_batches_cover_every_slice_once_and_do_not_change_the_result():
    images, recipe = random_ct((11, 16, 16)), Recipe("unet", 16, WINDOW)
    network = Constant(0.5)
    segment_slices(network, images, recipe, batch_size=4)
    assert [len(batch) for batch in network.seen] == [4, 4, 3]
    whole = segment_slices(Brightness(), images, recipe, batch_size=11)
    np.testing.assert_array_equal(segment_slices(Brightness(), images, recipe, batch_size=4), whole)
    np.testing.assert_array_equal(whole, images > 150)


def test_no_slices_give_no_masks():
    masks = segment_slices(Constant(0.9), np.empty((0, 16, 16), np.int16), Recipe("u", 16, WINDOW))
    assert masks.shape == (0, 16, 16)


def test_a_network_in_training_mode_is_put_into_evaluation():
    network = nn.Sequential(nn.Dropout(0.99), Constant(0.9)).train()
    segment_slices(network, random_ct((1, 16, 16)), Recipe("unet", 16, WINDOW))
    assert not network.training


def test_scaled_files_are_segmented_by_their_hu(tmp_path):
    canonical = random_ct()
    path = tmp_path / "ct.nii"
    image = nib.Nifti1Image((canonical + 1024).astype(np.int16), np.eye(4))
    image.header.set_slope_inter(1.0, -1024.0)
    nib.save(image, path)
    # nibabel takes a stated scaling as one to undo when it writes: state it in the bytes.
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([1.0, -1024.0], "<f4").tobytes()
    content[352:] = (canonical + 1024).astype("<i2").tobytes(order="F")
    path.write_bytes(bytes(content))
    mask = segment_volume(Brightness(), read_volume(path), Recipe("unet", 16, WINDOW))
    np.testing.assert_array_equal(mask, canonical > 150)
