import numpy as np
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures.searches import draw_searches, mean_over_time


def history(seconds, best):
    return pd.DataFrame({"spent_seconds": seconds, "best_dsc": best})


ONE, OTHER = history([1.0, 3.0, 9.0], [0.5, 0.7, 0.9]), history([2.0, 4.0], [0.3, 0.5])


def test_the_mean_begins_when_all_have_a_trial_and_keeps_what_ended():
    seconds, mean = mean_over_time([ONE, OTHER])
    assert seconds.tolist() == [2, 3, 4, 9]
    assert mean == pytest.approx([0.4, 0.5, 0.6, 0.7])


def test_a_line_for_each_search_and_their_mean(texts, assert_legible):
    figure = draw_searches([ONE, OTHER], [ONE])
    left, right = figure.axes
    lines = {line.get_gid(): line for line in left.lines}
    assert set(lines) == {"search-0", "search-1", "mean"}  # far from ten minutes
    np.testing.assert_array_equal(lines["search-1"].get_xdata(), [2, 4])
    np.testing.assert_array_equal(lines["search-1"].get_ydata(), [0.3, 0.5])
    assert lines["mean"].get_xdata().tolist() == [2, 3, 4, 9, 9]
    assert left.get_xscale() == "log"
    assert {line.get_gid() for line in right.lines} == {"search-0", "mean"}
    assert left.get_xlim() == pytest.approx((1 / 1.3, 9 * 1.3))
    assert {"1 s", "2 s", "5 s", "10 s"} <= set(texts(figure))
    assert any("2 cases" in text for text in texts(figure))
    assert_legible(figure)


def test_ten_minutes_are_marked_where_a_search_comes_near_them(texts, assert_legible):
    long = history([1.0, 40.0, 400.0], [0.5, 0.7, 0.9])
    figure = draw_searches([long], [ONE])
    left, right = figure.axes
    lines = {line.get_gid(): line for line in left.lines}
    assert lines["ten-minutes"].get_xdata()[0] == 600
    assert "ten-minutes" not in {line.get_gid() for line in right.lines}
    assert [label.get_text() for label in left.get_xticklabels()] == [
        "1 s",
        "10 s",
        "1 min",
        "10 min",
    ]
    assert_legible(figure)


def test_a_search_of_one_trial_is_a_point():
    left, _ = draw_searches([history([1.0], [0.5])], [ONE]).axes
    assert next(line for line in left.lines if line.get_gid() == "search-0").get_marker() == "o"


def test_nothing_to_draw_is_an_error():
    with pytest.raises(UpwindError, match="no searches"):
        draw_searches([], [ONE])
