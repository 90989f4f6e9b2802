import dataclasses
import gzip
import json
import time
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from upwind.common.errors import UpwindError
from upwind.data.check import CaseReport, Limits, check_case, usable, with_thin
from upwind.data.naming import CaseFiles, find_cases
from upwind.data.slices import slice_case
from upwind.data.voxels import inflated, overclaim, read_header, read_positive

SHAPE = (12, 10, 8)
AFFINE = np.diag([-0.8, -0.7, 2.5, 1.0])  # LPS
VOXEL_ML = 0.8 * 0.7 * 2.5 / 1000

HARDLY = "hardly lies on a liver"


def ct(dtype=np.int16):
    values = np.random.default_rng(0).integers(-900, 1200, SHAPE)
    values[0, 0, 0], values[0, 0, 1] = -1000, 1500
    values[annotation() > 0] = np.arange(98, 122)  # liver
    return values.astype(dtype)


def annotation(dtype=np.uint8):
    """Liver of 4 x 3 x 2 voxels with 5 tumour voxels, in two slices."""
    label = np.zeros(SHAPE, dtype)
    label[2:6, 3:6, 4:6] = 1
    label[2:4, 3, 4] = 2
    label[2:5, 4, 5] = 2
    return label


def nifti(array, affine=AFFINE, **fields):
    image = nib.Nifti1Image(array, affine)
    for field, value in fields.items():
        image.header[field] = value
    return image


def case(folder, image=None, label=None, ending="nii.gz"):
    """A case of the arrays or images given (good ones by default)."""
    paths = [folder / f"volume-3.{ending}", folder / f"segmentation-3.{ending}"]
    given = [ct() if image is None else image, annotation() if label is None else label]
    for path, content in zip(paths, given, strict=True):
        nib.save(content if hasattr(content, "affine") else nifti(content), path)
    return CaseFiles(3, *paths)


def raw_file(path, voxels=b"", **fields):
    """A single-file NIfTI whose header says what ``fields`` say, followed by ``voxels``."""
    header = nib.Nifti1Header() if max(fields.get("shape", (0,))) < 2**15 else nib.Nifti2Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(fields.pop("shape", SHAPE))
    header["magic"] = b"n+1" if header.sizeof_hdr == 348 else header["magic"]
    header["vox_offset"] = header.sizeof_hdr + 4
    header["sform_code"] = 1
    header["srow_x"], header["srow_y"], header["srow_z"] = AFFINE[:3]
    header["pixdim"][1:4] = 0.8, 0.7, 2.5
    for field, value in fields.items():
        header[field] = value
    content = header.binaryblock + bytes(4) + voxels
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def cut(path, keep):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def only(found, *parts):
    """The one text found, which holds all parts."""
    (text,) = found
    for part in parts:
        assert part in text
    return text


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_good_case_is_measured(tmp_path, ending):
    report = check_case(case(tmp_path, ending=ending))
    assert report.errors == report.notes == ()
    assert (report.number, report.shape, report.orientation) == (3, SHAPE, "LPS")
    assert report.spacing == pytest.approx((0.8, 0.7, 2.5))
    assert (report.hu_min, report.hu_max) == (-1000, 1500)
    assert (report.slices, report.liver_slices) == (8, 2)
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    assert report.tumour_ml == pytest.approx(5 * VOXEL_ML)
    assert (report.liver_hu, report.fat_or_air) == (109.5, 0)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (0, 2, 1), (1, 2, 0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, ">i4"])
def test_figures_do_not_depend_on_how_the_case_is_stored(tmp_path, axes, dtype):
    affine = AFFINE[:, [*axes, 3]]
    image = nifti(ct().transpose(axes), affine)
    label = nifti(annotation(dtype).transpose(axes), affine)
    report = check_case(case(tmp_path, image, label))
    assert report.errors == report.notes == ()
    assert report.shape == SHAPE
    assert report.spacing == pytest.approx((0.8, 0.7, 2.5))
    assert (report.slices, report.liver_slices) == (8, 2)
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)


