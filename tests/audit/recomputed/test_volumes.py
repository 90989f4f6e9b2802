"""Scores, slices, folds and splits made again from the volumes of a small hand-made experiment."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from upwind.audit.findings import FindingKind, Severity
from upwind.audit.recomputed.numbers import Results
from upwind.audit.recomputed.volumes import recompute
from upwind.data.check import cases_table, check_case
from upwind.data.folds import assign_folds, slices_of, split_slices
from upwind.data.naming import find_cases
from upwind.data.slices import read_liver_slices, slice_case, write_slices
from upwind.methods import catalogue, to_json
from upwind.scores.cases import scores_table
from upwind.scores.folds import RawCases, heldout_rows, unseen_rows
from upwind.scores.seeds import gather_seeds

# Whatever others somebody adds.
PAPER = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}
CONFIG = {
    "folds": 2,
    "fold_shuffle_seed": None,
    "heldout_share": 0.3,
    "split_seed": 0,
    "levelset": {"cases": [0, 2]},
    "scores": {"nsd_tolerances_mm": [3, 5]},
}
SHAPE = (12, 10, 8)  # columns, rows, slices
CASES = range(3)


def write(path, values, affine):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, affine), path)


def make_volumes(folder):
    """Three patients, not all stored alike; noise for HU, a block with a tumour for a liver."""
    rng = np.random.default_rng(0)
    for case in CASES:
        side = (-1.0) ** case
        affine = np.diag([1.5 * side, 1.5 * side, 2.5, 1])
        label = np.zeros(SHAPE, np.uint8)
        label[2:9, 3:8, 1 + case : 7] = 1
        label[4, 5, 4] = 2
        write(folder / f"volume-{case}.nii.gz", rng.integers(-500, 500, SHAPE, np.int16), affine)
        write(folder / f"segmentation-{case}.nii.gz", label, affine)


def make_masks(data, folder, cases, seed):
    rng = np.random.default_rng(seed)
    for case in cases:
        label = nib.load(data / f"segmentation-{case}.nii.gz")
        mask = (np.asanyarray(label.dataobj) > 0) ^ (rng.random(SHAPE) < 0.05)
        write(folder / f"segmentation-{case}.nii.gz", mask.astype(np.uint8), label.affine)


def make_tables(data, results):
    """What the pipeline's own code makes of the volumes and masks; returns all scores."""
    found = find_cases(data, "lits")
    reports = [check_case(case) for case in found]
    cases_table(reports).to_csv(results / "cases.csv", index=False)
    (results / "cases").mkdir()
    for report in reports:
        text = json.dumps(report.to_dict())
        (results / f"cases/case-{report.number}.json").write_text(text)
    (results / "cases.txt").write_text("".join(f"{case}\n" for case in CASES))
    for case in found:
        path = results / f"slices/case-{case.number}.safetensors"
        write_slices(path, slice_case(case.number, case.image, case.label, 5))
    liver = dict(read_liver_slices(path) for path in (results / "slices").iterdir())
    folds = assign_folds(list(CASES), 2)
    folds.to_csv(results / "folds.csv", index=False)
    splits = []
    for fold in ("0", "1", "all"):
        training = folds.loc[folds["fold"].astype(str) != fold, "case"]
        splits.append(split_slices(fold, {c: liver[c] for c in training}, 0.3, 0))
    split = pd.concat(splits)
    split.to_csv(results / "split.csv", index=False)
    raw = RawCases.of(CASES, [str(c.image) for c in found], [str(c.label) for c in found])
    masks, rows = results / "segmentations", []
    make_masks(data, masks / "itk_snap", [0, 2], 9)
    for row in unseen_rows(masks / "itk_snap", [0, 2], raw):
        rows.append({"method": "itk_snap", "fold": [0, 0, 1][row["case"]]} | row)
    for fold, case in ((0, 0), (1, 2)):
        folder = masks / f"itk_snap_blind/{fold}/unseen"
        make_masks(data, folder, [case], 20 + fold)
        made = unseen_rows(folder, [case], raw)
        rows += [{"method": "itk_snap_blind", "fold": fold} | row for row in made]
    for seed, (network, fold) in enumerate((n, f) for n in ("unet", "lsn") for f in (0, 1)):
        unseen = folds.loc[folds["fold"] == fold, "case"].tolist()
        heldout = slices_of(split, str(fold), "heldout")
        folder = masks / network / str(fold)
        make_masks(data, folder / "unseen", unseen, seed)
        make_masks(data, folder / "heldout", heldout, seed + 100)
        made = [
            *unseen_rows(folder / "unseen", unseen, raw),
            *heldout_rows(folder / "heldout", heldout, raw),
        ]
        rows += [{"method": network, "fold": fold} | row for row in made]
    scores_table(rows).to_csv(results / "scores.csv", index=False)
    (results / "methods.json").write_text(json.dumps(to_json(PAPER)))


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment")
    make_volumes(folder / "data")
    (folder / "results").mkdir()
    make_tables(folder / "data", folder / "results")
    return folder


