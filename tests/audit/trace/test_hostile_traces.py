"""Traces of records and scores that somebody else wrote: each ends in a page without anything that
runs, or in one message."""

import io
import random

from rich.console import Console

from forged import VALUES, content, places, replaced, sealed
from fuzzing import TIMES
from upwind.audit.trace.page import page, write_page
from upwind.audit.trace.text import view
from upwind.audit.trace.walk import trace
from upwind.common.errors import UpwindError

MARKUP = "<img src=x onerror=document.title='ran'>"
HOSTILE = f"{MARKUP}<script>document.title='ran'</script>"
CELLS = ["", "nan", "-inf", "1e999", HOSTILE, "\x1b[2J", "0,5", "²", "9" * 400]


def shown(table, cell, tags_of):
    """The trace as it is printed and as a page, or one message."""
    try:
        found = trace(table, cell)
    except UpwindError as error:
        return str(error)
    console = Console(width=150, file=io.StringIO())
    console.print(view(found, full=True), highlight=False)
    assert "\x1b" not in console.file.getvalue()
    tags = tags_of(page(found))
    assert [tag for tag, _ in tags].count("script") == 1
    assert not [a for _, a in tags if "onerror" in a or "src" in a]
    return ""


def test_any_value_in_any_record_or_cell(experiment, tags_of):
    chance = random.Random(0 if TIMES == 1 else None)
    table = experiment.results / "table1.csv"
    records = sorted((experiment.results / "records").rglob("*.json"))
    tables = [table, experiment.results / "scores.csv", *experiment.results.glob("scores/*.csv")]
    assert shown(table, "unet,0", tags_of) == ""
    for number in range(150 * TIMES):
        file = chance.choice(records if number % 2 else tables)
        before = file.read_text()
        if number % 2:
            said = content(file)
            file.write_text(sealed(replaced(said, chance.choice([*places(said)]), any_of(chance))))
        else:
            lines = [line.split(",") for line in before.splitlines()]
            row = chance.choice(lines)
            row[chance.randrange(len(row))] = chance.choice(CELLS)
            file.write_text("\n".join(",".join(line) for line in lines) + "\n")
        shown(table, chance.choice(["unet,0", "lsn_test,Average", None]), tags_of)
        file.write_text(before)
    assert shown(table, "unet,0", tags_of) == ""


def any_of(chance):
    return chance.choice([*VALUES, HOSTILE])


def with_markup(value, name=""):
    """All texts of a record with markup in them, keys of parameters too; hashes, times, paths and
    what the record goes by stay."""
    if isinstance(value, dict):
        end = HOSTILE if name == "params" else ""
        return {key + end: with_markup(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [with_markup(part, name) for part in value]
    kept = ("sha256", "started", "ended", "status", "rule", "declared", "order_only", "case")
    return value + HOSTILE if isinstance(value, str) and name not in kept else value


def test_markup_in_every_field_is_text_in_a_browser(experiment, browser, tmp_path):
    name = MARKUP.replace("/", "")
    picture = f"results/x/{name}.png"
    table, read = "results/x/table1.csv", {"wildcards": {"case": name}, "accelerators": [HOSTILE]}
    experiment.job(name, [table], {picture: "picture"}, params={"title": HOSTILE}, **read)
    for file in (experiment.results / "records").rglob("*.json"):
        said = content(file)
        marked = {
            key: with_markup(said[key], key) for key in ("machine", "packages", "code", "params")
        }
        file.write_text(sealed(said | marked | {"scheduler_job": HOSTILE}))
    write_page(tmp_path / "trace.html", trace(experiment.root / picture))
    browser.open(tmp_path / "trace.html")
    assert browser.run("document.title") == picture
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.images.length") == 0
    shown = browser.run("document.body.textContent")
    assert shown.count(HOSTILE) > 20
    assert name in shown
    said, asked = browser.complaints()
    assert said == []
    assert asked == [(tmp_path / "trace.html").as_uri()]
