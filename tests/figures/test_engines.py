import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures.engines import draw_engines
from upwind.levelset.comparison import COLUMNS


def table():
    rows = [
        (case, mode, engine, 400, 1.5, 2.0, 1000, 0.9, 0.98, None, 0.97)
        for case in (3, 7)
        for mode in ("region", "edge")
        for engine in ("simpleitk", "c3d", "torch")
        if (mode, engine) != ("edge", "c3d")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_a_row_for_each_mode_and_a_mark_for_each_case_and_engine():
    figure = draw_engines(table())
    assert len(figure.axes) == 2 * 4
    region, edge = figure.axes[1], figure.axes[5]
    assert [line.get_label() for line in region.lines][1] == "Convert3D"
    assert len(region.lines) == 3
    assert len(edge.lines) == 2
    assert all(len(line.get_xdata()) == 2 for line in region.lines)
    assert [text.get_text() for text in edge.get_xticklabels()] == ["3", "7"]


def test_no_rows_are_refused():
    with pytest.raises(UpwindError, match="no engine was run"):
        draw_engines(table().iloc[:0])
