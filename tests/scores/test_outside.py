"""Masks as anybody may have them: in other orientations, on other grids, empty, missing, broken."""

import nibabel as nib
import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid
from upwind.scores.cases import columns, score_unseen
from upwind.scores.outside import How, score_outside
from upwind.scores.pairing import find_pairs

SHAPE, SIZES = (14, 12, 9), (1.5, 2.0, 4.0)
AFFINE = np.diag([-SIZES[0], -SIZES[1], SIZES[2], 1.0])


def write(path, array, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)


def liver(case):
    label = np.zeros(SHAPE, np.uint8)
    label[3:9, 2 + case : 8, 2:7] = 1
    label[5, 5, 4] = 2
    return label


def flipped(array, axis):
    """The same mask in the same place, stored the other way round along an axis."""
    affine = AFFINE.copy()
    affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
    affine[:, axis] *= -1
    return np.flip(array, axis), affine


@pytest.fixture
def folder(tmp_path):
    """Labels of cases 1 to 5, and of a method: shifted, flipped in storage, empty, with its axes
    permuted, and none."""
    masks = {case: (liver(case) > 0).astype(np.uint8) for case in range(1, 6)}
    for case in masks:
        write(tmp_path / f"labels/l-{case}.nii.gz", liver(case))
    write(tmp_path / "made/m-1.nii.gz", np.roll(masks[1], 1, axis=0))
    write(tmp_path / "made/m-2.nii.gz", *flipped(masks[2], 0))
    write(tmp_path / "made/m-3.nii.gz", 0 * masks[3])
    write(tmp_path / "made/m-4.nii.gz", masks[4].transpose(2, 0, 1), AFFINE[:, [2, 0, 1, 3]])
    return tmp_path


def score(folder, *methods, **how):
    pairs = find_pairs(f"{folder}/labels", [f"{folder}/{name}" for name in methods or ["made"]])
    return score_outside(pairs, How(**how))


def by_case(scored, column="dsc"):
    return scored.table.set_index("case")[column].to_dict()


def test_a_mask_lies_where_its_own_header_says(folder):
    scored = score(folder, missing="skip")
    assert scored.table.columns.tolist() == columns()
    dsc = by_case(scored)
    assert (dsc[2], dsc[3], dsc[4]) == (1, 0, 1)
    label = (liver(1) > 0)[::-1, ::-1]
    mask = np.roll(liver(1) > 0, 1, axis=0)[::-1, ::-1]
    expected, _ = score_unseen(mask, label, Grid(SHAPE, AFFINE))
    row = scored.table[scored.table["case"] == 1].iloc[0]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value) if name != "subset" else value
    assert scored.table["fold"].isna().all()
    assert set(scored.table["method"]) == {"made"}


def test_labels_without_sizes_are_told(folder):
    assert score(folder, missing="skip").notes == []
    write(folder / "labels/l-1.nii.gz", liver(1), np.eye(4))
    write(folder / "made/m-1.nii.gz", (liver(1) > 0).astype(np.uint8), np.eye(4))
    (note,) = score(folder, missing="skip").notes
    assert note.startswith("l-1.nii.gz states an identity affine")


def test_nothing_is_scored_while_a_mask_is_missing_and_every_problem_is_named(folder, capsys):
    write(folder / "made/m-9.nii.gz", liver(1))
    (folder / "made/m-2.nii.gz").write_bytes(b"no NIfTI")
    write(folder / "made/m-4.nii.gz", liver(4), np.diag([1.5, 2.0, 3.9, 1]))
    with pytest.raises(UpwindError) as caught:
        score(folder)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines[1:-1]] == [
        "  - made, case 5", "  - made, case 9", "  - made, case 2", "  - made, case 4",
    ]  # fmt: skip
    assert "no mask" in lines[1]
    assert "has no label" in lines[2]
    assert "cannot be read as NIfTI" in lines[3]
    assert "spacing 1.5 x 2 x 4 against 1.5 x 2 x 3.9 mm" in lines[4]
    assert "--missing skip" in lines[-1]
    assert "scored" not in capsys.readouterr().err


