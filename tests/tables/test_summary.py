import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from upwind.common.intervals import Resampling
from upwind.tables.summary import COLUMNS, measure_title, shown_measures, tables_of, view

SETTINGS = Resampling(200, 0.95, 0)


def scores(empty=False, methods=("mine", "theirs")):
    rng = np.random.default_rng(0)
    rows = [
        {"method": method, "fold": np.nan, "case": case, "subset": "unseen"}
        | {"dsc": 0.9 - 0.1 * place + 0.01 * rng.random(), "mask_voxels": 5, "label_voxels": 5}
        | {"hd95_mm": 2.0 + place, "nsd_3mm": 0.5, "nsd_5mm": 0.75, "diagonal_mm": 400.0}
        for place, method in enumerate(methods)
        for case in range(4)
    ]
    table = pd.DataFrame(rows)
    if empty:
        table.loc[0, ["mask_voxels", "dsc", "hd95_mm", "nsd_3mm", "nsd_5mm"]] = [0, 0, np.nan, 0, 0]
    return table


def text(tables):
    console = Console(width=100, color_system=None)
    with console.capture() as caught:
        console.print(view(tables))
    return caught.get()


def test_the_summary_has_a_line_for_each_method_and_measure():
    tables = tables_of(scores(), {"mine": 0, "theirs": 2}, SETTINGS)
    assert tuple(tables.summary.columns) == COLUMNS
    assert len(tables.summary) == 2 * 4
    row = tables.summary[tables.summary["measure"] == "hd95_mm"].set_index("method").loc["theirs"]
    assert row[["patients", "missing", "empty", "mean"]].tolist() == [4, 2, 0, 3.0]


def test_methods_come_by_their_rank_in_dsc():
    flipped = scores(methods=("theirs", "mine"))
    assert tables_of(flipped, {}, SETTINGS).methods == ["theirs", "mine"]
    worse = flipped.assign(dsc=1 - flipped["dsc"])
    assert tables_of(worse, {}, SETTINGS).methods == ["mine", "theirs"]


def test_a_single_method_has_no_rank():
    tables = tables_of(scores(methods=("mine",)), {"mine": 0}, SETTINGS)
    assert tables.methods == ["mine"]
    assert "Rank" not in text(tables)


def test_people_see_dsc_hd95_and_the_last_nsd():
    tables = tables_of(scores(), {"mine": 0, "theirs": 0}, SETTINGS)
    assert shown_measures(tables.summary) == ["dsc", "hd95_mm", "nsd_5mm"]
    filled = tables_of(scores(empty=True), {"mine": 0, "theirs": 0}, SETTINGS)
    assert shown_measures(filled.summary) == ["dsc", "hd95_mm_or_diagonal", "nsd_5mm"]


def test_the_table_says_what_failed_and_how_stable_a_rank_is():
    shown = text(tables_of(scores(empty=True), {"mine": 0, "theirs": 10}, SETTINGS))
    assert "10 missing" in shown
    assert "1 empty" in shown
    assert "0 missing" not in shown.replace("10 missing", "")
    assert "t over 4 patients" in shown
    assert "the volume's diagonal stands for an empty mask" in " ".join(shown.split())
    assert "in 100%" not in shown
    assert "0.750" in shown


@pytest.mark.parametrize(
    ("measure", "title"),
    [
        ("dsc", "DSC"),
        ("hd95_mm_or_diagonal", "HD95, mm"),
        ("nsd_2.5mm", "NSD at 2.5 mm"),
        ("assd_mm", "ASSD, mm"),
    ],
)
def test_titles(measure, title):
    assert measure_title(measure) == title
