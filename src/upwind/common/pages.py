"""Pages of HTML from Jinja2 templates, which lie beside the package's Python.

A template is named by its path below the package, as in ``tables/page.html``. Whatever is put into
one is escaped, and a name that it was not given is an error.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, meta


def render(
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Callable[..., Any]] | None = None,
) -> str:
    """The page that a template makes of ``values``; ``filters`` are functions for it by name."""
    environment = _environment()
    environment.filters |= filters or {}
    return environment.get_template(template).render(values)


def template_version(template: str) -> str:
    """SHA-256 (hex) of a template and of all that it includes. Rules whose jobs use one have it as
    a parameter: fingerprints of code see Python alone."""
    environment, sources, waiting = _environment(), {}, [template]
    while waiting:
        name = waiting.pop()
        if name not in sources:
            sources[name] = environment.loader.get_source(environment, name)[0]
            waiting += meta.find_referenced_templates(environment.parse(sources[name]))
    text = "".join(f"{name}\n{sources[name]}" for name in sorted(sources))
    return hashlib.sha256(text.encode()).hexdigest()


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("upwind", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
