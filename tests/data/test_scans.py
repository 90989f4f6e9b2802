"""Scans plane by plane against the whole arrays."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upwind.data.grids import turned, turning
from upwind.data.scans import Marks, hu_inside, scan_image, scan_label
from upwind.data.voxels import read_header, sound_grid

SHAPE = (13, 4, 5)
AFFINE = np.diag([-0.8, -0.7, 2.5, 1.0])
orders = st.permutations(range(3))
signs = st.tuples(*[st.sampled_from((1, -1))] * 3)


def stored(path, array, order=(0, 1, 2), flips=(1, 1, 1)):
    """The header of a file that holds the array in another order of axes."""
    image = nib.Nifti1Image(array, AFFINE)
    nib.save(image.as_reoriented(np.array(list(zip(order, flips, strict=True)))), path)
    return read_header(path)


@settings(max_examples=60, deadline=None)
@given(orders, signs, st.integers(0, 99))
def test_marks_give_back_the_planes_of_the_turned_label(order, flips, seed):
    mask = np.random.default_rng(seed).random(SHAPE) < 0.5
    marks = Marks(mask.shape)
    for index in range(mask.shape[2]):
        marks.put(index, mask[:, :, index])
    how = np.array(list(zip(order, flips, strict=True)))
    expected = turned(mask, how)
    for index in range(expected.shape[2]):
        np.testing.assert_array_equal(marks.plane(index, how), expected[:, :, index])


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, ">i4"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1)])
def test_the_digest_is_of_the_voxels_however_they_are_stored(tmp_path, dtype, order, flips):
    hu = np.random.default_rng(0).integers(-1000, 1500, SHAPE).astype(np.int16)

    def digest(array, *how):
        header = stored(tmp_path / "volume.nii.gz", array, *how)
        return scan_image(header, sound_grid(header)).digest

    same = digest(hu)
    assert same.startswith("13x4x5-")
    assert digest(hu.astype(dtype), order, flips) == same
    assert digest(hu[::-1], order, flips) != same
    hu[3, 2, 1] += 1
    assert digest(hu, order, flips) != same


def test_the_digest_is_that_of_its_definition(tmp_path):
    """By whole numbers of Python, voxel by voxel: the same on every machine."""
    hu = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
    header = stored(tmp_path / "volume.nii", hu)
    assert scan_image(header, sound_grid(header)).digest == "3x4x5-" + expected(hu[::-1, ::-1])


def expected(canonical):
    import hashlib

    weights = [
        [
            int.from_bytes(hashlib.shake_128(b"axis %d" % axis).digest(8 * n)[-8:], "little") | 1
            for n in range(1, count + 1)
        ]
        for axis, count in enumerate(canonical.shape)
    ]
    total = 0
    for (x, y, z), value in np.ndenumerate(canonical):
        total += int(value) * weights[0][x] * weights[1][y] * weights[2][z]
    return f"{total % 2**64:016x}"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1100, 3200), min_size=1, max_size=60), st.integers(-200, 200))
def test_median_and_share_are_numpys(tmp_path_factory, values, below):
    hu = np.array(values, np.int16).reshape(-1, 1, 1)
    folder = tmp_path_factory.mktemp("scan")
    header = stored(folder / "volume.nii", hu)
    label = stored(folder / "label.nii", np.ones(hu.shape, np.uint8))
    grid = sound_grid(header)
    marks = scan_label(label, grid).marks, turning(grid, grid)
    median, share = hu_inside(scan_image(header, grid, marks).inside, below)
    assert median == np.median(hu.clip(-1024, 3071))
    assert share == pytest.approx(np.mean(hu < below))


def test_nothing_inside_is_undefined():
    assert hu_inside(np.zeros(4096, int), -30) is None


@settings(max_examples=60, deadline=None)
@given(orders, signs, st.integers(0, 99))
def test_thickness_is_that_of_the_box_around_the_liver(tmp_path_factory, order, flips, seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, SHAPE)
    high = rng.integers(low, SHAPE) + 1
    label = np.zeros(SHAPE, np.uint8)
    label[tuple(map(slice, low, high))] = 2
    header = stored(tmp_path_factory.mktemp("thick") / "label.nii", label, order, flips)
    grid = sound_grid(header)
    scan = scan_label(header, grid)
    assert scan.thickness(grid) == pytest.approx(min((high - low) * (0.8, 0.7, 2.5)))
    assert scan.liver_slices(grid).sum() == high[2] - low[2]


def test_a_label_without_liver_has_no_thickness(tmp_path):
    header = stored(tmp_path / "label.nii", np.zeros(SHAPE, np.uint8))
    grid = sound_grid(header)
    assert scan_label(header, grid).thickness(grid) == 0