def test_scaled_values_are_hounsfield_units(tmp_path):
    voxels = (ct() + 1024).tobytes(order="F")
    raw_file(tmp_path / "volume-3.nii", voxels, scl_slope=1, scl_inter=-1024)
    nib.save(nifti(annotation()), tmp_path / "segmentation-3.nii")
    (found,) = find_cases(tmp_path)
    report = check_case(found)
    assert report.errors == ()
    assert (report.hu_min, report.hu_max) == (-1000, 1500)


def test_missing_partner(tmp_path):
    files = case(tmp_path)
    report = check_case(CaseFiles(3, files.image, None))
    only(report.errors, "volume-3.nii.gz has no label", "segmentation-3.nii.gz")
    assert report.hu_max == 1500
    assert check_case(CaseFiles(3, files.image, None), need_label=False).errors == ()
    report = check_case(CaseFiles(3, None, files.label))
    only(report.errors, "segmentation-3.nii.gz has no image", "add volume-3.nii.gz")
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    only(check_case(CaseFiles(3, None, None)).errors, "neither")


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"not a volume at all" * 50, "does not begin with a NIfTI header")],
)
def test_unreadable_file(tmp_path, ending, content, reason):
    files = case(tmp_path, ending=ending)
    files.image.write_bytes(content)
    if ending == "nii.gz":
        files.image.write_bytes(gzip.compress(content))
    only(check_case(files).errors, f"volume-3.{ending} cannot be read as NIfTI (it", reason)


def test_things_that_are_no_files(tmp_path):
    files = case(tmp_path)
    files.image.unlink()
    files.image.symlink_to("gone.nii.gz")
    only(check_case(files).errors, "volume-3.nii.gz does not exist (a broken link?)")
    files.image.unlink()
    files.image.mkdir()
    only(check_case(files).errors, "volume-3.nii.gz is a folder")


def test_plain_nifti_with_a_gz_name(tmp_path):
    files = case(tmp_path)
    files.label.write_bytes(gzip.decompress(files.label.read_bytes()))
    only(check_case(files).errors, "segmentation-3.nii.gz", "gzip")


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_gz_cut_short(tmp_path, keep):
    files = case(tmp_path)
    cut(files.image, keep)
    report = check_case(files)
    only(report.errors, "volume-3.nii.gz is truncated or damaged", "of 8 planes")
    assert report.hu_min is None
    assert report.shape == SHAPE
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)


def test_gz_cut_before_its_header_is_complete(tmp_path):
    files = case(tmp_path)
    cut(files.image, 0.02)
    only(check_case(files).errors, "volume-3.nii.gz cannot be read as NIfTI (Compressed file ended")


def test_gz_whose_content_is_short(tmp_path):
    files = case(tmp_path)
    files.image.write_bytes(gzip.compress(gzip.decompress(files.image.read_bytes())[:-200]))
    only(check_case(files).errors, "truncated or damaged: 7 of 8 planes", "the file ends")


def test_gz_with_a_wrong_checksum(tmp_path):
    files = case(tmp_path)
    content = bytearray(files.image.read_bytes())
    content[-8] ^= 0xFF
    files.image.write_bytes(content)
    only(check_case(files).errors, "truncated or damaged", "CRC")


