import re
from pathlib import Path

import pytest
import yaml

import upwind

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for folder in (".", "config", "docs", "results")
    for path in (REPOSITORY / folder).glob("*.md")
    if not path.name.startswith(".")
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name + "-" + path.stem)
def test_links_lead_somewhere_and_nothing_is_left_to_fill_in(path):
    text = path.read_text(encoding="utf-8")
    assert "@@" not in text
    for link in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_readme_names_the_commands_and_they_exist():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", readme, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for name in re.findall(r"--configfile (config/\S+)", readme):
        assert (REPOSITORY / name.rstrip("`).")).is_file(), name


@pytest.mark.parametrize(
    "path",
    [*DOCUMENTS, *sorted((REPOSITORY / "config").glob("*.yaml"))],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_targets_stand_before_configfile_which_would_take_them_for_files(path):
    for words in re.findall(r"snakemake [^`\n#]*--configfile ([^`\n#]*)", path.read_text()):
        given = words.split(" -")[0].split()
        assert all(word.endswith((".yaml", ".yaml.")) for word in given), words


def test_the_release_is_called_the_same_everywhere():
    """The package says it (pyproject.toml reads it from there), and what people cite and read."""
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, date = re.findall(r"^## (\d\S*) - (\S+)$", changes, re.MULTILINE)[0]
    assert cited["version"] == newest == upwind.__version__
    assert str(cited["date-released"]) == date
