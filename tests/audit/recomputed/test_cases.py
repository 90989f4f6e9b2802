"""One case made again: scores against a direct computation and against the pipeline's own code."""

import math
import tempfile
from itertools import product

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from upwind.audit.recomputed.cases import (
    DISTANCE_MM,
    VoxelSize,
    _resampled,
    nearest_voxels,
    read_volume,
    scores,
    sizes_known,
    surface_distances,
    upright,
    upright_label,
    upright_mask,
    voxel_ml,
)
from upwind.common.errors import UpwindError
from upwind.data.labels import read_liver, read_mask
from upwind.data.placing import size_doubts
from upwind.data.slices import nearest_indices
from upwind.data.volumes import Grid, read_grid, to_display
from upwind.data.volumes import read_volume as pipeline_read
from upwind.data.voxels import read_header
from upwind.scores.cases import score_heldout, score_unseen

SPACING = (0.7, 0.9, 2.5)  # x, y, z
SHAPE = (4, 5, 6)  # slices, rows, columns
SIZE = VoxelSize(SPACING, math.prod(SPACING) / 1000)
GRID = Grid(SHAPE[::-1], np.diag([*SPACING, 1.0]))
masks = hnp.arrays(bool, SHAPE)


def border(mask):
    """Voxels with a face neighbour outside the mask, one by one."""
    inside = {tuple(p) for p in np.argwhere(mask)}
    steps = [tuple(sign * (axis == a) for a in range(3)) for axis in range(3) for sign in (1, -1)]
    return [p for p in inside if any(tuple(np.add(p, step)) not in inside for step in steps)]


def direct_distances(one, other):
    a, b = (np.array(border(mask)) * SPACING[::-1] for mask in (one, other))
    between = np.linalg.norm(a[:, None] - b[None], axis=2)
    return np.concatenate([between.min(1), between.min(0)])


@settings(max_examples=100, deadline=None)
@given(masks, masks)
def test_distances_are_the_direct_ones(one, other):
    found = np.concatenate(surface_distances(one, other, SPACING))
    if not (one.any() and other.any()):
        assert len(found) == 0
    else:
        expected = direct_distances(one, other)
        np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=DISTANCE_MM / 100)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 4), (5, 1, 1), (3, 3, 3)])
def test_masks_that_fill_their_box(shape):
    """ITK measures to where object and background meet, of which there is none in the box."""
    mask = np.ones(shape, bool)
    assert all((way == 0).all() for way in surface_distances(mask, mask, SPACING))


def test_two_voxels_apart():
    one, other = np.zeros((2, *SHAPE), bool)
    one[0, 0, 0] = other[2, 3, 4] = True
    apart = math.sqrt((2 * 2.5) ** 2 + (3 * 0.9) ** 2 + (4 * 0.7) ** 2)
    row = scores(one, other, SIZE, "unseen")
    assert row["hd95_mm"] == pytest.approx(apart, abs=DISTANCE_MM / 10)
    assert row["assd_mm"] == pytest.approx(apart, abs=DISTANCE_MM / 10)
    assert (row["dsc"], row["mask_voxels"], row["overlap_voxels"]) == (0, 1, 0)
    assert row["mask_ml"] == pytest.approx(0.7 * 0.9 * 2.5 / 1000)


def test_nothing_against_nothing_is_undefined():
    empty = np.zeros(SHAPE, bool)
    row = scores(empty, empty, SIZE, "unseen")
    assert all(math.isnan(row[name]) for name in ("dsc", "hd95_mm", "assd_mm"))
    assert scores(empty, empty, SIZE, "unseen_liver")["label_voxels"] == 0
    assert scores(empty, empty, SIZE, "heldout", [])["label_voxels"] == 0


@settings(max_examples=60, deadline=None)
@given(masks, masks, st.sets(st.integers(0, SHAPE[0] - 1)))
def test_the_pipelines_scores_come_out_the_same(mask, label, heldout):
    canonical = [np.ascontiguousarray(a.transpose(2, 1, 0)[::-1, ::-1]) for a in (mask, label)]
    rows = [*score_unseen(*canonical, GRID), score_heldout(*canonical, GRID, heldout)]
    for row in rows:
        found = scores(mask, label, SIZE, row["subset"], sorted(heldout), (3, 5))
        for name in row.keys() - {"subset"}:
            if isinstance(found[name], tuple):
                assert found[name][0] <= row[name] <= found[name][1], name
            else:
                tolerance = DISTANCE_MM if name.endswith("_mm") else 1e-12
                expected = pytest.approx(row[name], rel=1e-12, abs=tolerance, nan_ok=True)
                assert found[name] == expected, name


@pytest.mark.parametrize("axes", [*product((1, -1), repeat=3), "swapped"])
def test_volumes_stand_upright_as_in_the_pipeline(tmp_path, axes):
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.diag([*(np.multiply(axes, SPACING) if axes != "swapped" else SPACING), 1])
    if axes == "swapped":
        affine = affine[:, [2, 0, 1, 3]]
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "volume.nii.gz")
    found = upright(read_volume(tmp_path / "volume.nii.gz"))
    pipeline = pipeline_read(tmp_path / "volume.nii.gz")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), to_display(pipeline.values()))
    assert found.GetSpacing() == pytest.approx(pipeline.grid.spacing)


