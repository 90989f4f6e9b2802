import gzip
import itertools
import struct

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from upwind.common.errors import UpwindError
from upwind.data.volumes import (
    Grid,
    from_display,
    read_grid,
    read_volume,
    rescale,
    to_display,
    write_mask,
)

SHAPE = (4, 5, 6)
SIZES = (0.7, 0.8, 2.5)
CODES = [
    "".join(pair[side] for pair, side in zip(order, sides, strict=True))
    for order in itertools.permutations(("LR", "PA", "IS"))
    for sides in itertools.product((0, 1), repeat=3)
]


def affine_of(codes, sizes=SIZES, origin=(-30.0, 12.0, 500.0)):
    """Affine of an array whose stored axes point as the codes say, from first principles."""
    towards = {"L": (-1, 0, 0), "R": (1, 0, 0), "P": (0, -1, 0), "A": (0, 1, 0)}
    towards |= {"I": (0, 0, -1), "S": (0, 0, 1)}
    affine = np.eye(4)
    affine[:3, :3] = np.array([towards[code] for code in codes], float).T * np.asarray(sizes)
    affine[:3, 3] = origin
    return affine


def save(path, array, affine):
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def set_scaling(path, slope, intercept):
    """State a scaling in the header's bytes (scl_slope at 112, scl_inter at 116)."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as stream:
        content = bytearray(stream.read())
    content[112:120] = struct.pack("<ff", slope, intercept)
    with opener(path, "wb") as stream:
        stream.write(content)


def numbered():
    return np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)


def test_there_are_48_orientations():
    assert len(set(CODES)) == 48


@pytest.mark.parametrize("codes", CODES)
def test_any_orientation_is_read_canonically_and_written_back(codes, tmp_path):
    stored, affine = numbered(), affine_of(codes)
    path = save(tmp_path / "volume-0.nii", stored, affine)
    volume = read_volume(path)

    reference = nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(volume.array, np.asanyarray(reference.dataobj))
    assert volume.grid.orientation == codes
    assert volume.grid.canonical_shape == volume.array.shape
    np.testing.assert_allclose(volume.grid.spacing, reference.header.get_zooms(), rtol=1e-6)

    mask = volume.array % 3 == 0
    write_mask(tmp_path / "mask.nii.gz", mask, volume.grid)
    written = nib.load(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), stored % 3 == 0)
    np.testing.assert_allclose(written.affine, affine, atol=1e-4)
    assert written.get_data_dtype() == np.uint8


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAL", "PIR"])
def test_display_puts_anterior_up_and_the_patients_right_on_the_left(codes, tmp_path):
    affine = affine_of(codes)
    places = nib.affines.apply_affine(affine, np.moveaxis(np.indices(SHAPE), 0, -1))
    shown = []
    for axis in range(3):
        path = save(tmp_path / f"{axis}.nii", places[..., axis].astype(np.float32), affine)
        shown.append(to_display(read_volume(path).array))
    right, anterior, superior = shown
    assert (np.diff(superior, axis=0) > 0).all()  # slice 0 is the lowest
    assert (np.diff(anterior, axis=1) < 0).all()  # row 0 is the front
    assert (np.diff(right, axis=2) < 0).all()  # column 0 is the patient's right
    np.testing.assert_array_equal(from_display(right), read_volume(tmp_path / "0.nii").array)


def test_spacing_follows_the_axes():
    # Stored axes: inferior to superior (0.7 mm), left to right (0.8), posterior to anterior (2.5).
    grid = Grid((10, 20, 30), affine_of("SRA"))
    assert grid.spacing == pytest.approx((0.8, 2.5, 0.7))
    assert grid.canonical_shape == (20, 30, 10)


def test_oblique_grid_has_true_voxel_sizes_and_closest_axes(tmp_path):
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ affine_of("LPS")
    volume = read_volume(save(tmp_path / "oblique.nii", numbered(), affine))
    assert volume.grid.orientation == "LPS"
    assert volume.grid.spacing == pytest.approx(SIZES, rel=1e-5)
    np.testing.assert_array_equal(volume.array, numbered()[::-1, ::-1, :])
    write_mask(tmp_path / "mask.nii", volume.array > 50, volume.grid)
    np.testing.assert_allclose(nib.load(tmp_path / "mask.nii").affine, affine, atol=1e-4)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, -1024.0), (0.5, 3.0)])
def test_scaling_is_applied_slab_by_slab(ending, slope, intercept, tmp_path):
    path = save(tmp_path / f"volume-0.{ending}", numbered(), affine_of("LPS"))
    set_scaling(path, slope, intercept)
    volume = read_volume(path)
    assert volume.array.dtype == np.int16  # stored values, not yet scaled
    expected = numbered()[::-1, ::-1, :] * slope + intercept
    assert volume.values().dtype == np.float32
    np.testing.assert_array_equal(volume.values(), expected)
    np.testing.assert_array_equal(volume.values(slice(2, 4)), expected[:, :, 2:4])
    np.testing.assert_array_equal(volume.values(5), expected[:, :, 5])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, ">i2"])
def test_unscaled_values_keep_their_type(dtype, tmp_path):
    array = numbered().astype(dtype)
    volume = read_volume(save(tmp_path / "volume-0.nii", array, affine_of("RAS")))
    assert volume.values().dtype.kind == np.dtype(dtype).kind
    assert volume.values().dtype.itemsize == np.dtype(dtype).itemsize
    np.testing.assert_array_equal(volume.values(), array)
    assert np.shares_memory(volume.values(slice(1, 3)), volume.array)


def test_rescale_leaves_unscaled_numbers_alone():
    stored = np.array([1, 2], np.int16)
    assert rescale(stored, 1.0, 0.0) is stored
    np.testing.assert_array_equal(rescale(stored, 2.0, -1.0), np.array([1, 3], np.float32))


def test_header_alone_gives_the_same_grid(tmp_path):
    path = save(tmp_path / "volume-0.nii.gz", numbered(), affine_of("PIR"))
    grid, read = read_grid(path), read_volume(path).grid
    assert grid.shape == read.shape == SHAPE
    np.testing.assert_array_equal(grid.affine, read.affine)


def test_what_is_no_three_dimensional_nifti_is_refused_by_name(tmp_path):
    series = save(tmp_path / "series.nii", np.zeros((*SHAPE, 2), np.int16), affine_of("RAS"))
    other = tmp_path / "other.mgz"
    nib.save(nib.MGHImage(np.zeros(SHAPE, np.int16), affine_of("RAS")), other)
    for read in (read_grid, read_volume):
        with pytest.raises(UpwindError, match=r"series\.nii has shape \(4, 5, 6, 2\), not three"):
            read(series)
        with pytest.raises(UpwindError, match=r"other\.mgz is MGHImage, not NIfTI"):
            read(other)


def test_mask_that_does_not_fit_its_grid_is_refused_and_not_written(tmp_path):
    grid = Grid(SHAPE, affine_of("SAL"))
    with pytest.raises(ValueError, match="does not fit the grid"):
        write_mask(tmp_path / "mask.nii", np.zeros(SHAPE, bool), grid)
    assert list(tmp_path.iterdir()) == []


def test_orientation_helper_of_these_tests_agrees_with_nibabel():
    for codes in CODES:
        assert "".join(orientations.aff2axcodes(affine_of(codes))) == codes


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", "|u1"])
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_stored_values_come_as_they_are_compressed_or_not(tmp_path, dtype, ending):
    stored = np.random.default_rng(0).integers(0, 200, (7, 300, 900)).astype(dtype)
    order = ">" if dtype.startswith(">") else "<"
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(stored.dtype)
    nib.save(nib.Nifti1Image(stored, np.eye(4), header), tmp_path / f"a.{ending}")
    volume = read_volume(tmp_path / f"a.{ending}")
    assert volume.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.array, stored)


def test_a_compressed_file_cut_short_is_named(tmp_path):
    path = tmp_path / "volume-3.nii.gz"
    image = nib.Nifti1Image(np.zeros((20, 20, 20), np.int16), np.eye(4))
    content = gzip.compress(image.to_bytes()[:-100])
    path.write_bytes(content)
    with pytest.raises(UpwindError, match=r"volume-3\.nii\.gz is truncated: 15,900 of 16,000"):
        read_volume(path)


READ = """
from pathlib import Path
from upwind.data.volumes import read_volume

start()
print(read_volume(Path(sys.argv[1]) / "volume.nii.gz").array[5, 5, 5])
"""


def test_a_compressed_volume_is_held_once(tmp_path, peak_memory):
    ct = np.full((512, 512, 100), 40, np.int16)
    nib.save(nib.Nifti1Image(ct, np.eye(4)), tmp_path / "volume.nii.gz")
    peak, said = peak_memory(READ, tmp_path)
    assert said == "40"
    assert ct.nbytes < peak < 1.3 * ct.nbytes
