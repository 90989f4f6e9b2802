import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from upwind.data.volumes import Grid, to_display, write_mask
from upwind.figures.gallery_cases import gallery_items
from upwind.methods import catalogue
from upwind.scores.raw import RawCases

METHODS = catalogue()


@pytest.fixture
def experiment(tmp_path):
    """Two cases on a grid with axes swapped, whose label is largest in slice 2."""
    affine = np.array([[0, 2, 0, 0], [1.5, 0, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]], float)
    grid = Grid((6, 8, 4), affine)
    label = np.zeros(grid.canonical_shape, np.uint8)
    label[1:3, 1:3, 1:3] = 1
    label[1:5, 1:4, 2] = 2
    for case in (0, 1):
        ct = np.arange(label.size, dtype=np.uint8).reshape(label.shape) + case
        write_mask(tmp_path / f"volume-{case}.nii.gz", ct, grid)
        write_mask(tmp_path / f"segmentation-{case}.nii.gz", label, grid)
        for method in ("itk_snap", "unet"):
            path = METHODS[method].masks["unseen"].format(case=case, fold=case)
            write_mask(tmp_path / "x" / path, np.roll(label > 0, case, axis=0), grid)
    rows = [(m, c, c, "unseen", 0.9 - 0.1 * c) for m in ("unet", "itk_snap") for c in (0, 1)]
    scores = pd.DataFrame(rows, columns=["method", "fold", "case", "subset", "dsc"])
    raw = RawCases.of(
        [0, 1],
        [tmp_path / f"volume-{case}.nii.gz" for case in (0, 1)],
        [tmp_path / f"segmentation-{case}.nii.gz" for case in (0, 1)],
    )
    return scores, raw, tmp_path / "x", label


def test_a_label_of_scaled_numbers_shows_its_livers_slice(experiment):
    """nibabel writes a label of floats as int16 with slope and intercept: its stored numbers are
    largest elsewhere."""
    scores, raw, results, label = experiment
    path = raw.labels[0]
    image = nib.load(path)
    scaled = nib.Nifti1Image(np.asarray(image.dataobj, np.float32) * 1.00001, image.affine)
    scaled.set_data_dtype(np.int16)
    nib.save(scaled, path)
    again = nib.load(path)
    assert again.dataobj.inter != 0
    assert again.dataobj.get_unscaled()[0, 0, 0] != 0  # no liver is there
    item = next(i for i in gallery_items(scores, METHODS, raw, results) if i.case == 0)
    np.testing.assert_array_equal(item.label, to_display(label > 0)[2])


def test_items_show_ct_label_and_mask_of_the_slice_with_the_largest_label(experiment):
    scores, raw, results, label = experiment
    items = gallery_items(scores, METHODS, raw, results)
    assert [(i.method, i.rank) for i in items[:3]] == [
        ("ITK-SNAP", "best"),
        ("ITK-SNAP", "median"),
        ("ITK-SNAP", "worst"),
    ]
    assert [i.case for i in items] == [0, 1, 1] * 2
    worst = items[5]
    assert (worst.method, worst.case) == ("UNet", 1)
    np.testing.assert_array_equal(worst.label, to_display(label > 0)[2])
    np.testing.assert_array_equal(worst.mask, to_display(np.roll(label > 0, 1, axis=0))[2])
    assert worst.ct.shape == worst.label.shape == (6, 8)
    assert worst.spacing == pytest.approx((1.5, 2.0))
