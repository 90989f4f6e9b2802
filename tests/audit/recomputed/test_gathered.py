"""Tables that gather what other files say, held against these."""

import json

import pandas as pd
import pytest

from upwind.audit.findings import FindingKind
from upwind.audit.recomputed.gathered import check_gathered
from upwind.audit.recomputed.numbers import Results
from upwind.data.reports import CaseReport, cases_table, usable, with_thin, with_twins
from upwind.methods import catalogue, to_json

CONFIG = {"levelset": {"spacing_mm": 5.0, "blind": {"spacing_mm": 6.0}}}
FOLD = "segmentations/unet/0/unseen"


def report(case, **others):
    fields = {"shape": (160, 150, 27), "spacing": (2.15339994430542, 0.7, 8.0)}
    fields |= {"orientation": "LPS", "hu_min": -1024.0, "hu_max": 610.5, "slices": 27}
    fields |= {"liver_slices": 22, "liver_ml": 1579.8520922445725, "tumour_ml": 0.0}
    fields |= {"liver_hu": 22.0, "fat_or_air": 1 / 3, "voxels": f"digest of {case}"}
    fields |= {"sizes_known": True, "liver_mm": 96.0}
    return CaseReport(case, **fields | others)


REPORTS = [
    report(0, notes=("one note.", "another.")),
    report(3, voxels="twins"),
    report(5, voxels="twins"),
    CaseReport(7, errors=("no label.", "no CT.")),
    report(9, shape=(2, 3, 4, 5), sizes_known=False),
    report(10, liver_mm=5.5),
    report(12, voxels="more twins", liver_mm=5.5),
    report(13, voxels="more twins", liver_mm=5.5),
]


@pytest.fixture
def results(tmp_path):
    """Results as the workflow's own code writes them."""
    for one in REPORTS:
        path = tmp_path / f"cases/case-{one.number}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(one.to_dict()))
    reports = with_thin(with_twins(REPORTS), 6.0)
    cases_table(reports).to_csv(tmp_path / "cases.csv", index=False)
    numbers = usable(reports, "skip")
    assert numbers == [0, 3, 9]
    (tmp_path / "cases.txt").write_text("".join(f"{number}\n" for number in numbers))
    parts = [
        pd.DataFrame({"fold": fold, "case": [1, 2], "slice": 4, "part": "train"})
        for fold in ("0", "1", "all")
    ]
    (tmp_path / "split").mkdir()
    for part in parts:
        part.to_csv(tmp_path / f"split/{part['fold'][0]}.csv", index=False)
    pd.concat(parts).to_csv(tmp_path / "split.csv", index=False)
    methods = {key: catalogue()[key] for key in ("itk_snap", "unet")}
    (tmp_path / "methods.json").write_text(json.dumps(to_json(methods)))
    keys = [("unet", 0, 3, "unseen"), ("itk_snap", 0, 3, "unseen")]
    scores = pd.DataFrame(keys, columns=["method", "fold", "case", "subset"])
    scores.to_csv(tmp_path / "scores.csv", index=False)
    for mask in (f"{FOLD}/segmentation-3.nii.gz", "segmentations/itk_snap/segmentation-9.nii.gz"):
        (tmp_path / mask).parent.mkdir(parents=True)
        (tmp_path / mask).touch()
    return Results(tmp_path, "results/x", CONFIG)


def found(results):
    return [(f.path, f.message) for f in check_gathered(results).findings]


def test_what_the_workflow_writes_holds(results):
    checked = check_gathered(results)
    assert checked.findings == ()
    assert checked.counts == {"case_reports": 8, "gathered_slices": 6, "scored_masks": 1}


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (0, "liver_ml", "1579.852"),
        (0, "spacing_x_mm", "2.1534"),
        (0, "orientation", "RAS"),
        (0, "hu_max", ""),
        (0, "notes", "one note."),
        (1, "notes", ""),
        (2, "errors", ""),
        (2, "notes", "one more."),
        (2, "usable", "True"),
        (3, "size_x", "1"),
        (3, "errors", "no label."),
        (3, "sizes_known", "True"),
        (4, "sizes_known", "True"),
        (5, "errors", ""),
        (5, "usable", "True"),
        (5, "notes", "one more."),
        (6, "errors", ""),
        (6, "notes", ""),
    ],
)
def test_a_cell_that_is_not_as_in_the_report(results, edit, row, column, value):
    edit(results, "cases.csv", row, column, value)
    number = REPORTS[row].number
    message = f"case {number}: {column} is {value or 'empty'} there, and otherwise in "
    assert found(results) == [("results/x/cases.csv", f"{message}cases/case-{number}.json")]


def test_a_report_that_was_changed(results):
    path = results.folder / "cases/case-0.json"
    path.write_text(json.dumps(report(0, liver_ml=1.0, notes=REPORTS[0].notes).to_dict()))
    ((where, message),) = found(results)
    assert where == "results/x/cases.csv"
    assert message == (
        "case 0: liver_ml is 1579.8520922445725 there, and otherwise in cases/case-0.json"
    )


@pytest.mark.parametrize(("row", "liver_mm"), [(0, 5.9), (5, 6.0)])
def test_a_report_of_a_thinner_or_thicker_liver(results, row, liver_mm):
    number = REPORTS[row].number
    path = results.folder / f"cases/case-{number}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"liver_mm": liver_mm}))
    assert "results/x/cases.txt" in dict(found(results))
    names = [message.split()[2] for path, message in found(results) if path.endswith(".csv")]
    assert names == ["errors", "usable"]


def test_a_report_that_writes_a_name_twice(results):
    path = results.folder / "cases/case-0.json"
    path.write_text(path.read_text().replace("{", '{"number": 1, ', 1))
    assert "it writes 'number' twice" in dict(found(results))["results/x/cases.csv"]


def test_a_case_too_many_among_the_usable(results):
    (results.folder / "cases.txt").write_text("0\n3\n5\n9\n")
    message = "it lists other cases than those that are usable: 0, 3, 9"
    assert found(results) == [("results/x/cases.txt", message)]


def test_a_slice_in_another_part(results, edit):
    edit(results, "split.csv", 2, "part", "heldout")
    message = "fold 1: 2 rows are there or in split/1.csv, not in both: 1 1 4 heldout"
    assert found(results) == [("results/x/split.csv", message)]


def test_a_mask_of_a_case_that_is_not_scored(results):
    planted = f"{FOLD}/segmentation-99.nii.gz"
    (results.folder / planted).touch()
    (finding,) = check_gathered(results).findings
    assert (finding.kind, finding.path) == (FindingKind.unexplained, f"results/x/{planted}")
    assert finding.message == "it is no segmentation of a case that is scored"