@pytest.fixture
def made(made_once, tmp_path):
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def raw(folder, cases=CASES):
    names = ("volume", "segmentation")
    return {c: tuple(folder / f"data/{n}-{c}.nii.gz" for n in names) for c in cases}


def audited(folder, jobs=1, cases=CASES, distrusted=()):
    results = Results(folder / "results", "results/x", CONFIG, distrusted)
    return recompute(results, raw(folder, cases), jobs)


def found(folder):
    return {(finding.path, finding.message) for finding in audited(folder).findings}


def edit(folder, table, column, row, value):
    path = folder / "results" / table
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[row, column] = str(value)
    frame.to_csv(path, index=False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_pipeline_makes_holds(made, jobs):
    checked = audited(made, jobs)
    assert checked.findings == ()
    rows = len(pd.read_csv(made / "results/scores.csv"))
    assert checked.counts["scores"] == 14 * rows
    assert checked.counts["score_rows"] == rows
    assert checked.counts["cases"] == 3
    assert checked.counts["resampled_slices"] == 3 * SHAPE[2]
    assert checked.counts["folded_cases"] == 3


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("dsc", 1e-6),
        ("overlap_voxels", 1),
        ("mask_voxels", 1),
        ("label_voxels", 1),
        ("hd95_mm", 0.01),
        ("hd95_max_mm", 0.01),
        ("assd_mm", 0.01),
        ("nsd_3mm", 0.01),
        ("nsd_5mm", 0.01),
        ("mask_ml", 1e-3),
        ("label_ml", 1e-3),
        ("volume_difference_ml", 1e-3),
        ("volume_difference_percent", 1e-3),
        ("diagonal_mm", 0.01),
    ],
)
def test_every_column_of_the_scores(made, column, change):
    rows = pd.read_csv(made / "results/scores.csv")
    row = rows.index[(rows["method"] == "lsn") & (rows["subset"] == "unseen")][1]
    edit(made, "scores.csv", column, row, rows.loc[row, column] + change)
    ((path, message),) = found(made)
    assert path == "results/x/scores.csv"
    case = rows.loc[row, "case"]
    assert message.startswith(f"lsn {rows.loc[row, 'fold']} {case} unseen: {column} is")
    assert f"segmentation-{case}.nii.gz" in message


def test_a_mask_of_other_voxels_than_the_scores_say(made):
    """A mask that somebody replaced, with a record to match: only the numbers tell."""
    path = made / "results/segmentations/unet/0/heldout/segmentation-2.nii.gz"
    split = pd.read_csv(made / "results/split.csv", dtype={"fold": str})
    held = split[(split["fold"] == "0") & (split["part"] == "heldout") & (split["case"] == 2)]
    image = nib.load(path)
    mask = np.asanyarray(image.dataobj).copy()
    mask[3, 4, held["slice"].iloc[0]] ^= 1
    write(path, mask, image.affine)
    messages = [message for file, message in found(made) if file == "results/x/scores.csv"]
    assert any("unet 0 2 heldout: mask_voxels is" in message for message in messages)


def of_seeds(made, *, tampered=False):
    """Findings and counts where every network was trained once more, from seed 5, and gave the same
    masks, or not quite."""
    results = made / "results"
    for folder in results.glob("segmentations/[ul]*/?"):
        shutil.copytree(folder, folder.with_name(f"{folder.name}-5"))
    if tampered:
        shutil.copy(
            results / "segmentations/lsn/0/unseen/segmentation-0.nii.gz",
            results / "segmentations/unet/0-5/unseen/segmentation-0.nii.gz",
        )
    rows = pd.read_csv(results / "scores.csv")
    networks = ["unet", "lsn"]
    again = rows[rows["method"].isin(networks)]
    gather_seeds(rows, networks, 0, [(5, again)]).to_csv(results / "seeds.csv", index=False)
    config = CONFIG | {"seed": 0, "seeds": [0, 5]}
    checked = recompute(Results(results, "results/x", config), raw(made))
    return checked, len(rows) + len(again)


def test_masks_of_every_seed_are_scored_again(made):
    checked, rows = of_seeds(made)
    assert checked.findings == ()
    assert checked.counts["scores"] == 14 * rows


def test_a_mask_of_a_further_seed_that_is_another(made):
    checked, _ = of_seeds(made, tampered=True)
    assert {finding.path for finding in checked.findings} == {"results/x/seeds.csv"}
    assert any("unet 0 0 unseen 5: dsc is" in finding.message for finding in checked.findings)
    assert "unet/0-5/unseen/segmentation-0.nii.gz" in checked.findings[0].message


