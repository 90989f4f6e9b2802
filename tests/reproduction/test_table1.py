"""Table I of each seed, against means worked out by hand."""

import json

import pytest

from upwind.methods import catalogue, to_json
from upwind.reproduction.table1 import (
    CellComparison,
    Spread,
    compare_cells,
    folds_of,
    read_cells,
    spread_over_seeds,
    tables_by_seed,
)

TABLE = "fold,itk_snap,unet\n0,0.5,0.75\n1,0.5,0.25\navg,0.5,0.5\navg_without_1,0.5,0.75\n"
# Two seeds, two folds; fold 0 has two cases, and one whose DSC is undefined.
SCORES = """method,seed,fold,case,subset,dsc
itk_snap,,0,0,unseen,0.5
unet,0,0,0,unseen,0.5
unet,0,0,1,unseen,1.0
unet,0,0,4,unseen,
unet,0,0,0,unseen_liver,0.125
unet,0,1,2,unseen,0.25
unet,2,0,0,unseen,0.5
unet,2,0,1,unseen,0.5
unet,2,1,2,unseen,0.75
"""


@pytest.fixture
def results(tmp_path):
    (tmp_path / "table1.csv").write_text(TABLE)
    (tmp_path / "seeds.csv").write_text(SCORES)
    (tmp_path / "methods.json").write_text(json.dumps(to_json(catalogue())))
    return tmp_path


def test_table1_of_each_seed(results):
    assert tables_by_seed(results) == {
        0: {
            ("unet", "0"): 0.75,
            ("unet", "1"): 0.25,
            ("unet", "avg"): 0.5,
            ("unet", "avg_without_1"): 0.75,
        },
        2: {
            ("unet", "0"): 0.5,
            ("unet", "1"): 0.75,
            ("unet", "avg"): 0.625,
            ("unet", "avg_without_1"): 0.5,
        },
    }


def test_the_spread_is_the_range_over_seeds(results):
    assert spread_over_seeds(results) == {
        ("unet", "0"): Spread(0.25, (0, 2)),
        ("unet", "1"): Spread(0.5, (0, 2)),
        ("unet", "avg"): Spread(0.125, (0, 2)),
        ("unet", "avg_without_1"): Spread(0.25, (0, 2)),
    }


def test_one_seed_has_no_spread(results):
    kept = [line for line in SCORES.splitlines() if not line.startswith("unet,2")]
    (results / "seeds.csv").write_text("\n".join(kept) + "\n")
    assert spread_over_seeds(results) == {}
    (results / "seeds.csv").unlink()
    assert spread_over_seeds(results) == {}


def test_cells_are_texts_with_all_their_digits(results):
    (results / "table1.csv").write_text("fold,unet\n0,0.10000000000000003\n")
    assert read_cells(results) == {("unet", "0"): "0.10000000000000003"}
    (cell,) = compare_cells(read_cells(results), {("unet", "0"): "0.1"}, {})
    assert cell == CellComparison("unet", "0", "0.10000000000000003", "0.1")
    assert cell.size == 2.7755575615628914e-17
    assert not cell.within


def test_folds_of_a_row():
    rows = ["0", "1", "2", "avg", "avg_without_0_2"]
    assert [folds_of(row, rows) for row in rows] == [["0"], ["1"], ["2"], ["0", "1", "2"], ["1"]]
