import json
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from scipy import ndimage
from skimage.transform import resize

from upwind.common.errors import UpwindError
from upwind.data import slices as module
from upwind.data.slices import (
    Slices,
    liver_extent,
    nearest_indices,
    read_liver_slices,
    read_slices,
    resample_slice,
    resample_volume,
    return_to_grid,
    slice_case,
    write_slices,
)
from upwind.data.volumes import Grid, Volume, to_display

lengths = st.integers(1, 600)


def skimage_indices(length, resampled):
    ramp = np.repeat(np.arange(length, dtype=float)[:, None], 2, axis=1)
    shape = (resampled, 2)
    return resize(ramp, shape, order=0, anti_aliasing=False, preserve_range=True)[:, 0].astype(int)


def tied(length, resampled):
    """Where a cell's centre lies on the border of two voxels: either is nearest."""
    return (2 * np.arange(resampled) + 1) * length % (2 * resampled) == 0


# Resampling ---------------------------------------------------------------------------------------


@given(lengths, st.integers(2, 600))
@settings(deadline=None)
def test_indices_are_those_of_skimage_where_no_two_voxels_tie(length, resampled):
    ours = nearest_indices(length, resampled)
    decided = ~tied(length, resampled)
    assert ours.shape == (resampled,)
    np.testing.assert_array_equal(ours[decided], skimage_indices(length, resampled)[decided])


@pytest.mark.parametrize("length", [512, 256, 400, 128])
@pytest.mark.parametrize("resampled", [256, 128, 64])
def test_at_usual_sizes_ties_too_fall_as_in_skimage(length, resampled):
    ours = nearest_indices(length, resampled)
    np.testing.assert_array_equal(ours, skimage_indices(length, resampled))


def test_from_512_to_256_every_second_voxel_is_taken():
    np.testing.assert_array_equal(nearest_indices(512, 256), np.arange(1, 512, 2))


@pytest.mark.parametrize(("shape", "size"), [((512, 512), 256), ((100, 75), 64), ((48, 50), 96)])
def test_a_slice_is_resampled_as_by_skimage(shape, size):
    plane = np.random.default_rng(0).integers(-1000, 3000, shape).astype(np.int16)
    expected = resize(plane, (size, size), order=0, anti_aliasing=False, preserve_range=True)
    rows, columns = (~tied(n, size) for n in shape)
    everywhere = np.ix_(rows, columns) if shape != (512, 512) else np.s_[:]
    np.testing.assert_array_equal(resample_slice(plane, size)[everywhere], expected[everywhere])


@given(lengths, lengths)
@settings(deadline=None)
def test_the_voxel_taken_is_within_half_a_voxel_of_the_place_asked_for(length, resampled):
    taken = nearest_indices(length, resampled)
    for index, voxel in enumerate(taken.tolist()):
        place = Fraction(2 * index + 1, 2) * Fraction(length, resampled)
        assert abs(voxel + Fraction(1, 2) - place) <= Fraction(1, 2)
        assert 0 <= voxel < length


@given(lengths, lengths)
@settings(deadline=None)
def test_there_and_back_moves_by_half_a_voxel_of_each_grid_at_most(length, size):
    there, back = nearest_indices(length, size), nearest_indices(size, length)
    moved = there[back] - np.arange(length)
    assert np.abs(moved).max() <= 0.5 + 0.5 * length / size + 1e-9
    # And not the image as a whole: where all cells tie, as from 512 to 256, by half a voxel.
    assert abs(moved.mean()) <= 0.5


@given(st.integers(1, 300), st.integers(0, 300))
@settings(deadline=None)
def test_there_and_back_is_the_identity_on_a_grid_that_is_not_coarser(length, more):
    there = nearest_indices(length, length + more)
    back = nearest_indices(length + more, length)
    np.testing.assert_array_equal(there[back], np.arange(length))


# A case, from its files ---------------------------------------------------------------------------

CODES = ["RAS", "LPS", "LAS", "SPL", "ASR", "PIR"]
SHAPE = (50, 40, 12)  # canonical: the slices have 40 rows and 50 columns
SPACING = (0.7, 0.9, 2.5)


