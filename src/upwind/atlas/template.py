"""The page's template: HTML, style and script, kept beside the package's Python."""

from importlib.resources import files

from upwind.provenance.hashing import sha256_of_text

HTML, STYLE, SCRIPT = "atlas.html", "atlas.css", "atlas.js"


def template_text(name: str) -> str:
    """One of the three files."""
    return (files("upwind.atlas") / "static" / name).read_text(encoding="utf-8")


def template_version() -> str:
    """SHA-256 (hex) of all three: fingerprints of code see Python alone."""
    return sha256_of_text("\n".join(template_text(name) for name in (HTML, STYLE, SCRIPT)))
