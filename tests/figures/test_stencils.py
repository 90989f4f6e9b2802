"""The figure of the LSN's stencils."""

import pandas as pd
import pytest

from upwind.figures.stencils import draw_stencils
from upwind.kernels.learned_stencils import stencil_table
from upwind.kernels.stencils import WEIGHTS


@pytest.fixture
def table():
    start = stencil_table({})
    folds = [start.assign(fold=str(fold), distance=0.1 * (fold + 1)) for fold in range(3)]
    for fold in folds:
        fold[WEIGHTS[0]] += 0.2
    return pd.concat([start, *folds], ignore_index=True)


def test_it_shows_start_mean_change_and_every_fold(table):
    figure = draw_stencils(table)
    bars = figure.axes[4 * 9 :]  # of both scales of colours
    assert [bar.get_ylim()[1] for bar in bars] == pytest.approx([2.0, 0.2])
    start, learned, change = (figure.axes[9 * row].images[0].get_array() for row in range(3))
    assert (learned - start)[0, 0] == pytest.approx(0.2)
    assert change[0, 0] == pytest.approx(0.2)
    assert abs(change).sum() == pytest.approx(0.2)
    dots = figure.axes[27].collections[0].get_offsets()[:, 1]
    assert dots.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["D-x", "D+x"]
