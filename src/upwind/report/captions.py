"""Captions of figures and tables: reStructuredText with the configuration in it, as Snakemake's
reports have it, so that one file serves both."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from upwind.common.errors import UpwindError

# Captions are text: nothing is read into them, and a fault in one stops the page.
_PLAIN = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 2,
    "halt_level": 2,
    "_disable_config": True,
    "initial_header_level": 4,
}


def caption(folder: Path, name: str, config: Mapping[str, Any]) -> str:
    """The caption ``name`` of the captions in ``folder``, in HTML, with the values of ``config``
    (as ``snakemake.config``). Raises UpwindError where there is none."""
    path = folder / f"{name}.rst"
    if not path.is_file():
        raise UpwindError(f"{path} is not there: a result of the report needs its caption")
    # What it makes is reStructuredText; docutils escapes it.
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    template = environment.from_string(path.read_text(encoding="utf-8"))
    text = template.render(snakemake=SimpleNamespace(config=config))
    return publish_parts(text, writer="html5", settings_overrides=_PLAIN)["body"]