def grid_of(codes, shape=SHAPE, spacing=SPACING):
    """Grid whose stored axes point as ``codes`` say, for a canonical shape and spacing."""
    affine, stored = np.eye(4), []
    for axis, code in enumerate(codes):
        world = [code in pair for pair in ("LR", "PA", "IS")].index(True)
        affine[:3, axis] = 0
        affine[world, axis] = spacing[world] * (1 if code in "RAS" else -1)
        stored.append(shape[world])
    affine[:3, 3] = (-30, 12, 500)
    return Grid(tuple(stored), affine)


def save(path, canonical, codes, slope=1.0, intercept=0.0):
    """Write a canonical array so that its file is stored along ``codes``."""
    grid = grid_of(codes, canonical.shape)
    flips = {"L": 0, "P": 1, "I": 2}
    axes = [[code in pair for pair in ("LR", "PA", "IS")].index(True) for code in codes]
    stored = np.flip(canonical, [flips[code] for code in codes if code in flips]).transpose(axes)
    image = nib.Nifti1Image(stored, grid.affine)
    image.header.set_slope_inter(slope, intercept)
    nib.save(image, path)
    return path


def ball(shape=SHAPE, centre=(20, 24, 5.5), radius=(11, 8, 4.2)):
    axes = np.ogrid[tuple(map(slice, shape))]
    return sum(((x - c) / r) ** 2 for x, c, r in zip(axes, centre, radius, strict=True)) <= 1


@pytest.fixture
def anatomy():
    """Canonical CT (HU, each voxel different from its neighbours) and label with tumour."""
    liver = ball()
    label = liver.astype(np.uint8) + ball(centre=(18, 24, 5.5), radius=(4, 4, 2))
    ct = np.random.default_rng(1).integers(-1024, 2000, SHAPE).astype(np.int16)
    return ct, label


@pytest.mark.parametrize("codes", CODES)
def test_every_orientation_gives_the_same_slices_and_returns_to_its_grid(codes, tmp_path, anatomy):
    ct, label = anatomy
    image_path = save(tmp_path / "volume-4.nii.gz", ct, codes)
    label_path = save(tmp_path / "segmentation-4.nii.gz", label, codes)
    case = slice_case(4, image_path, label_path, 64)
    assert case.case == 4
    assert case.image.shape == case.label.shape == (12, 64, 64)
    assert (case.image.dtype, case.label.dtype) == (np.int16, np.uint8)
    for given_array, slices in ((ct, case.image), (label, case.label)):
        for z, plane in enumerate(to_display(given_array)):
            np.testing.assert_array_equal(slices[z], resample_slice(plane, 64))
        # 64 pixels are more than the slice has in either direction: nothing is lost.
        np.testing.assert_array_equal(return_to_grid(slices, case.grid), given_array)
    assert case.grid.orientation == codes


@pytest.mark.parametrize("size", [16, 24, 32, 48])
def test_a_mask_returns_to_its_grid_within_half_a_voxel(size):
    """The border moves by half a voxel of both grids at most, the whole by much less."""
    shape, radius = (96, 80, 3), (31.3, 22.7, 5.0)
    mask = ball(shape, (50.2, 37.6, 1.0), radius)
    planes = to_display(mask.astype(np.uint8))
    slices = np.stack([resample_slice(plane, size) for plane in planes])
    returned = return_to_grid(slices, grid_of("LPS", shape)) > 0
    assert returned.shape == shape

    coarse = np.array([96 / size, 80 / size, 1])
    shift = np.subtract(ndimage.center_of_mass(returned), ndimage.center_of_mass(mask))
    assert (np.abs(shift) <= 0.25 * coarse).all(), shift
    # Every voxel that changed lies at the border: half a coarse and half a fine voxel away.
    depth = np.where(
        mask,
        ndimage.distance_transform_edt(mask, sampling=1 / coarse),
        ndimage.distance_transform_edt(~mask, sampling=1 / coarse),
    )
    reach = np.hypot(*(0.5 + 0.5 / coarse[:2])) + np.hypot(*(1 / coarse[:2])) / 2
    assert depth[returned != mask].max() <= reach


def test_slices_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(ValueError, match="11 slices do not fit a grid of 12"):
        return_to_grid(np.zeros((11, 16, 16)), grid_of("RAS"))


