"""`snakemake engines`: each case by every level set engine, as a user runs it."""

import pandas as pd
import pytest

from upwind.levelset.comparison import COLUMNS
from upwind.levelset.engines import convert3d

SETTINGS = {
    "experiment": "engines",
    "folds": 2,
    "dataset": {"patients": 2},
    "levelset": {"spacing_mm": 12.0, "engine": "torch", "edge_equation": "itk_snap"},
}


def test_every_engine_on_every_case(workplace):
    pytest.importorskip(convert3d.PACKAGE)
    result = workplace.snakemake("engines", configfiles=[workplace.configure(SETTINGS)])
    assert result.returncode == 0, result.stdout[-5000:]
    results = workplace.folder / "results/engines"
    table = pd.read_csv(results / "engines.csv")
    assert list(table) == list(COLUMNS)
    modes = {"region": ["simpleitk", "c3d", "torch"], "edge": ["simpleitk", "torch"]}
    expected = [(c, mode, name) for c in (0, 1) for mode, names in modes.items() for name in names]
    assert list(table[["case", "mode", "engine"]].itertuples(index=False, name=None)) == expected
    assert (table["iterations"] == 400).all()
    assert (table["dsc"] > 0.4).all()
    assert (table.loc[table["mode"] == "region", "dsc_simpleitk"] > 0.97).all()
    assert (results / "engines.png").read_bytes().startswith(b"\x89PNG")
    assert (results / "engines.pdf").read_bytes().startswith(b"%PDF")
