import pandas as pd
import pytest

from upwind.common.errors import UpwindError
from upwind.figures.convergence import draw_convergence
from upwind.levelset.equation.convergence import COLUMNS, EXPERIMENTS


def table(names=("expanding", "arrival")):
    rows = [
        (name, d, n, 1 / n, 0.1 / n, None if n == 16 else 1.25, 1.0)
        for name in names
        for d in (2, 3)
        for n in (16, 32)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_a_panel_for_each_experiment_with_its_errors_and_orders():
    figure = draw_convergence(table())
    assert len(figure.axes) == 2
    for axes in figure.axes:
        drawn = {line.get_label(): line for line in axes.lines}
        assert drawn["3-D"].get_xdata().tolist() == [16, 32]
        assert drawn["3-D"].get_ydata().tolist() == [0.1 / 16, 0.1 / 32]
        slope = drawn["slope of the expected order"].get_ydata()
        assert slope[0] / slope[1] == pytest.approx(2)
        (text,) = axes.texts
        assert text.get_text() == "order 1 expected\n2-D: 1.25\n3-D: 1.25"


def test_all_experiments_are_legible_side_by_side(assert_legible):
    names = list(dict.fromkeys(experiment.name for experiment in EXPERIMENTS))
    figure = draw_convergence(table(names))
    assert len([axes for axes in figure.axes if axes.lines]) == len(names)
    assert_legible(figure)


def test_no_rows_are_refused():
    with pytest.raises(UpwindError, match="empty"):
        draw_convergence(table().iloc[:0])
