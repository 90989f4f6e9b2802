"""Observed orders of convergence against exact solutions."""

import pandas as pd
import pytest
import torch

from upwind.levelset.equation import convergence
from upwind.levelset.equation.limits import CURVATURE_FLOOR


@pytest.fixture(scope="module")
def table():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield convergence.measure()
    torch.set_num_threads(before)


def test_columns_and_rows(table):
    assert list(table) == list(convergence.COLUMNS)
    names = {"expanding", "shrinking", "curvature", "curvature_distance", "transport", "arrival"}
    assert set(zip(table["experiment"], table["dimensions"], strict=True)) == {
        (name, d) for name in names for d in (2, 3)
    }
    assert (table["h"] == 1 / table["size"]).all()
    assert (table.groupby(["experiment", "dimensions"])["order"].count() >= 2).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("expanding", 1), ("shrinking", 1), ("curvature", 2), ("transport", 1), ("arrival", 1)],
)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_observed_order_is_the_expected_one(table, name, expected, dimensions):
    part = table[(table["experiment"] == name) & (table["dimensions"] == dimensions)]
    assert (part["expected_order"] == expected).all()
    finest = part["order"].iloc[-1]
    assert abs(finest - expected) < 0.15 * expected
    # Coarse grids may converge faster (arrival: h against the source's radius), never slower.
    assert part["order"].min() > 0.85 * expected


@pytest.mark.parametrize("dimensions", [2, 3])
def test_on_a_distance_the_floor_of_the_curvature_is_left(table, dimensions):
    """It slows the contour by its share of |grad u|^2 = 1: r^2 = r0^2 - 2 (d - 1) t / (1 + floor),
    so that the radius, 0.2 at the end, is off by (0.25^2 - 0.2^2) / 2 * floor / 0.2."""
    parts = table[table["dimensions"] == dimensions].groupby("experiment")["error"]
    left = parts.get_group("curvature_distance").iloc[-1] - parts.get_group("curvature").iloc[-1]
    assert left == pytest.approx((0.25**2 - 0.2**2) / 2 * CURVATURE_FLOOR / 0.2, rel=0.05)


def test_errors_are_small_on_the_finest_grids(table):
    finest = table.groupby(["experiment", "dimensions"])["error"].last().unstack()
    assert (finest[2] < 6e-4).all()
    assert (finest[3] < 7e-3).all()


def test_orders_by_hand():
    run = {8: 0.08, 16: 0.02, 48: 0.02 / 9}.get
    table = convergence.measure([convergence.Experiment("curvature", 2, (8, 16, 48), run)])
    assert pd.isna(table["order"][0])
    assert table["order"].tolist()[1:] == pytest.approx([2.0, 2.0])
