"""The page: Table I, Figure 2 and the verdicts first, then every figure and table by category."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.common.pages import render
from upwind.report.answers import not_reproduced, verdicts
from upwind.report.captions import caption
from upwind.results import Result, read_results

FILE = "report.html"
# Shown first, and not again in their categories: pictures are large.
_FIRST = ("table1.html", "figure2.png")
_MOST_COLUMNS = 40  # of a table here
_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
_HEADING = re.compile(r"(?<=</)h2(?=>)|(?<=<)h2(?=>)")
_TITLE = re.compile(r"<h1>.*?</h1>", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A result as the page shows it: a picture (data URI) or a table (HTML), and its caption
    (HTML)."""

    path: str
    category: str
    title: str
    caption: str
    picture: str = ""
    table: str = ""
    rows: int = 0


def write_report(folder: Path, captions: Path) -> None:
    """Write ``report.html`` of the finished run in ``folder``, with the captions (``*.rst``) of
    the folder ``captions``. Raises UpwindError where a list, a result or a caption is missing."""
    results = [result for result in read_results(folder).files if result.category]
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    shown = {result.path: _shown(folder, result, captions, config) for result in results}
    first = [result for result in results if result.path in _FIRST]
    others = [result for result in results if result.path not in _FIRST]
    values = {
        "experiment": config["experiment"],
        "about": caption(captions, "workflow", config),
        "first": [shown[result.path] for result in first],
        "verdicts": verdicts(folder),
        "not_reproduced": not_reproduced(config),
        "most_columns": _MOST_COLUMNS,
        "categories": {
            name: [shown[result.path] for result in others if result.category == name]
            for name in _in_order(result.category for result in others)
        },
    }
    write_text(folder / FILE, render("report/page.html", values))


def _in_order(names: Iterable[str]) -> Iterator[str]:
    """Each name once, those of the paper's results first."""
    found = dict.fromkeys(names)
    first = [name for name in ("Table I", "Figure 1", "Kernels (Figure 2)") if name in found]
    yield from dict.fromkeys([*first, *found])


def _shown(folder: Path, result: Result, captions: Path, config: Mapping[str, Any]) -> Shown:
    path = folder / result.path
    if not path.is_file():
        raise UpwindError(f"{path} is not there: run `snakemake` to its end first")
    words = caption(captions, result.caption, config)
    about = (result.path, result.category, result.item, words)
    if path.suffix == ".png":
        return Shown(*about, picture=_data_uri(path))
    if path.suffix == ".html":
        return Shown(*about, table=_inside(path.read_text(encoding="utf-8")))
    frame = pd.read_csv(path, keep_default_na=False, dtype=str)
    classes = [f"words-{n}" for n, name in enumerate(frame, start=1) if _is_words(frame[name])]
    text = frame.map(_short).to_html(index=False, border=0, classes=classes)
    return Shown(*about, table=text, rows=len(frame))


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _inside(page: str) -> str:
    """A page of ours without its title and with lesser headings, to stand in another."""
    (body,) = _BODY.findall(page)
    return _HEADING.sub("h4", _TITLE.sub("", body)).strip()


def _is_words(column: pd.Series) -> bool:
    """Whether a column has what is no number, so that it is set to the left."""
    return bool(pd.to_numeric(column[column != ""], errors="coerce").isna().any())


def _short(value: str) -> str:
    """A number with four significant digits; anything else as it is."""
    try:
        return value if "." not in value else f"{float(value):.4g}"
    except ValueError:
        return value
