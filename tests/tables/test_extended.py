import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.common.intervals import Resampling
from upwind.methods import catalogue
from upwind.tables.extended import extended_table, spread, to_html, to_markdown

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
    over = spread(scores(), METHODS, Resampling(100, 0.9, 0))
    markdown = to_markdown(table, METHODS, over, ["A < B."])
    page = to_html(table, METHODS, over, ["A < B."])
    assert "| avg | 0.150 | 0.350 | 0.550 | 0.750 |" in markdown
    assert "A &lt; B." in page
    assert page.count("<table") == 3
    for method in METHODS.values():
        assert f"| {method.title} | {method.knows} | {method.has} |" in markdown
        assert method.knows in page
        assert method.has in page
    assert "ground truth" in METHODS["itk_snap"].knows
    assert METHODS["itk_snap_blind"].knows == "CT"


def test_the_spread_is_over_folds_and_the_range_over_seeds():
    table = scores().query("method == 'unet' and subset == 'unseen'")
    # Folds with means 0.5, 0.55 and 0.6 of one seed, and a tenth less of the other.
    first = table.assign(seed=0, dsc=0.5 + table["fold"] / 20)
    both = pd.concat([first, first.assign(seed=1, dsc=first["dsc"] - 0.1)])
    (row,) = spread(both, METHODS, Resampling(100, 0.95, 0)).itertuples(index=False, name=None)
    half = 4.302652729696142 * 0.05 / 3**0.5  # Student's t of two degrees of freedom
    assert row == (
        METHODS["unet"].title, "6", "0.500", f"{0.5 - half:.3f} to {0.5 + half:.3f}",
        "t over 3 folds", "2", "0.450 to 0.550",
    )  # fmt: skip


def test_one_seed_has_no_range():
    over = spread(scores(), METHODS, Resampling(100, 0.95, 0))
    assert over["Method"].tolist() == [method.title for method in METHODS.values()]
    assert over["seeds"].tolist() == ["1"] * 4
    assert over["means of seeds"].tolist() == [""] * 4