def test_axes_that_are_not_at_right_angles_are_put_up_with(tmp_path):
    affine = np.diag([*SPACING, 1])
    affine[0, 1] = 0.02
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), affine), tmp_path / "volume.nii")
    assert upright(read_volume(tmp_path / "volume.nii")).GetSize() == (2, 3, 4)


def test_a_tilted_gantry_has_the_pipelines_volume(tmp_path):
    affine = np.diag([*SPACING, 1])
    affine[:3, 2] += 0.123456789, 0.7, 0
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), affine), tmp_path / "volume.nii")
    expected = read_grid(tmp_path / "volume.nii").voxel_ml
    assert expected == pytest.approx(math.prod(SPACING) / 1000)
    assert voxel_ml(read_volume(tmp_path / "volume.nii")) == pytest.approx(expected, rel=1e-5)


def test_without_a_stated_matrix_a_voxel_is_its_edges_product(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    image.header.set_zooms(SPACING)
    image.set_qform(np.diag([*SPACING, 1]), code=1)
    nib.save(image, tmp_path / "volume.nii")
    assert voxel_ml(read_volume(tmp_path / "volume.nii")) == pytest.approx(SIZE.ml, rel=1e-6)


@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (0, 0), (1, 1)])
@pytest.mark.parametrize("affine", [(1, 1, 1), (-1, 1, 1), (1, 1, -1), (0.7, 0.9, 2.5)])
@pytest.mark.parametrize("pixdim", [None, 1.0, 1.005, 1.5])
def test_whether_sizes_are_known_is_told_as_in_the_pipeline(tmp_path, codes, affine, pixdim):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    for place, code in zip((image.set_sform, image.set_qform), codes, strict=True):
        place(np.diag([*affine, 1.0]), code=code)
    image.header.set_zooms(np.abs(affine))
    if pixdim:
        image.header["pixdim"][1] = pixdim
    nib.save(image, tmp_path / "volume.nii")
    expected = not size_doubts(read_header(tmp_path / "volume.nii"))
    assert sizes_known(read_volume(tmp_path / "volume.nii")) is expected


def test_a_label_lies_where_its_ct_does_whatever_it_states(tmp_path):
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    nib.save(nib.Nifti1Image(values, np.diag([-1, -1, 1, 1])), tmp_path / "ct.nii")
    nib.save(nib.Nifti1Image(values, np.diag([2, 2, 2, 1])), tmp_path / "label.nii")
    ct = read_volume(tmp_path / "ct.nii")
    label = upright_label(tmp_path / "label.nii", ct)
    assert label.GetSpacing() == (1, 1, 1)
    np.testing.assert_array_equal(*map(sitk.GetArrayFromImage, (label, upright(ct))))
    with pytest.raises(ValueError, match=r"label\.nii is on another grid than its CT"):
        upright_mask(tmp_path / "label.nii", ct)
    nib.save(nib.Nifti1Image(values[:1], np.diag([-1, -1, 1, 1])), tmp_path / "label.nii")
    with pytest.raises(ValueError, match=r"label\.nii is on another grid than its CT"):
        upright_label(tmp_path / "label.nii", ct)


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from((1, -1))] * 3),
    st.tuples(*[st.floats(-40, 40)] * 3),
    st.tuples(*[st.floats(-0.3, 0.3)] * 3),
)
def test_labels_and_masks_lie_where_the_pipeline_has_them(order, flips, angles, shift):
    """In any order of axes, in any oblique position, and a little or much beside the CT."""
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    affine = np.diag([*SPACING, 1.0])
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ affine[:3, :3]
    other = affine.copy()
    other[:3, 3] += shift
    image = nib.Nifti1Image(values, other).as_reoriented(
        np.array(list(zip(order, flips, strict=True)))
    )
    with tempfile.TemporaryDirectory() as folder:
        ct, label = f"{folder}/ct.nii", f"{folder}/label.nii"
        nib.save(nib.Nifti1Image(values, affine), ct)
        nib.save(image, label)
        grid = read_grid(ct)
        for ours, theirs in ((upright_label, read_liver), (upright_mask, read_mask)):
            found, expected = outcome(ours, label, read_volume(ct)), outcome(theirs, label, grid)
            assert (found is None) == (expected is None)
            if found is not None:
                np.testing.assert_array_equal(
                    sitk.GetArrayFromImage(found) > 0, to_display(expected)
                )


def outcome(read, *arguments):
    """What is read; None where it is refused."""
    try:
        return read(*arguments)
    except (UpwindError, ValueError):
        return None


@pytest.mark.parametrize("length", [128, 160, 512, 333])
@pytest.mark.parametrize("size", [32, 48, 64, 256])
def test_nearest_voxels_are_the_pipelines(length, size):
    np.testing.assert_array_equal(nearest_voxels(length, size), nearest_indices(length, size))


def test_a_centre_between_two_voxels_may_be_rounded_to_either():
    volume = np.arange(800 * 800).reshape(1, 800, 800)
    exact, rounded = nearest_voxels(800, 496), nearest_indices(800, 496)
    assert (exact != rounded).any()
    for indices in (exact, rounded):
        assert _resampled(volume, volume[:, indices][:, :, indices])
    shifted = rounded - (np.arange(496) == 7)
    assert not _resampled(volume, volume[:, shifted][:, :, shifted])
