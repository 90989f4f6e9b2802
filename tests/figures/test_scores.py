import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures import style
from upwind.figures.scores import draw_scores
from upwind.methods import catalogue
from upwind.tables.published import published_table1

# Whatever others somebody adds.
METHODS = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}


def scores(methods=("lsn", "itk_snap", "unet"), folds=5, cases=3):
    random = np.random.default_rng(0)
    rows = [
        {
            "method": method,
            "fold": fold,
            "case": fold * cases + i,
            "subset": subset,
            "dsc": random.uniform(0.3, 0.95),
        }
        for method in methods
        for fold in range(folds)
        for i in range(cases)
        for subset in ("unseen", "unseen_liver", "heldout")
    ]
    return pd.DataFrame(rows)


def published():
    return published_table1()


def patients(axes):
    return {c.get_gid(): c for c in axes.collections if (c.get_gid() or "").startswith("patients")}


def test_every_unseen_patient_is_a_point_of_its_method_and_fold(texts, assert_legible):
    table = scores()
    undefined = table.query("method == 'unet' and fold == 1 and subset == 'unseen'").index[0]
    table.loc[undefined, "dsc"] = np.nan
    figure = draw_scores(table, METHODS, published())
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["ITK-SNAP", "UNet", "LSN"]
    names = [t.get_color() for t in axes.get_xticklabels()]
    assert names == [METHODS[key].colour for key in ("itk_snap", "unet", "lsn")]
    assert not {*names} & {*style.PALETTE}  # which tell folds apart
    for x, method in enumerate(("itk_snap", "unet", "lsn")):
        for fold in range(5):
            expected = table[
                (table["method"] == method)
                & (table["fold"] == fold)
                & (table["subset"] == "unseen")
            ]
            points = patients(axes)[f"patients-{x}-{fold}"]
            drawn = points.get_offsets()
            assert drawn[:, 1].tolist() == expected["dsc"].dropna().tolist()
            assert (np.abs(drawn[:, 0] - x) < 0.35).all()
    # Folds have colours of their own, the same for each method.
    colours = {
        fold: {tuple(patients(axes)[f"patients-{x}-{fold}"].get_facecolors()[0]) for x in range(3)}
        for fold in range(5)
    }
    assert all(len(found) == 1 for found in colours.values())
    assert len(set.union(*colours.values())) == 5
    named = {"published on LiTS, fold", "published on LiTS, all"}
    assert {"fold 0", "fold 4", *named} <= set(texts(figure))
    assert_legible(figure)


def test_published_values_are_those_of_unseen_patients():
    table = scores()
    table.loc[0, "dsc"] = 0.0  # so that the axis holds all of them
    (axes,) = draw_scores(table, METHODS, published()).axes
    marks = {line.get_gid(): line.get_ydata() for line in axes.lines if line.get_gid()}
    assert list(marks["published-0"]) == [0.736, 0.600, 0.483, 0.730, 0.643]
    assert list(marks["published-2"]) == [0.619, 0.729, 0.005, 0.606, 0.596]  # LSN Validation
    assert [list(marks[f"published-average-{x}"]) for x in range(3)] == [[0.640], [0.903], [0.511]]


def test_the_blind_level_set_stands_beside_the_papers_and_has_nothing_published():
    methods = ("lsn", "itk_snap_blind", "itk_snap", "unet")
    (axes,) = draw_scores(scores(methods=methods), METHODS, published()).axes
    names = [t.get_text() for t in axes.get_xticklabels()]
    assert names == ["ITK-SNAP", "ITK-SNAP, blind", "UNet", "LSN"]
    marks = {line.get_gid(): line.get_ydata() for line in axes.lines if line.get_gid()}
    averages = {name: list(y) for name, y in marks.items() if name.startswith("published-average")}
    assert averages == {
        f"published-average-{x}": [y] for x, y in ((0, 0.640), (2, 0.903), (3, 0.511))
    }


def test_published_folds_are_left_out_where_ours_are_others(texts):
    figure = draw_scores(scores(folds=3), METHODS, published())
    (axes,) = figure.axes
    assert "published on LiTS, fold" not in texts(figure)
    assert "published on LiTS, all" in texts(figure)
    marks = {line.get_gid(): line.get_ydata() for line in axes.lines if line.get_gid()}
    assert len(marks["published-1"]) == 0
    assert list(marks["published-average-1"]) == [0.903]


def test_the_axis_holds_the_patients_and_published_values_below_are_numbers(texts, assert_legible):
    table = scores()
    table["dsc"] = 0.85 + table["dsc"] / 10
    figure = draw_scores(table, METHODS, published(), "the phantom")
    (axes,) = figure.axes
    assert axes.spines["left"].get_bounds() == pytest.approx((0.85, 1.0))
    assert (np.array(axes.get_yticks()) > 0.849).all()
    marks = {line.get_gid(): line.get_ydata() for line in axes.lines if line.get_gid()}
    assert list(marks["published-1"]) == [0.912, 0.919, 0.874, 0.895, 0.915]
    assert list(marks["published-2"]) == []
    (below,) = [t.get_text() for t in axes.texts if t.get_gid() == "published-below-2"]
    assert below.splitlines()[1:] == ["0.619, 0.729,", "0.005, 0.606,", "0.596", "all 0.511"]
    assert any("their heights do not compare" in text for text in texts(figure))
    assert_legible(figure)


def test_numbers_below_the_axis_lie_over_no_published_bar():
    table = scores()
    table["dsc"] = 0.55 + table["dsc"] / 3  # 0.619 and 0.606 are just within the axis
    figure = draw_scores(table, METHODS, published())
    (axes,) = figure.axes
    figure.canvas.draw()
    bottom = axes.spines["left"].get_bounds()[0]
    assert bottom == pytest.approx(0.6)
    end = axes.transData.transform((0, bottom))[1]
    marks = [line for line in axes.lines if (line.get_gid() or "").startswith("published")]
    assert all((np.asarray(line.get_ydata()) >= bottom).all() for line in marks)
    notes = [t for t in axes.texts if (t.get_gid() or "").startswith("published-below")]
    assert {note.get_gid() for note in notes} == {"published-below-0", "published-below-2"}
    for note in notes:
        box = note.get_window_extent()
        assert axes.get_window_extent().y0 <= box.y0 < box.y1 <= end


def test_the_box_is_of_all_patients_of_the_method():
    table = scores(methods=("unet",))
    (axes,) = draw_scores(table, METHODS).axes
    unseen = table.query("subset == 'unseen'")["dsc"]
    horizontal = {line.get_ydata()[0] for line in axes.lines if np.ptp(line.get_ydata()) == 0}
    assert any(np.isclose(value, unseen.median()) for value in horizontal)


def test_nothing_to_draw_is_an_error():
    with pytest.raises(UpwindError, match="no unseen patient"):
        draw_scores(scores().query("subset == 'heldout'"), METHODS)
