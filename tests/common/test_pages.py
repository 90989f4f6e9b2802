"""Pages from templates: escaped, complete, and counted as a part of what made a result."""

import re
import tomllib
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError

from upwind.common import pages
from upwind.common.pages import render, template_version
from upwind.provenance.fingerprint import imported_modules, reached

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src/upwind"
TEMPLATES = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.html")}
VALUES = {"title": "a < b", "tables": {"": "<table></table>"}, "notes": ["<script>", "it's"]}


@pytest.fixture
def stored(monkeypatch):
    """Templates that a test writes, by name."""
    sources = {"page.html": '{% include "style.css" %}\n{{ text }}', "style.css": "a { b: c }\n"}
    monkeypatch.setattr(pages, "_loader", lambda: DictLoader(sources))
    return sources


def test_what_is_put_in_is_escaped_and_tables_are_not():
    page = render("tables/page.html", VALUES)
    assert "<title>a &lt; b</title>" in page
    assert "<table></table>" in page
    assert "<ul><li>&lt;script&gt;</li><li>it&#39;s</li></ul>" in page
    assert page.endswith("</html>\n")


def test_a_name_that_is_not_given_is_an_error():
    with pytest.raises(UndefinedError, match="'notes' is undefined"):
        render("tables/page.html", {"title": "", "tables": {}})


@pytest.mark.parametrize("changed", ["page.html", "style.css"])
def test_a_version_covers_what_a_template_includes(stored, changed):
    before = template_version("page.html")
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    assert template_version("page.html") == before
    stored["another.html"] = "nobody includes it"
    assert template_version("page.html") == before
    stored[changed] += " "
    assert template_version("page.html") != before


def test_an_include_that_a_version_cannot_follow_is_an_error(stored):
    stored["page.html"] = "{% include text %}"
    with pytest.raises(ValueError, match=r"page\.html includes a template whose name is not"):
        template_version("page.html")


def test_templates_have_versions_of_their_own():
    assert len(TEMPLATES) == len({template_version(name) for name in TEMPLATES}) == 5


def test_templates_are_installed_with_the_package():
    configured = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    patterns = configured["tool"]["setuptools"]["package-data"]["upwind"]
    held = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    others = {path for path in PACKAGE.rglob("*") if path.suffix in {".html", ".css", ".js"}}
    assert others <= held


def rendered_by(script):
    """Templates that the code of a job's script can make a page of."""
    modules = reached(imported_modules(script.read_text()))
    files = [PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in modules]
    text = "".join(file.read_text() for file in files if file.is_file())
    return set(re.findall(r'\brender\(\s*"([^"]+)"', text))


def test_a_rule_has_the_version_of_each_template_that_its_job_uses():
    """Or a changed page would not be drawn again."""
    rules = [
        block
        for file in (REPOSITORY / "workflow/rules").glob("*.smk")
        for block in re.split(r"\n(?=\s*rule )", file.read_text())
        if "script:" in block
    ]
    found = {}
    for rule in rules:
        script = REPOSITORY / "workflow/scripts" / re.search(r"scripts/(\w+\.py)", rule)[1]
        stated = set(re.findall(r'template=template_version\("([^"]+)"\)', rule))
        assert stated == rendered_by(script), script.name
        found[script.name] = stated
    assert found["tabulate.py"] == {"tables/page.html"}
    assert found["draw_atlas.py"] == {"atlas/static/atlas.html"}