def test_plain_file_cut_short(tmp_path):
    files = case(tmp_path, ending="nii")
    files.image.write_bytes(files.image.read_bytes()[:-2])
    only(check_case(files).errors, "12 x 10 x 8 voxels of int16, 2,272 bytes", "2,270 bytes")


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize("shape", [(10_000, 10_000, 10_000), (1_000_000, 1_000_000, 1)])
def test_header_that_claims_a_trillion_voxels_allocates_nothing(tmp_path, ending, shape):
    image = raw_file(tmp_path / f"volume-3.{ending}", bytes(4000), shape=shape)
    tracemalloc.start()
    report = check_case(CaseFiles(3, image, None), need_label=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    only(
        report.errors, "2,000,000,000,", "bytes, more than the", "truncated or its header is wrong"
    )
    assert peak < 5e6


def test_claim_below_the_compression_bound_is_found_by_reading(tmp_path):
    # 40,000 zeros compress to so little that 100,000 bytes might fit: only reading can tell.
    image = raw_file(tmp_path / "volume-3.nii.gz", bytes(40_000), shape=(100, 100, 5))
    report = check_case(CaseFiles(3, image, None), need_label=False)
    only(report.errors, "2 of 5 planes")


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_memory_stays_far_below_the_volume(tmp_path, ending):
    shape = (64, 64, 400)
    image = nifti(np.random.default_rng(0).integers(0, 99, shape).astype(np.int16))
    label = np.ones(shape, np.float32)
    files = case(tmp_path, image, label, ending)
    volume = np.prod(shape) * 2
    check_case(files)
    tracemalloc.start()
    assert check_case(files).errors == ()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * volume


def small_file_of(path, shape, dtype=np.uint8):
    """A .nii.gz of zeros, its voxels never in memory."""
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_sform(AFFINE[:3], code=1)
    header["vox_offset"] = 352
    left = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(header.binaryblock + bytes(4))
        while left > 0:
            file.write(bytes(min(left, 1 << 24)))
            left -= 1 << 24
    return path


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1024, 1024, 128), "states 134,217,728 bytes of voxels in a file of"),
        ((1, 1, 4096, 4096), "is 4-D"),
    ],
)
def test_a_small_file_that_states_much_is_refused_before_it_is_read(tmp_path, shape, words):
    """A 4 MB file took 4 GB, and lines of one voxel took minutes."""
    path = small_file_of(tmp_path / "volume-3.nii.gz", shape)
    tracemalloc.start()
    began = time.process_time()
    report = check_case(CaseFiles(3, path, None), need_label=False)
    assert time.process_time() - began < 2
    only(report.errors, words)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_a_label_is_mostly_background_however_large(tmp_path):
    path = small_file_of(tmp_path / "segmentation-3.nii.gz", (1024, 1024, 80))
    assert inflated(read_header(path)) is not None  # as an image
    report = check_case(CaseFiles(3, None, path))
    assert any("empty liver" in error for error in report.errors)


def test_more_voxels_than_any_ct_has(tmp_path):
    header = read_header(small_file_of(tmp_path / "volume-3.nii.gz", (8, 8, 8)))
    large = dataclasses.replace(header, shape=(4096, 4096, 65), offset=-(2**40))
    assert "states 1,090,519,040 voxels; no CT has more" in overclaim(large)
    with pytest.raises(UpwindError, match="no CT has more than 1,073,741,824"):
        read_positive(large)


@pytest.mark.parametrize(("shape", "words"), [((*SHAPE, 2), "4-D"), (SHAPE[:2], "2-D")])
def test_not_3d(tmp_path, shape, words):
    image = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    report = check_case(case(tmp_path, nifti(image)))
    only(report.errors, f"volume-3.nii.gz is {words}", " x ".join(map(str, shape)), "not 3-D")
    # The other file is still looked at.
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)


def test_no_voxels(tmp_path):
    image = raw_file(tmp_path / "volume-3.nii", shape=(0, 10, 8))
    report = check_case(CaseFiles(3, image, None), need_label=False)
    only(report.errors, "states no voxels (shape 0 x 10 x 8)")