def test_the_label_is_taken_on_the_images_grid(tmp_path, anatomy):
    """The authors' rule for a case whose files state different affines."""
    ct, label = anatomy
    image_path = save(tmp_path / "volume-0.nii", ct, "LPS")
    mirrored = nib.Nifti1Image(label[::-1, ::-1], np.diag([1.0, 1.0, 1.0, 1.0]))
    nib.save(mirrored, tmp_path / "segmentation-0.nii")
    case = slice_case(0, image_path, tmp_path / "segmentation-0.nii", 64)
    np.testing.assert_array_equal(return_to_grid(case.label, case.grid), label)
    assert case.grid.orientation == "LPS"


def test_stored_scaling_is_applied_rounded_and_clipped(tmp_path):
    stored = np.array([0, 1, 3, 4, 1000, 4095], np.int16)
    volume = Volume(np.broadcast_to(stored[:, None, None], (6, 6, 2)), grid_of("RAS"), 0.5, -1024)
    slices = resample_volume(volume, 6, np.int16)
    # Column 0 of the display is the patient's right, the largest x.
    expected = np.rint(stored * 0.5 - 1024)[::-1]
    np.testing.assert_array_equal(slices, np.broadcast_to(expected, (2, 6, 6)))

    wide = Volume(np.full((4, 4, 1), 70000, np.int32), grid_of("RAS"), 1.0, 0.0)
    assert (resample_volume(wide, 4, np.int16) == 32767).all()
    assert (resample_volume(Volume(-wide.array, wide.grid, 1, 0), 4, np.int16) == -32768).all()


@pytest.mark.parametrize(
    ("with_liver", "bearing"),
    [([], []), ([3], [3]), ([2, 5], [2, 3, 4, 5]), ([0, 7], list(range(8)))],
)
def test_liver_bearing_slices_run_from_the_first_to_the_last_with_liver(with_liver, bearing):
    label = np.zeros((5, 5, 8), np.uint8)
    label[2, 3, with_liver] = 2  # tumour counts as liver
    found = liver_extent(Volume(label, grid_of("RAS", label.shape), 1.0, 0.0))
    assert np.flatnonzero(found).tolist() == bearing


def test_a_speck_that_resampling_loses_still_bears_liver(tmp_path):
    label = np.zeros((64, 64, 3), np.uint8)
    label[20, 20, 1] = 1
    save(tmp_path / "volume-0.nii", np.zeros((64, 64, 3), np.int16), "RAS")
    save(tmp_path / "segmentation-0.nii", label, "RAS")
    case = slice_case(0, tmp_path / "volume-0.nii", tmp_path / "segmentation-0.nii", 16)
    assert case.label.sum() == 0
    assert case.liver_bearing.tolist() == [0, 1, 0]


# The file -----------------------------------------------------------------------------------------


@pytest.fixture
def case():
    rng = np.random.default_rng(2)
    return Slices(
        case=17,
        grid=grid_of("LAS", (512, 500, 9)),
        image=rng.integers(-1024, 3000, (9, 32, 32)).astype(np.int16),
        label=rng.integers(0, 3, (9, 32, 32)).astype(np.uint8),
        liver_bearing=np.array([0, 0, 1, 1, 1, 0, 1, 0, 0], np.uint8),
    )


def assert_same(read, case):
    assert read.case == case.case
    assert read.grid.shape == case.grid.shape
    np.testing.assert_array_equal(read.grid.affine, case.grid.affine)
    for name in ("image", "label", "liver_bearing"):
        array, expected = getattr(read, name), getattr(case, name)
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_a_file_gives_back_the_case(tmp_path, case):
    write_slices(tmp_path / "case-17.safetensors", case)
    assert_same(read_slices(tmp_path / "case-17.safetensors"), case)


def test_the_file_is_plain_safetensors(tmp_path, case):
    path = tmp_path / "case-17.safetensors"
    write_slices(path, case)
    np.testing.assert_array_equal(load_file(path)["image"], case.image)
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["upwind"])
    assert header == {"case": 17, "shape": [512, 500, 9], "affine": case.grid.affine.tolist()}


@pytest.mark.parametrize("keep", [[0], [8], [2, 3, 6], [6, 2], []])
def test_chosen_slices_alone_are_read_in_the_order_asked_for(tmp_path, case, keep):
    write_slices(tmp_path / "case.safetensors", case)
    read = read_slices(tmp_path / "case.safetensors", keep=np.array(keep, int))
    np.testing.assert_array_equal(read.image, case.image[keep])
    np.testing.assert_array_equal(read.label, case.label[keep])
    np.testing.assert_array_equal(read.liver_bearing, case.liver_bearing)