def test_rows_of_scores_that_are_gone_or_twice(made):
    path = made / "results/scores.csv"
    rows = pd.read_csv(path)
    pd.concat([rows.iloc[1:], rows.iloc[-1:]]).to_csv(path, index=False)
    messages = " ".join(message for _, message in found(made))
    assert "itk_snap 0 0 unseen: 0 rows there, 1 by" in messages
    assert "2 rows there, 1 by" in messages


@pytest.mark.parametrize("tensor", ["image", "label", "liver_bearing"])
def test_slices_that_are_not_the_volumes(made, tensor):
    path = made / "results/slices/case-1.safetensors"
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    first = content.find(b"data_offsets", content.find(f'"{tensor}"'.encode()))
    offset = int(content[content.find(b"[", first) + 1 : content.find(b",", first)])
    content[start + offset] ^= 1
    path.write_bytes(content)
    assert "results/x/slices/case-1.safetensors" in {file for file, _ in found(made)}


@pytest.mark.parametrize("column", ["size_x", "slices", "spacing_z_mm", "hu_min", "liver_ml"])
def test_what_is_said_of_a_case(made, column):
    edit(made, "cases.csv", column, 1, 7)
    ((path, message),) = found(made)
    assert (path, message.split(" is ")[0]) == ("results/x/cases.csv", f"case 1: {column}")


def test_how_thick_a_liver_is(made):
    """By which a run leaves cases out."""
    path = made / "results/cases/case-1.json"
    said = json.loads(path.read_text())
    assert said["liver_mm"] == 5 * 1.5
    path.write_text(json.dumps(said | {"liver_mm": 30.0}))
    message = "case 1: liver_mm is 30.0 there and 7.5 by the volumes"
    assert found(made) == {("results/x/cases/case-1.json", message)}
    assert audited(made, distrusted={"results/x/cases/case-1.json"}).findings == ()


def test_sizes_that_are_said_to_be_known(made):
    edit(made, "cases.csv", "sizes_known", 1, "False")
    message = "case 1: sizes_known is False there and True by the volumes"
    assert found(made) == {("results/x/cases.csv", message)}


def test_a_patient_under_two_numbers(made):
    volume = (made / "data/volume-0.nii.gz").read_bytes()
    (made / "data/volume-1.nii.gz").write_bytes(volume)
    message = "cases 0, 1 are one patient: their images are the same, voxel by voxel"
    assert ("results/x/cases.csv", message) in found(made)


def test_a_patient_in_another_fold(made):
    edit(made, "folds.csv", "fold", 1, 1)
    messages = dict(found(made))
    assert "case 1 is in fold 1 there and in 0 by the rule" in messages["results/x/folds.csv"]


def test_a_slice_in_another_part(made):
    split = pd.read_csv(made / "results/split.csv")
    row = split.index[(split["fold"] == "all") & (split["part"] == "train")][0]
    edit(made, "split.csv", "part", row, "heldout")
    ((path, message),) = found(made)
    assert (path, message.split(":")[0]) == ("results/x/split.csv", "fold all")


def test_without_the_volumes_of_a_case_it_is_unchecked(made):
    findings = audited(made, cases=[0, 2]).findings
    assert [(f.severity, f.kind) for f in findings] == [(Severity.unchecked, FindingKind.number)]
    assert "1 cases were not scored again" in findings[0].message


def test_a_volume_that_cannot_be_read(made):
    (made / "data/volume-1.nii.gz").write_bytes(b"no volume")
    assert any("case 1 cannot be made again" in message for _, message in found(made))


def test_nothing_follows_from_what_is_known_to_be_broken(made):
    mask = "segmentations/unet/0/unseen/segmentation-1.nii.gz"
    (made / "results" / mask).write_bytes(b"no mask")
    assert audited(made, distrusted={f"results/x/{mask}"}).findings == ()
    assert audited(made, distrusted={"results/x/scores.csv"}).counts.get("scores") is None


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_folds_from_a_file(made, kind):
    rows = {0: 0, 1: 0, 2: 1}
    path = made / "given"
    results = Results(made / "results", "results/x", CONFIG | {"folds": f"{made.name}/given"}, ())

    def told():
        return [f for f in recompute(results, raw(made)).findings if f.path.endswith("folds.csv")]

    (finding,) = told()
    assert (finding.severity, finding.kind) == (Severity.unchecked, FindingKind.number)
    if kind == "csv":
        path.write_text("fold,case\n" + "".join(f"{f},liver_{c}\n" for c, f in rows.items()))
    else:
        sides = [[f"case_00{case}" for case in rows if rows[case] == fold] for fold in (0, 1)]
        entries = [{"train": sides[1 - fold], "val": sides[fold]} for fold in (0, 1)]
        path.write_text(json.dumps(entries))
    assert told() == []
    edit(made, "folds.csv", "fold", 0, 1)
    assert [f.message for f in told()] == ["case 0 is in fold 1 there and in 0 by the rule"]
