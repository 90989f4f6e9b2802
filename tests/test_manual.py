"""The manual is built without a warning, and holds what the code says now."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import upwind

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    """The folder of the built pages."""
    folder = tmp_path_factory.mktemp("manual")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E"]
    command += ["-d", folder / "doctrees", REPOSITORY / "docs", folder / "html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_it_has_every_page_command_and_public_name(manual):
    for path in (REPOSITORY / "docs").glob("*.md"):
        assert (manual / f"{path.stem}.html").is_file(), path
    commands = (manual / "generated/commands.html").read_text()
    for name in ("check", "import", "segment", "evolve", "score", "kernels", "audit", "crate"):
        assert f'id="upwind-{name}"' in commands
    interface = (manual / "generated/interface.html").read_text()
    for name in set(upwind.__all__) - {"__version__"}:
        assert f'id="upwind.{name}"' in interface or f'id="{name.lower()}"' in interface, name
    assert "training.same_bits" in (manual / "settings.html").read_text()


def test_the_gallery_shows_every_figure_of_a_plain_run():
    rules = "".join(
        (REPOSITORY / f"workflow/rules/{name}.smk").read_text() for name in ("figures", "levelset")
    )
    figures = {*re.findall(r'figure\(\s*"(\w+)"', rules), "nearest"}
    assert len(figures) == 13
    shown = re.findall(r"\]\(gallery/(\w+)\.png\)", (REPOSITORY / "docs/gallery.md").read_text())
    assert set(shown) - {"evolve", "kernels_of_a_file"} == figures
    stored = [path.stem for path in (REPOSITORY / "docs/gallery").iterdir()]
    assert sorted(shown) == sorted(stored)


def test_it_needs_no_network(manual):
    """Nothing that a page loads by itself lies elsewhere."""
    for page in manual.rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*src=\"([^\"]+)", page.read_text())
        loaded += re.findall(r"<link[^>]*rel=\"stylesheet\"[^>]*href=\"([^\"]+)", page.read_text())
        assert loaded
        assert not [address for address in loaded if "//" in address], page


def test_links_to_chapters_lead_there(manual):
    for page in manual.rglob("*.html"):
        for link in re.findall(r'<a class="reference internal" href="([^"#]+)', page.read_text()):
            assert (page.parent / link).exists(), (page, link)
        assert "../config/README.md" not in page.read_text(), page


def test_the_graph_of_the_rules_has_the_rules_of_a_plain_run(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "dot", "--quiet"]
    command += ["--snakefile", REPOSITORY / "workflow/Snakefile"]
    graph = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    rules = set(re.findall(r'label = "(\w+)"', graph)) - {"all"}
    drawn = re.findall(r"<text[^>]*>(\w+)</text>", (REPOSITORY / "docs/rules.svg").read_text())
    assert set(drawn) == rules, "`make rules` draws it anew"