def test_liver_slices_of_a_file(tmp_path, case):
    write_slices(tmp_path / "case.safetensors", case)
    assert read_liver_slices(tmp_path / "case.safetensors") == (17, [2, 3, 4, 6])


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_part_is_read_without_the_whole(tmp_path):
    count, size = 100, 128
    image = np.zeros((count, size, size), np.int16)
    big = Slices(0, grid_of("RAS"), image, image.astype(np.uint8), np.ones(count, np.uint8))
    path = tmp_path / "case.safetensors"
    write_slices(path, big)
    whole = image.nbytes * 3 // 2
    assert peak_of(lambda: read_slices(path)) >= whole
    assert peak_of(lambda: read_slices(path, keep=np.array([50]))) < whole / 20
    assert peak_of(lambda: read_liver_slices(path)) < whole / 50


def damaged(content):
    flipped = bytearray(content)
    flipped[8] ^= 0xFF
    return {
        "empty": b"",
        "cut short": content[:-1],
        "cut in the header": content[:20],
        "not safetensors": b"\x1f\x8b" + content,
        "header flipped": bytes(flipped),
    }


@pytest.mark.parametrize("kind", damaged(b"0123456789").keys())
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, case, kind):
    path = tmp_path / "case-17.safetensors"
    write_slices(path, case)
    path.write_bytes(damaged(path.read_bytes())[kind])
    for read in (read_slices, read_liver_slices):
        with pytest.raises(
            UpwindError, match=r"case-17\.safetensors is not a readable slices"
        ) as e:
            read(path)
        assert "delete it and run again" in str(e.value)


@pytest.mark.parametrize(
    "metadata",
    [None, {"upwind": "{"}, {"upwind": "[]"}, {"upwind": '{"case": 1, "shape": [1, 1, 1]}'}],
)
def test_a_foreign_safetensors_file_is_refused(tmp_path, metadata):
    path = tmp_path / "weights.safetensors"
    save_file({"image": np.zeros((1, 1, 1), np.int16)}, path, metadata=metadata)
    with pytest.raises(UpwindError, match="it has no header with a case and its grid"):
        read_slices(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UpwindError, match=r"No such file or directory: .*absent"):
        read_slices(tmp_path / "absent")


def test_a_failed_write_keeps_the_old_file_and_leaves_no_part(tmp_path, case, monkeypatch):
    path = tmp_path / "case-17.safetensors"
    write_slices(path, case)

    def fails(arrays, temporary, metadata):
        temporary.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "save_file", fails)
    with pytest.raises(OSError, match="No space left"):
        write_slices(path, case)
    assert [p.name for p in tmp_path.iterdir()] == ["case-17.safetensors"]
    assert_same(read_slices(path), case)


# Memory -------------------------------------------------------------------------------------------

# VmHWM rather than ru_maxrss, which a child process inherits from its parent.
MEASURE = """
import sys
from pathlib import Path
from upwind.data.slices import slice_case, write_slices

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

folder, ending, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
before = status("VmRSS")
files = [folder / f"{name}-0.{ending}" for name in ("volume", "segmentation")]
write_slices(folder / "case.safetensors", slice_case(0, *files, size))
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "scaled"])
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_peak_memory_of_a_job_is_at_most_three_times_the_volume(tmp_path, ending, scaled):
    shape = (256, 256, 200)
    ramp = np.arange(200, dtype=np.int16)
    ct = np.broadcast_to(ramp, shape).copy()
    label = (ct > 50).astype(np.uint8)
    scaling = (1.0, -1024.0) if scaled else (1.0, 0.0)
    save(tmp_path / f"volume-0.{ending}", ct, "LPS", *scaling)
    save(tmp_path / f"segmentation-0.{ending}", label, "LPS")
    arguments = [sys.executable, "-c", MEASURE, str(tmp_path), ending, "256"]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    peak = int(result.stdout)
    assert peak <= 3 * ct.nbytes
    # The measure sees what it should: the resampled slices alone are as large as the volume.
    assert peak >= ct.nbytes
    expected = ct[0, 0].astype(float) + scaling[1]
    np.testing.assert_array_equal(
        read_slices(tmp_path / "case.safetensors").image[:, 7, 9], expected
    )