def test_damage_that_only_voxels_show_is_named_too(folder):
    noise = np.random.default_rng(0).integers(0, 2, SHAPE, np.uint8)
    write(folder / "made/m-5.nii.gz", noise)
    path = folder / "made/m-5.nii.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UpwindError, match=r"made, case 5: m-5\.nii\.gz is truncated or damaged"):
        score(folder)
    scored = score(folder, missing="skip")
    assert (sorted(by_case(scored)), scored.missing("made")) == ([1, 2, 3, 4], 1)


def test_a_missing_mask_may_count_as_empty(folder):
    scored = score(folder, missing="empty")
    assert by_case(scored)[5] == 0
    assert by_case(scored, "mask_voxels")[5] == 0
    assert by_case(scored, "nsd_5mm")[5] == 0
    assert scored.missing("made") == 1
    # One without a label has nothing to be held against.
    write(folder / "made/m-9.nii.gz", liver(1))
    again = score(folder, missing="empty")
    assert sorted(by_case(again)) == [1, 2, 3, 4, 5]
    assert again.missing("made") == 1


def test_another_grid_is_resampled_when_that_is_asked_for(folder):
    fine = np.repeat((liver(5) > 0).astype(np.uint8), 2, axis=2)
    affine = AFFINE @ np.diag([1, 1, 0.5, 1])
    affine[2, 3] -= SIZES[2] / 4
    write(folder / "made/m-5.nii.gz", fine, affine)
    with pytest.raises(UpwindError, match="--resample brings it there"):
        score(folder)
    assert by_case(score(folder, resample=True))[5] == 1


def test_values_say_what_is_meant(folder):
    """Label 2 alone is the tumour; the mask has it as 7, beside a liver of 1."""
    for case in range(1, 6):
        label = liver(case)
        write(folder / f"tumour/{case}.nii.gz", np.where(label == 2, 7, label).astype(np.uint8))
    with pytest.raises(UpwindError, match=r"tumour, case 1: .* holds 7 beside 0 and 1"):
        score(folder, "tumour")
    scored = score(folder, "tumour", label=[2], mask=[7])
    assert set(by_case(scored, "label_voxels").values()) == {1}
    assert set(by_case(scored).values()) == {1}
    whole = score(folder, "tumour", mask=[1, 7])
    assert set(by_case(whole).values()) == {1}


def test_methods_come_in_the_order_given_and_cases_in_theirs(folder):
    for case in range(1, 6):
        write(folder / f"again/{case}.nii.gz", (liver(case) > 0).astype(np.uint8))
    scored = score(folder, "again", "made", missing="empty")
    rows = list(scored.table[["method", "case"]].itertuples(index=False, name=None))
    assert rows == [(name, case) for name in ("again", "made") for case in range(1, 6)]


def test_a_label_that_cannot_be_read_stops_all_or_is_left_out(folder):
    (folder / "labels/l-2.nii.gz").write_bytes(b"no NIfTI")
    with pytest.raises(UpwindError, match=r"- case 2: l-2\.nii\.gz cannot be read"):
        score(folder)
    assert sorted(by_case(score(folder, missing="empty"))) == [1, 3, 4, 5]


def test_nothing_at_all_to_score_is_an_error(folder):
    write(folder / "far/m-7.nii.gz", liver(1))
    with pytest.raises(UpwindError, match="no case of any method can be scored"):
        score(folder, "far", missing="skip")


def test_tolerances_are_those_that_are_asked_for(folder):
    scored = score(folder, missing="skip", tolerances=(2, 7.5))
    assert {"nsd_2mm", "nsd_7.5mm"} <= set(scored.table)
    assert "nsd_5mm" not in scored.table
