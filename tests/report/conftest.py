"""A finished run of a few results, two of a kind in a category, and its report."""

import shutil
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import yaml

from upwind.report.page import write_report
from upwind.results import Result, ResultList
from upwind.settings.check import check_config

CAPTIONS = Path(__file__).resolve().parents[2] / "workflow/report"
RESULTS = [
    Result("cases.csv", "Data", "Cases", "table", "cases"),
    Result("table1.html", "Table I", "Table I", "table", "table1"),
    Result("extended.html", "Table I", "Extended", "table", "extended"),
    Result("scores.csv", "Scores", "Every score", "table", "scores"),
    Result("comparison.csv", "Scores", "Methods compared", "table", "comparison"),
    Result("scores.png", "Scores", "DSC per patient", "figure", "scores"),
    Result("searches.png", "Scores", "DSC against time spent", "figure", "searches"),
    Result("figure2.png", "Kernels (Figure 2)", "Selected layers", "figure", "figure2"),
    Result("figure2.pdf"),
]
PAGE = (
    "<html><body>\n<h1>Title</h1>\n<h2>{0}</h2><table><tr><td>{0}</td></tr></table></body></html>"
)


@pytest.fixture
def run(tmp_path):
    """The folder of the run, with a phantom of 64 pixels."""
    (tmp_path / "kernels").mkdir()
    results = ResultList(files=RESULTS)
    pd.Series(results.as_json()).to_json(tmp_path / "results.json")
    settings = check_config({"experiment": "x", "image_size": 64, "unet": {"epochs": 20}})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    rng = np.random.default_rng(0)
    for result in RESULTS:
        path = tmp_path / result.path
        if path.suffix == ".png":
            matplotlib.image.imsave(path, rng.uniform(size=(60, 900)))
        elif path.suffix == ".html":
            path.write_text(PAGE.format(f"cell of {path.stem}"))
        elif path.suffix == ".csv":
            columns = {f"a_long_name_of_column_{n}": rng.normal(size=40) for n in range(12)}
            pd.DataFrame({"case": [f"<{n}>" for n in range(40)], **columns}).to_csv(
                path, index=False
            )
    trained = {"method": ["unet", "lsn"], "fold": ["0", "0"], "failed": [False, True]}
    reasons = {"reason": [None, "held-out DSC 0.100 is below 0.5"]}
    pd.DataFrame(trained | reasons).to_csv(tmp_path / "verdicts.csv", index=False)
    layers = {"layer": [1, 2, 3], "verdict": ["no clusters", "clusters", "no clusters"]}
    pd.DataFrame(layers).to_csv(tmp_path / "kernels/cluster_verdicts.csv", index=False)
    return tmp_path


@pytest.fixture
def captions(tmp_path):
    """A copy of the workflow's captions."""
    return Path(shutil.copytree(CAPTIONS, tmp_path / "captions"))


@pytest.fixture
def report(run):
    """The path of the report."""
    write_report(run, CAPTIONS)
    return run / "report.html"
