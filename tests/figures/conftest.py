"""What a reader needs of every figure: text that is large enough, inside, and not overprinted."""

from itertools import combinations

import pytest
from matplotlib.text import Text

SMALLEST = 7.0


def visible_texts(figure):
    """Every visible text with content, and its box in pixels."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    hidden = {
        id(text)
        for axes in figure.axes
        if not axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for text in axis.findobj(Text)
    }
    # Ticks outside an axis' limits exist and are not drawn.
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = {id(tick) for tick in axis._update_ticks()}
            hidden |= {
                id(label)
                for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
                for label in (tick.label1, tick.label2)
                if id(tick) not in drawn
            }
    return [
        (text, Text.get_window_extent(text, renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]


@pytest.fixture
def texts():
    """Function: the visible strings of a figure."""
    return lambda figure: [text.get_text() for text, _ in visible_texts(figure)]


@pytest.fixture
def assert_legible():
    """Function: fails on text that is too small, outside the figure, or over other text."""

    def check(figure):
        found = visible_texts(figure)
        assert found
        page = figure.bbox
        for text, box in found:
            assert text.get_fontsize() >= SMALLEST, text.get_text()
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1
            assert inside, f"{text.get_text()!r} leaves the figure"
        for (first, a), (second, b) in combinations(found, 2):
            apart = min(a.x1, b.x1) - max(a.x0, b.x0) <= 0.5 or (
                min(a.y1, b.y1) - max(a.y0, b.y0) <= 0.5
            )
            assert apart, f"{first.get_text()!r} lies over {second.get_text()!r}"

    return check
