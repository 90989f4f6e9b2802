"""The report's page, also in a browser: every category is opened, on a screen and on a phone."""

import re

import pytest

from upwind.common.errors import UpwindError
from upwind.report.answers import not_reproduced, verdicts
from upwind.report.page import write_report
from upwind.settings.check import check_config

from .conftest import RESULTS

CATEGORIES = ["In short", "Table I", "Data", "Scores"]


def test_it_begins_with_table_1_figure_2_verdicts_and_what_was_not_reproduced(report):
    headings = re.findall(r"<h2>(.*?)</h2>", report.read_text())
    assert headings == [
        "Table I", "Kernels (Figure 2): Selected layers", "Verdicts",
        "What could not be reproduced", "Table I", "Data", "Scores",
    ]  # fmt: skip


def test_every_result_stands_there_once_with_its_caption_and_tables_are_escaped(report):
    text = report.read_text()
    for result in RESULTS:
        assert text.count(f"<code>{result.path}</code>") == bool(result.category), result
    assert text.count("<img ") == 3
    assert "cell of table1" in text
    assert "cell of extended" in text
    assert "&lt;39&gt;" in text
    assert "<39>" not in text
    assert "40 rows" in text
    assert "two empty masks is undefined" in " ".join(text.split())


def test_verdicts_are_counted(run):
    assert verdicts(run) == [
        "lsn, fold 0, failed to train: held-out DSC 0.100 is below 0.5",
        "Clusters among the kernels of 1 layer of the UNet (2).",
        "No clusters among the kernels of 2 layers of the UNet (1, 3).",
    ]


def test_what_differs_from_the_paper_is_named_and_nothing_else():
    papers = check_config({"experiment": "x", "dataset": {"kind": "lits", "root": "raw"}})
    (operator,) = not_reproduced(papers)
    assert operator.startswith("The person who used ITK-SNAP")
    small = check_config(
        {"experiment": "x", "dataset": {"kind": "phantom"}, "unet": {"epochs": 20}}
    )
    data, epochs, _ = not_reproduced(small)
    assert data.startswith("The data: this run is on a phantom")
    assert epochs == "The setting unet.epochs: 20 in this run, 40 in the paper."


def test_a_missing_caption_is_named(run, captions):
    (captions / "scores.rst").unlink()
    with pytest.raises(UpwindError, match=r"scores\.rst is not there"):
        write_report(run, captions)


def test_a_missing_result_is_named(run, captions):
    (run / "searches.png").unlink()
    with pytest.raises(UpwindError, match=r"searches\.png is not there: run `snakemake`"):
        write_report(run, captions)


@pytest.mark.parametrize("width", [1200, 420])
def test_every_category_opens_in_a_browser(browser, report, width):
    browser.open(report, width=width)
    names = browser.run("[...document.querySelectorAll('nav a')].map(a => a.textContent)")
    assert names == CATEGORIES
    for place, _ in enumerate(names, start=1):
        browser.click(f"nav a:nth-child({place})")
        target = browser.run("location.hash.slice(1)")
        shown = f"document.getElementById({target!r})"
        assert browser.run(f"{shown}.querySelectorAll('img, table').length") > 0
        top = browser.run(f"{shown}.getBoundingClientRect().top")
        assert top < 200
        broken = f"[...{shown}.querySelectorAll('img')].filter(i => !i.naturalWidth).length"
        assert browser.run(broken) == 0
    assert browser.run("document.documentElement.scrollWidth") <= width
    said, asked = browser.complaints()
    assert said == []
    assert [address for address in asked if not address.startswith("file:")] == []
