"""A fold's files: which cases, which slices, on which grid."""

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from upwind.data.slices import Slices, slice_case, write_slices
from upwind.data.volumes import Grid
from upwind.networks.weights import Recipe
from upwind.segmentation.folds import segment_heldout, segment_unseen

RECIPE = Recipe("unet", 16, (-100.0, 400.0))
CPU = torch.device("cpu")


class Brightness(nn.Module):
    """Probability = share of the window: 0.5 at 150 HU."""

    def forward(self, slices):
        return (slices + 1) / 2


@pytest.fixture
def cases(tmp_path):
    """Slices files of cases 0 to 2 and their CTs, each in an orientation of its own."""
    rng, files, cts = np.random.default_rng(0), [], {}
    for case, signs in enumerate([(1, 1, 1), (-1, -1, 1), (1, -1, -1)]):
        affine = np.diag([*np.array(signs) * (0.8, 0.8, 3.0), 1.0])
        affine[:3, 3] = (5.0, -7.0, 100.0)
        image = nib.Nifti1Image(rng.integers(-200, 500, (16, 16, 4)).astype(np.int16), affine)
        label = nib.Nifti1Image(np.ones((16, 16, 4), np.uint8), affine)
        paths = [tmp_path / f"{name}-{case}.nii" for name in ("volume", "segmentation")]
        nib.save(image, paths[0])
        nib.save(label, paths[1])
        files.append(tmp_path / f"case-{case}.safetensors")
        write_slices(files[-1], slice_case(case, *paths, 16))
        cts[case] = nib.load(paths[0])
    return files, cts


def read(path):
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def test_unseen_cases_are_segmented_whole_on_their_own_grids(cases, tmp_path):
    files, cts = cases
    segment_unseen(Brightness(), RECIPE, files, [0, 2], tmp_path / "unseen", CPU)
    names = sorted(p.name for p in (tmp_path / "unseen").iterdir())
    assert names == ["segmentation-0.nii.gz", "segmentation-2.nii.gz"]
    for case in (0, 2):
        mask, affine = read(tmp_path / f"unseen/segmentation-{case}.nii.gz")
        np.testing.assert_array_equal(mask, np.asanyarray(cts[case].dataobj) > 150)
        np.testing.assert_array_equal(affine, cts[case].affine)


def test_only_heldout_slices_are_segmented_and_the_others_stay_empty(cases, tmp_path):
    files, cts = cases
    heldout = {1: np.array([0, 3]), 2: np.array([1])}
    segment_heldout(Brightness(), RECIPE, files, heldout, tmp_path / "heldout", CPU)
    names = sorted(p.name for p in (tmp_path / "heldout").iterdir())
    assert names == ["segmentation-1.nii.gz", "segmentation-2.nii.gz"]
    for case, chosen in heldout.items():
        mask, _ = read(tmp_path / f"heldout/segmentation-{case}.nii.gz")
        bright = np.asanyarray(cts[case].dataobj) > 150
        # Slices are counted from below; case 2 is stored from the top.
        stored = chosen if case == 1 else 3 - chosen
        others = np.setdiff1d(np.arange(4), stored)
        np.testing.assert_array_equal(mask[:, :, stored], bright[:, :, stored])
        assert not mask[:, :, others].any()


PREDICT = """
import torch
from pathlib import Path
from upwind.networks.weights import Recipe
from upwind.segmentation.folds import segment_unseen

class Brightness(torch.nn.Module):
    def forward(self, slices):
        return (slices + 1) / 2

folder = Path(sys.argv[1])
files = [folder / f"case-{case}.safetensors" for case in (0, 1)]
recipe = Recipe("unet", 256, (-100.0, 400.0))
start()
segment_unseen(Brightness(), recipe, files, [0, 1], folder / "unseen", torch.device("cpu"))
"""


def test_peak_memory_is_at_most_three_times_the_volume(tmp_path, peak_memory):
    """Of an int16 CT of 128 MB, whatever the network itself takes; and of one case, not of two."""
    rng, grid = np.random.default_rng(0), Grid((512, 512, 256), np.diag([-0.75, -0.75, 1.0, 1.0]))
    image = rng.integers(-100, 400, (256, 256, 256)).astype(np.int16)
    label = np.zeros(image.shape, np.uint8)
    for case in (0, 1):
        slices = Slices(case, grid, image, label, np.ones(256, np.uint8))
        write_slices(tmp_path / f"case-{case}.safetensors", slices)
    peak, _ = peak_memory(PREDICT, tmp_path)
    volume = 512 * 512 * 256 * 2
    assert peak < 2 * volume
    assert peak > volume * 3 / 4  # the mask on the CT's grid and the slices
    mask, _ = read(tmp_path / "unseen/segmentation-1.nii.gz")
    np.testing.assert_array_equal(mask[1::2, 1::2, 7], (image[7] > 150).T)
