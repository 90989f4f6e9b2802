"""The manual: Sphinx reads docs/*.md by MyST. `make docs` builds it, and warnings are errors."""

import re
import subprocess
import sys
from pathlib import Path

import upwind

DOCS = Path(__file__).resolve().parent
GENERATED = DOCS / "generated"

project = "upwind"
author = "The upwind authors"
version = release = upwind.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["rules.py", "pictures.py"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_typehints = "description"
autodoc_member_order = "bysource"
copybutton_exclude = ".linenos, .gp, .go"
html_theme = "furo"
html_title = f"upwind {version}"
html_show_copyright = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["manual.css"]

# Pages of the repository that are chapters here, as links name them.
CHAPTERS = {
    "../config/README.md": "settings.md",
    "../results/README.md": "files.md",
    "../docs/": "",
    "docs/": "",  # README, whose answer the first page has
}


def link_chapters(app, docname, content):
    """Links between files of the repository lead to the chapters that hold these files."""
    for path, chapter in CHAPTERS.items():
        content[0] = content[0].replace(f"]({path}", f"]({chapter}")


def link_included(app, relative, parent, content):
    """The same in what a chapter includes."""
    link_chapters(app, parent, content)


def write_commands(app):
    """The chapter of commands, by Typer from the commands themselves."""
    GENERATED.mkdir(exist_ok=True)
    target = GENERATED / "commands.md"
    command = [sys.executable, "-m", "typer", "upwind.cli", "utils", "docs", "--name", "upwind"]
    subprocess.run([*command, "--output", str(target)], check=True, capture_output=True)
    text = target.read_text(encoding="utf-8")
    text = re.sub(r"^# `upwind`$", "# The command line", text, count=1, flags=re.MULTILINE)
    for name, said in re.findall(r"^## `upwind (\w+)`\n\n(.*)$", text, re.MULTILINE):
        # Typer cuts what a list of commands says of each.
        text = re.sub(
            rf"^\* `{name}`: .*$", lambda _, n=name, s=said: f"* `{n}`: {s}", text, flags=re.M
        )
    target.write_text(_EXAMPLES.sub(_as_code, text), encoding="utf-8")


_EXAMPLES = re.compile(r"^For example:\n((?:\nupwind .*\n)+)", re.MULTILINE)


def _as_code(found):
    lines = [line for line in found[1].splitlines() if line]
    return "\n".join(
        ["**For example**:\n", "```console", *(f"$ {line}" for line in lines), "```", ""]
    )


def write_interface(app):
    """The chapter of what `import upwind` offers, by autodoc from the docstrings."""
    parts = ["# Python interface\n", "What `upwind.__all__` names; {doc}`/api` has examples.\n"]
    for name in sorted(upwind.__all__, key=str.lower):
        thing = getattr(upwind, name)
        kind = "class" if isinstance(thing, type) else "function"
        if name.startswith("__"):
            continue
        shown = "\n   :members:" if kind == "class" and not issubclass(thing, Exception) else ""
        parts.append(f"## {name}\n\n```{{eval-rst}}\n.. auto{kind}:: upwind.{name}{shown}\n```\n")
    (GENERATED / "interface.md").write_text("\n".join(parts), encoding="utf-8")


def setup(app):
    """Sphinx calls it."""
    app.connect("builder-inited", write_commands)
    app.connect("builder-inited", write_interface)
    app.connect("source-read", link_chapters)
    app.connect("include-read", link_included)
