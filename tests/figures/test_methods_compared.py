import numpy as np
import pandas as pd
import pytest

from upwind.common.intervals import Resampling
from upwind.figures import style
from upwind.figures.methods_compared import draw_methods
from upwind.tables.summary import tables_of


def tables(methods=("a", "b", "c"), cases=6, empty=False):
    rng = np.random.default_rng(0)
    rows = [
        {"method": method, "fold": np.nan, "case": case, "subset": "unseen"}
        | {"mask_voxels": 5, "label_voxels": 5, "diagonal_mm": 400.0}
        | {"dsc": rng.random(), "hd95_mm": 20 * rng.random(), "nsd_5mm": rng.random()}
        for method in methods
        for case in range(cases)
    ]
    scores = pd.DataFrame(rows)
    if empty:
        scores.loc[2, ["mask_voxels", "hd95_mm"]] = [0, np.nan]
    return tables_of(scores, dict.fromkeys(methods, 0), Resampling(200, 0.95, 0))


def points(axes, gid):
    (found,) = [c for c in axes.collections if c.get_gid() == gid]
    return np.asarray(found.get_offsets())


def test_every_case_is_a_point_and_every_mean_a_bar():
    made = tables()
    figure = draw_methods(made)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "DSC", "HD95, mm", "NSD at 5 mm", "rank by DSC",
    ]  # fmt: skip
    for axes, measure in zip(figure.axes[:3], ("dsc", "hd95_mm", "nsd_5mm"), strict=True):
        for place, method in enumerate(made.methods):
            values = made.scores.loc[made.scores["method"] == method, measure]
            offsets = points(axes, f"cases-{measure}-{method}")
            assert offsets[:, 0] == pytest.approx(values.to_numpy())
            assert (abs(offsets[:, 1] - place) < 0.5).all()
            (mean,) = [x for x in axes.lines if x.get_gid() == f"mean-{measure}-{method}"]
            assert mean.get_xdata()[0] == pytest.approx(values.mean())


def test_names_stand_beside_the_first_panel_in_the_order_of_ranks():
    made = tables()
    first, *others = draw_methods(made).axes
    assert [label.get_text() for label in first.get_yticklabels()] == made.methods
    assert all(label.get_text() == "" for axes in others for label in axes.get_yticklabels())


def test_shares_of_ranks_are_written():
    made = tables()
    shown = {text.get_text() for text in draw_methods(made).axes[-1].texts}
    row = made.ranks_by_dsc.iloc[0]
    assert f"{row['rank_1']:.0%}" in shown


def test_an_empty_mask_stands_at_the_diagonal():
    axes = draw_methods(tables(empty=True)).axes[1]
    assert axes.get_xlabel() == "HD95, mm; empty: diagonal"
    assert points(axes, "cases-hd95_mm_or_diagonal-a")[2, 0] == 400
    assert axes.get_xscale() == "symlog"


def test_one_method_has_no_panel_of_ranks(tmp_path):
    figure = draw_methods(tables(methods=("alone",)))
    assert len(figure.axes) == 3
    style.save(figure, tmp_path / "scores.png", tmp_path / "scores.pdf")
    assert (tmp_path / "scores.png").stat().st_size > 1000


def test_the_same_scores_give_the_same_file(tmp_path):
    for name in ("one.svg", "two.svg"):
        style.save(draw_methods(tables()), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
