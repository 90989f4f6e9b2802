import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.methods import catalogue
from upwind.tables.extended import extended_table, to_html, to_markdown

# Whatever others somebody adds.
METHODS = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}


def scores(without=()):
    rows = [
        {
            "method": method,
            "fold": fold,
            "case": 2 * fold + i,
            "subset": subset,
            "dsc": dsc + i / 10,
        }
        for m, method in enumerate(METHODS)
        for fold in (0, 1, 2)
        for i in (0, 1)
        for subset, dsc in (("unseen", 0.1 + 0.2 * m), ("unseen_liver", 0.8), ("heldout", 0.9))
        if (method, fold) not in without
    ]
    return pd.DataFrame(rows)


def test_cells_are_means_over_unseen_patients():
    table = extended_table(scores(), METHODS)
    assert list(table.columns) == ["fold", *METHODS]
    assert table["fold"].tolist() == ["0", "1", "2", "avg"]
    assert table.loc[0, list(METHODS)].tolist() == pytest.approx([0.15, 0.35, 0.55, 0.75])
    assert table.loc[3, list(METHODS)].tolist() == pytest.approx([0.15, 0.35, 0.55, 0.75])


def test_a_failed_fold_is_left_out_for_every_method():
    wide = scores()
    wide.loc[(wide["fold"] == 1) & (wide["method"] == "lsn"), "dsc"] = 0.0
    last = extended_table(wide, METHODS, [1]).iloc[-1]
    assert last["fold"] == "avg_without_1"
    assert last["lsn"] == pytest.approx(0.75)


def test_a_fold_without_a_score_is_an_error():
    with pytest.raises(UpwindError, match="the extended table: no defined DSC for itk_snap_blind"):
        extended_table(scores(without=[("itk_snap_blind", 2)]), METHODS)


def test_people_read_who_knew_what():
    table = extended_table(scores(), METHODS)
    markdown, page = to_markdown(table, METHODS, ["A < B."]), to_html(table, METHODS, ["A < B."])
    assert "| avg | 0.150 | 0.350 | 0.550 | 0.750 |" in markdown
    assert "A &lt; B." in page
    assert page.count("<table") == 2
    for method in METHODS.values():
        assert f"| {method.title} | {method.knows} | {method.has} |" in markdown
        assert method.knows in page
        assert method.has in page
    assert "ground truth" in METHODS["itk_snap"].knows
    assert METHODS["itk_snap_blind"].knows == "CT"