@pytest.mark.parametrize("type_", ["complex64", [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_values_that_are_no_numbers(tmp_path, type_):
    image = nifti(np.zeros(SHAPE, np.dtype(type_)))
    only(check_case(case(tmp_path, image)).errors, "colour or complex")


def test_nan_and_infinite_values_are_counted(tmp_path):
    image = ct(np.float32)
    image[5, 5, :3], image[6, 6, 0], image[6, 6, 1] = np.nan, np.inf, -np.inf
    label = annotation(np.float32)
    label[0, 0, 0] = np.nan
    report = check_case(case(tmp_path, image, label))
    assert len(report.errors) == 2
    assert "volume-3.nii.gz has 3 NaN values and 2 infinite values" in report.errors[0]
    assert "segmentation-3.nii.gz has 1 NaN value:" in report.errors[1]
    assert (report.hu_min, report.hu_max) == (-1000, 1500)
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)


def test_image_of_nothing_but_nan(tmp_path):
    report = check_case(case(tmp_path, np.full(SHAPE, np.nan, np.float32)))
    only(report.errors, "960 NaN values")
    assert report.hu_min is None


def test_constant_image(tmp_path):
    only(
        check_case(case(tmp_path, np.full(SHAPE, 7, np.int16))).errors, "same value (7) everywhere"
    )


def test_grids_of_other_shapes(tmp_path):
    report = check_case(case(tmp_path, label=annotation()[:, :, :7]))
    only(report.errors, "shape 12 x 10 x 8 against 12 x 10 x 7 voxels")
    assert report.notes == ()


def test_affine_mismatch_is_noted_and_the_images_affine_taken(tmp_path):
    other = np.diag([0.8, 0.7, 5.0, 1.0])
    other[:3, 3] = 1, 2, 3
    report = check_case(case(tmp_path, label=nifti(annotation(), other)))
    assert report.errors == ()
    only(
        report.notes,
        "orientation LPS against RAS",
        "spacing 0.8 x 0.7 x 2.5 against 0.8 x 0.7 x 5 mm",
        "origin (-8.8, -6.3, 0) against (1, 2, 3) mm",
        "the image's is taken for both",
        "not mirrored",
    )
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    assert report.orientation == "LPS"


def test_a_tenth_of_a_voxel_is_no_mismatch(tmp_path):
    other = AFFINE.copy()
    other[0, 3] = 0.079
    assert check_case(case(tmp_path, label=nifti(annotation(), other))).notes == ()
    other[0, 3] = 0.081
    files = case(tmp_path, label=nifti(annotation(), other))
    text = only(check_case(files).notes, "corners up to 0.081 mm apart", "image's is taken")
    assert "mirrored" not in text


@pytest.mark.parametrize("codes", ["RAS", "SPL", "AIL"])
def test_a_label_stored_in_another_order_is_measured_by_its_own_header(tmp_path, codes):
    into = orientations.ornt_transform(
        orientations.io_orientation(AFFINE), orientations.axcodes2ornt(codes)
    )
    label = nifti(annotation()).as_reoriented(into)
    report = check_case(case(tmp_path, label=label))
    assert report.errors == ()
    only(report.notes, f"another order than its image ({codes} against LPS)", "its own header says")
    assert (report.liver_slices, report.shape) == (2, SHAPE)
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    assert report.tumour_ml == pytest.approx(5 * VOXEL_ML)


def body(dtype=np.int16):
    """A liver at 110 HU in fat at -100, in air."""
    image = np.full(SHAPE, -1000, dtype)
    image[1:11, 1:9] = -100
    image[annotation() > 0] = 110
    return image


@pytest.mark.parametrize(
    ("mirror", "median", "share"),
    [(np.s_[::-1], -100.0, 1.0), (np.s_[:, ::-1], 110.0, 1 / 3), (np.s_[:, :, ::-1], -100.0, 1.0)],
)
def test_a_mirrored_label_shows_in_the_hu_inside(tmp_path, mirror, median, share):
    assert check_case(case(tmp_path, body(), annotation())).notes == ()
    report = check_case(case(tmp_path, body(), annotation()[mirror]))
    assert report.errors == ()
    text = only(report.notes, "segmentation-3.nii.gz hardly lies on a liver", "mirrored")
    assert f"the median inside it is {median:g} HU" in text
    assert f"{share:.0%} is below -30 HU" in text
    assert (report.liver_hu, report.fat_or_air) == (median, pytest.approx(share))


@pytest.mark.parametrize(("hu", "noted"), [(-20, False), (-21, True), (200, False), (201, True)])
def test_a_liver_has_a_median_within_limits(tmp_path, hu, noted):
    image = body(np.float32)
    image[annotation() > 0] = hu
    assert [HARDLY in note for note in check_case(case(tmp_path, image)).notes].count(True) == noted


def test_a_twentieth_of_a_label_may_be_fat_or_air(tmp_path):
    label = np.zeros(SHAPE, np.uint8)
    label[:10, :2, 0] = 1
    for low, noted in ((1, False), (2, True)):
        image = np.full(SHAPE, 60, np.int16)
        image[:low, 0, 0] = -31
        image[5, 5, 5] = -30
        notes = check_case(case(tmp_path, image, label)).notes
        assert [HARDLY in note for note in notes].count(True) == noted


def test_label_values_outside_the_three(tmp_path):
    label = annotation()
    label[0, 0, :2], label[0, 1, 0] = 3, 255
    text = only(check_case(case(tmp_path, label=label)).errors, "outside {0, 1, 2}: 3, 255")
    assert "in 3 voxels" in text
    label = annotation(np.float32)
    label[0, 0, 0], label[0, 0, 1] = 0.5, -1
    only(check_case(case(tmp_path, label=label)).errors, ": -1, 0.5 in 2 voxels")
    many = np.arange(960, dtype=np.int16).reshape(SHAPE)
    only(check_case(case(tmp_path, label=many)).errors, ", ... in 957 voxels")


def test_empty_liver(tmp_path):
    report = check_case(case(tmp_path, label=np.zeros(SHAPE, np.uint8)))
    only(report.errors, "segmentation-3.nii.gz has an empty liver")
    assert (report.liver_ml, report.tumour_ml, report.liver_slices) == (0, 0, 0)


@pytest.mark.parametrize(
    ("spacing", "absurd"),
    [
        ((0.2, 5.0, 20.0), False),
        ((0.19, 0.7, 2.5), True),
        ((0.8, 5.1, 2.5), True),
        ((0.8, 0.7, 20.5), True),
        ((0.0008, 0.0007, 0.0025), True),
    ],
)
def test_absurd_spacing(tmp_path, spacing, absurd):
    affine = np.diag([*spacing, 1.0])
    report = check_case(case(tmp_path, nifti(ct(), affine), nifti(annotation(), affine)))
    assert [("absurd spacing" in text) for text in report.errors] == [True] * absurd
    assert report.spacing == pytest.approx(spacing)


def test_spacing_limits_follow_the_body_axes_not_the_stored_ones(tmp_path):
    # 12 mm between slices, which are stored along the first axis: thick, not absurd.
    affine = np.diag([-0.8, -0.7, 12.0, 1.0])[:, [2, 0, 1, 3]]
    image = nifti(ct().transpose(2, 0, 1), affine)
    label = nifti(annotation().transpose(2, 0, 1), affine)
    files = case(tmp_path, image, label)
    assert check_case(files).errors == ()
    only(check_case(files, limits=Limits(between_slices=(0.2, 10))).errors, "0.2 to 10 mm")


def test_zero_spacing_is_not_taken_for_1_mm(tmp_path, capfd):
    image = raw_file(tmp_path / "volume-3.nii", ct().tobytes(order="F"), sform_code=0)
    content = bytearray(image.read_bytes())
    content[80:92] = bytes(12)  # pixdim[1:4]
    image.write_bytes(content)
    report = check_case(CaseFiles(3, image, None), need_label=False)
    only(report.errors, "absurd spacing: zero")
    assert any("nibabel mended its header" in text for text in report.notes)
    assert any("states no orientation" in text for text in report.notes)
    assert capfd.readouterr() == ("", "")  # nibabel's own words do not go astray


@pytest.mark.parametrize("row", [(np.nan,) * 4, (0, 0, 0, 0), (np.inf, 0, 0, 0), (0, 3, 0, 0)])
def test_affine_that_makes_no_sense(tmp_path, row):
    image = raw_file(tmp_path / "volume-3.nii", ct().tobytes(order="F"), srow_x=row)
    nib.save(nifti(annotation()), tmp_path / "segmentation-3.nii")
    (found,) = find_cases(tmp_path)
    report = check_case(found)
    only(report.errors, f"{image.name} states no position for its voxels")
    assert (report.shape, report.spacing, report.hu_max) == (SHAPE, None, 1500)


def test_labels_own_affine_is_not_needed(tmp_path):
    files = case(tmp_path)
    voxels = annotation(np.int16).tobytes(order="F")
    label = raw_file(tmp_path / "segmentation-3.nii", voxels, srow_x=(np.nan,) * 4)
    report = check_case(CaseFiles(3, files.image, label))
    assert report.errors == ()
    only(report.notes, "its own is singular or not finite", "the image's is taken for both")
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    only(check_case(CaseFiles(3, None, label)).errors[1:], "states no position")


@pytest.mark.parametrize("field", ["datatype", "vox_offset", "dim", "scl_slope", "bitpix", "magic"])
@pytest.mark.parametrize("value", [0, 1, -7, 77, 30000])
def test_no_header_makes_the_check_raise(tmp_path, field, value):
    image = raw_file(tmp_path / "volume-3.nii.gz", ct().tobytes(order="F"), **{field: value})
    report = check_case(CaseFiles(3, image, image))
    json.dumps(report.to_dict(), allow_nan=False)


def test_duplicates_and_leading_zeros(tmp_path):
    files = case(tmp_path)
    (tmp_path / "volume-3.nii").write_bytes(gzip.decompress(files.image.read_bytes()))
    (tmp_path / "segmentation-03.nii.gz").write_bytes(files.label.read_bytes())
    (found,) = find_cases(tmp_path)
    report = check_case(found)
    assert len(report.errors) == 2
    assert "volume-3.nii.gz is a second file for case 3" in report.errors[0]
    assert "segmentation-03.nii.gz is a second file for case 3" in report.errors[1]
    only(report.notes, "segmentation-03.nii.gz is taken for case 3: leading zeros")


def test_leading_zero_alone_is_a_note(tmp_path):
    files = case(tmp_path)
    files.image.rename(tmp_path / "volume-003.nii.gz")
    (found,) = find_cases(tmp_path)
    report = check_case(found)
    assert report.errors == ()
    only(report.notes, "volume-003.nii.gz is taken for case 3")


def test_all_problems_of_a_case_are_reported_together(tmp_path):
    affine = np.diag([0.01, 0.7, 2.5, 1.0])
    image = ct(np.float32)
    image[0, 0, 0] = np.nan
    label = np.zeros((12, 10, 7), np.uint8)
    label[0, 0, 0] = 9
    files = case(tmp_path, nifti(image, affine), nifti(label, AFFINE))
    cut(files.image, 0.5)
    report = check_case(CaseFiles(3, files.image, files.label, (tmp_path / "volume-3.nii",)))
    wanted = ["second file", "absurd spacing", "12 x 10 x 7", "truncated", "NaN", ": 9 in", "empty"]
    assert len(report.errors) == len(wanted)
    for text, part in zip(report.errors, wanted, strict=True):
        assert part in text


def test_decathlon_messages_tell_image_from_label(tmp_path):
    for folder, content in (("imagesTr", ct()), ("labelsTr", annotation() * 0)):
        (tmp_path / folder).mkdir()
        nib.save(nifti(content), tmp_path / folder / "liver_7.nii.gz")
    (found,) = find_cases(tmp_path, "msd")
    only(check_case(found).errors, "labelsTr/liver_7.nii.gz has an empty liver")


def test_report_survives_json(tmp_path):
    for report in (check_case(case(tmp_path)), CaseReport(1, errors=("broken", "and how"))):
        text = json.dumps(report.to_dict(), allow_nan=False)
        assert CaseReport.from_dict(json.loads(text)) == report


@pytest.fixture
def shared():
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "lits_mini"
    if not folder.is_dir():
        pytest.skip("the real cases are not beside the repository")
    return folder


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirrored_labels_of_real_cases_are_noted(shared, tmp_path, axis):
    for files in find_cases(shared, "lits"):
        label = nib.load(files.label)
        mirrored = np.flip(np.asanyarray(label.dataobj), axis)
        nib.save(nib.Nifti1Image(mirrored, label.affine), tmp_path / "segmentation-0.nii")
        report = check_case(CaseFiles(0, files.image, tmp_path / "segmentation-0.nii"))
        only(report.notes, "hardly lies on a liver")


def test_real_cases(shared):
    found = [check_case(files) for files in find_cases(shared, "lits")]
    assert usable(found, "stop") == [0, 1, 2, 4, 5]
    assert [report.notes for report in found] == [()] * 5
    assert [report.liver_hu for report in found] == [122, 115, 85, 64, 75]
    assert max(report.fat_or_air for report in found) < 0.02
    for report, files in zip(found, find_cases(shared), strict=True):
        label = nib.as_closest_canonical(nib.load(files.label))
        values = np.asanyarray(label.dataobj)
        voxel = np.prod(label.header.get_zooms()) / 1000
        assert report.shape == values.shape
        assert report.orientation == "LPS"
        assert report.liver_ml == pytest.approx((values > 0).sum() * voxel)
        assert report.tumour_ml == pytest.approx((values == 2).sum() * voxel)
        assert report.liver_slices == (values > 0).any(axis=(0, 1)).sum()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda hu: (hu + 1024).astype(np.uint16), "stored numbers without their intercept"),
        (lambda hu: ((hu.clip(-160, 240) + 160) / 400 * 255).astype(np.uint8), "grey values"),
        (lambda hu: ((hu.clip(-160, 240) + 160) / 400).astype(np.float32), "normalised for some"),
    ],
)
def test_a_ct_that_is_not_in_hu_is_told(tmp_path, made, said):
    report = check_case(case(tmp_path, made(ct().astype(float))))
    assert report.errors == ()
    assert [said in note for note in report.notes if "may not be HU" in note] == [True]
    assert any(HARDLY in note for note in report.notes) or said.startswith(("grey", "norm"))


