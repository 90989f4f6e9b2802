"""The heat map of replaced kernels."""

import matplotlib.colors
import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures.replacements import draw_replacements
from upwind.figures.style import save

LAYERS = [*map(str, range(1, 19)), "all"]
NAMES = ["centroid", "nearest", "mean_zero", "differences", "first_order", "shuffled", "gaussian"]


@pytest.fixture
def table():
    return pd.DataFrame(
        [
            {"layer": layer, "replacement": name, "change": -0.04 * row - 0.01 * column}
            | {"low": -0.9, "high": 0.1 if name == "nearest" else -0.001}
            | {"relative_norm": 0.2 * column}
            for column, name in enumerate(NAMES)
            for row, layer in enumerate(LAYERS)
        ]
    )


def cells(axes):
    """Texts by row and column."""
    return {tuple(map(round, t.get_position()[::-1])): t for t in axes.texts}


def test_a_cell_for_each_layer_and_replacement_with_its_number(table):
    change, norm = draw_replacements(table).axes
    assert [t.get_text() for t in change.get_yticklabels()] == LAYERS
    for axes in (change, norm):
        names = [t.get_text() for t in axes.get_xticklabels()]
        assert names == [name.replace("_", " ") for name in NAMES]
        assert axes.images[0].get_array().shape == (19, 7)
        assert len(axes.texts) == 19 * 7
    assert change.images[0].get_array()[4, 3] == pytest.approx(-0.19)
    assert cells(change)[4, 3].get_text() == "−0.19"
    assert cells(change)[0, 0].get_text() == "0"
    assert cells(norm)[4, 3].get_text() == "0.60"


def test_bold_is_what_no_resampling_explains(table):
    change, norm = draw_replacements(table).axes
    weights = {place: t.get_fontweight() for place, t in cells(change).items()}
    assert {w for (_, column), w in weights.items() if column == 1} == {"normal"}
    assert {w for (_, column), w in weights.items() if column != 1} == {"bold"}
    assert {t.get_fontweight() for t in norm.texts} == {"normal"}


def test_numbers_are_legible_on_their_cells(table, assert_legible):
    figure = draw_replacements(table)
    assert_legible(figure)
    for axes in figure.axes:
        image = axes.images[0]
        for (row, column), text in cells(axes).items():
            behind = luminance(image.cmap(image.norm(image.get_array()[row, column])))
            before = luminance(matplotlib.colors.to_rgba(text.get_color()))
            low, high = sorted((behind, before))
            assert (high + 0.05) / (low + 0.05) > 3, (row, column)  # WCAG's least, for large text


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_few_layers_and_gains_are_drawn_too(table, tmp_path):
    few = table[table["layer"].isin(["2", "all"]) & (table["replacement"] != "gaussian")]
    figure = draw_replacements(few.assign(change=0.02))
    assert figure.axes[0].texts[0].get_text() == "+0.02"
    save(figure, tmp_path / "r.png", tmp_path / "r.pdf")


def test_an_empty_table_is_refused(table):
    with pytest.raises(UpwindError, match="no rows"):
        draw_replacements(table[:0])
