"""Pages of HTML from Jinja2 templates, which lie beside the package's Python.

A template is named by its path below the package, as in ``tables/page.html``. Whatever is put into
one is escaped, and a name that it was not given is an error.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined, meta


def render(
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Callable[..., Any]] | None = None,
) -> str:
    """The page that a template makes of ``values``; ``filters`` are functions for it by name."""
    environment = _environment(_loader())
    environment.filters |= filters or {}
    return environment.get_template(template).render(values)


def template_version(template: str) -> str:
    """SHA-256 (hex) of a template and of all that it includes. Rules whose jobs use one have it as
    a parameter: fingerprints of code see Python alone."""
    loader = _loader()
    environment = _environment(loader)
    sources: dict[str, str] = {}
    waiting: list[str | None] = [template]
    while waiting:
        name = waiting.pop()
        if name is None:
            raise ValueError(f"{template} includes a template whose name is not written there")
        if name not in sources:
            sources[name] = loader.get_source(environment, name)[0]
            waiting += meta.find_referenced_templates(environment.parse(sources[name]))
    text = "".join(f"{name}\n{sources[name]}" for name in sorted(sources))
    return hashlib.sha256(text.encode()).hexdigest()


def _loader() -> BaseLoader:
    return PackageLoader("upwind", "")


def _environment(loader: BaseLoader) -> Environment:
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