def test_values_beyond_any_scanners_scale_are_refused(tmp_path):
    voxels = ct().tobytes(order="F")
    image = raw_file(tmp_path / "volume-3.nii", voxels, scl_slope=1e30, scl_inter=0)
    report = check_case(CaseFiles(3, image, None), need_label=False)
    only(report.errors, "volume-3.nii: the CT's values go from -1e+33 to", "these are no HU")


@pytest.mark.parametrize("factor", [1.0000001, 1.00002, 0.996])
def test_labels_that_were_rounded_are_whole_numbers(tmp_path, factor):
    """Resampled, rescaled, or stored by nibabel as scaled integers."""
    found = case(tmp_path, label=annotation().astype(np.float32) * np.float32(factor))
    report = check_case(found)
    assert report.errors == report.notes == ()
    assert report.liver_ml == pytest.approx(24 * VOXEL_ML)
    assert report.tumour_ml == pytest.approx(5 * VOXEL_ML)
    stored = slice_case(3, found.image, found.label, 16)
    assert set(np.unique(stored.label)) == {0, 1, 2}
    assert stored.liver_bearing.sum() == 2


def test_other_labels_are_shown_with_the_digits_that_differ(tmp_path):
    label = annotation(np.float32)
    label[0, 0, 0] = 1.0625001
    only(check_case(case(tmp_path, label=label)).errors, "{0, 1, 2}: 1.06250012 in 1 voxel")


def test_capitals_in_a_name_are_told(tmp_path):
    found = case(tmp_path, ending="NII.GZ")
    notes = check_case(found).notes
    assert notes[0] == "volume-3.NII.GZ is taken for case 3: capitals do not count."


def test_liver_in_one_slice_is_told(tmp_path):
    label = annotation()
    label[:, :, 5] = 0
    (note,) = check_case(case(tmp_path, label=label)).notes
    assert "has liver in 1 slice alone, 2.5 mm: a level set may not see it" in note


def test_a_liver_thinner_than_the_working_grid_is_an_error_of_a_run(tmp_path):
    label = np.zeros(SHAPE, np.uint8)
    label[1:11, 1:9, 4] = 1
    report = check_case(case(tmp_path, label=label))
    assert report.liver_mm == pytest.approx(2.5)
    assert with_thin([report], 2.5) == [report]
    (told,) = with_thin([report], 3.0)
    only(told.errors, "its liver is 2.5 mm thick, too thin", "working grid of 3 mm")
    with pytest.raises(UpwindError, match="None of 1 case can be used"):
        usable([told], "skip")
