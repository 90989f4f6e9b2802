"""Fingerprints of code: which modules can act on a result, and whether what they do has changed.

A fingerprint covers a script's own modules and every module of the package that these reach
through imports, lazy ones included; a module that merely lies beside them does not count. Sources
are compared as syntax trees without docstrings, so comments, docstrings and formatting do not
count either.
"""

import ast
import functools
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from upwind.common.errors import UpwindError
from upwind.common.reading import text_of
from upwind.common.references import look_here
from upwind.provenance.fingerprint_cache import Known
from upwind.provenance.hashing import sha256_of_text

if TYPE_CHECKING:  # the workflow is read, without being planned, where there is none
    import grimp

PACKAGE = "upwind"
_LONGEST_SOURCE = 1 << 18  # bytes; the longest module here has a fifteenth of that
_SOURCES = Path(__file__).resolve().parents[1]
# The release, and what is public: they name things and compute nothing. A new one must not train
# every network again, although every module is reached through the package.
_NAMING = ("__version__", "__all__", "_PUBLIC")
# They show progress, read command lines, lock files, read imports, check settings: nothing is
# computed with them.
_NOT_COMPUTING = {"rich", "typer", "filelock", "grimp", "pydantic"}
# This package watches jobs and has no part in what they compute.
_WATCHING = f"{PACKAGE}.provenance"
# The sources when their imports were read.
_seen: frozenset[tuple[Path, int]] = frozenset()
_known: Known | None = None

# Distributions that are not named like their module; a search for the others takes a third of a
# second at every start of a workflow.
_NAMED_OTHERWISE = {
    "PIL": "pillow",
    "skfmm": "scikit-fmm",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def code_fingerprint(modules: Iterable[str]) -> str:
    """SHA-256 (hex) of the named modules of the package and all they reach, normalised.

    Raises UpwindError for a module that is not of the package, or that is no valid Python.
    """
    return combined(module_fingerprints(modules))


def module_fingerprints(modules: Iterable[str]) -> dict[str, str]:
    """SHA-256 (hex) of each module that the named ones reach, themselves included, normalised.
    Modules of other packages are known by the version of these (:func:`package_versions`)."""
    own = [module for module in modules if _is_own(module)]
    return {module: module_fingerprint(module) for module in reached(own)}


def combined(fingerprints: Mapping[str, str]) -> str:
    """One SHA-256 (hex) of several named ones."""
    lines = [f"{name} {digest}" for name, digest in sorted(fingerprints.items())]
    return sha256_of_text("\n".join(lines))


def reached(modules: Iterable[str]) -> list[str]:
    """The named modules, the modules of the package they reach through imports, and the packages
    around these (whose ``__init__`` runs first), sorted."""
    graph, known = _graph(), _own_modules()
    found: set[str] = set()
    for module in modules:
        if module not in known:
            raise UpwindError(f"{module} is no module of {PACKAGE}")
        found |= {module, *graph.find_upstream_modules(module)}
    own = {name for name in found & known if not name.startswith(_WATCHING)}
    return sorted(own | {parent for module in own for parent in _parents(module)})


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Version of each distribution that the named modules reach by an import of their own, by name,
    sorted, and of those that hold named modules of other packages. What comes with them (torch's
    own needs, say) is not listed. A package that is not installed, but lies where this process
    started, has a hash of its sources in place of a version.

    Raises UpwindError for a module of another package that is not here.
    """
    graph, modules = _graph(), list(modules)
    own = [module for module in modules if _is_own(module)]
    imported = {name for module in reached(own) for name in _externals(graph, module)}
    owners = {owner for name in imported for owner in _distributions_of(name)}
    for package in {module.split(".")[0] for module in modules if not _is_own(module)}:
        owners |= set(_distributions_of(package)) or {package}
    versions = {name: version_of(name) for name in sorted(owners)}
    for name, version in versions.items():
        if version is None:
            raise UpwindError(f"there is no package {name} here: install it where Snakemake runs")
    return {name: version for name, version in versions.items() if version is not None}


def version_of(package: str) -> str | None:
    """The version of a distribution, or a hash of the sources of a package that is none; None where
    neither is here."""
    try:
        return _installed(package)
    except importlib.metadata.PackageNotFoundError:
        return _source_version(package)


def imported_modules(source: str) -> list[str]:
    """Modules of the package that a script's source imports, sorted. ``from upwind.x import y``
    counts as ``upwind.x.y`` where that is a module, as ``upwind.x`` otherwise."""
    known = _own_modules()
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in known else node.module for name in names}
    return sorted(found)


def remember() -> None:
    """From now on take fingerprints of sources that were met before from Snakemake's folder. For
    planning and running, many times a day; an audit computes its own."""
    global _known
    _known = Known(made_by=Path(__file__).read_text(encoding="utf-8"))


def refresh() -> None:
    """Look at the sources again: they can be edited during a run, which may last a night."""
    global _seen
    now = frozenset((path, path.stat().st_mtime_ns) for path in _SOURCES.rglob("*.py"))
    if now != _seen:
        _graph.cache_clear()
        _own_modules.cache_clear()
        _seen = now


def normalised(source: str) -> str:
    """The source written out anew: without comments, docstrings, its formatting, the version and
    the public names, and what is there for type checkers alone."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    tree.body = [part for part in tree.body if not _is_naming(part) and not _is_for_types(part)]
    return ast.unparse(tree)


def source_fingerprint(source: str) -> str:
    """SHA-256 (hex) of one normalised source."""
    return sha256_of_text(normalised(source))


def module_fingerprint(module: str) -> str:
    """SHA-256 (hex) of one normalised module. Raises UpwindError where it is no valid Python."""
    return file_fingerprint(_path(module))


def file_fingerprint(path: Path) -> str:
    """SHA-256 (hex) of a normalised file. Raises UpwindError where it is no valid Python, OSError
    where it cannot be read or is longer than any module."""
    return _file_fingerprint(path, path.stat().st_mtime_ns)


@functools.cache
def _file_fingerprint(path: Path, mtime_ns: int) -> str:
    try:
        source = text_of(path, _LONGEST_SOURCE)
        found = _known.get(source) if _known else None
        if found is None:
            found = source_fingerprint(source)
            if _known:
                _known.set(source, found)
        return found
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # Python's parser runs out of its stack, or of memory, where a source is nested very deep.
        raise UpwindError(f"{path} is not valid Python: {error}") from error


@functools.cache
def _graph() -> "grimp.ImportGraph":
    import grimp

    # No cache on disk: building the graph takes a tenth of a second, and a stale one would lie.
    return grimp.build_graph(
        PACKAGE,
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


@functools.cache
def _own_modules() -> set[str]:
    return {name for name in _graph().modules if name.split(".")[0] == PACKAGE}


@functools.cache
def _distributions_of(imported: str) -> list[str]:
    try:
        name = _NAMED_OTHERWISE.get(imported, imported)
        return [importlib.metadata.distribution(name).name]
    except importlib.metadata.PackageNotFoundError:
        return _all_distributions().get(imported, [])


@functools.cache
def _installed(distribution: str) -> str:
    return importlib.metadata.version(distribution)


@functools.cache
def _all_distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _source_version(package: str) -> str | None:
    look_here()
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    found = {str(path.relative_to(origin.parent)): file_fingerprint(path) for path in files}
    return f"sources {combined(found)}"


def _is_own(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


def _externals(graph: "grimp.ImportGraph", module: str) -> set[str]:
    imported = {name.split(".")[0] for name in graph.find_modules_directly_imported_by(module)}
    ignored = {PACKAGE, *_NOT_COMPUTING, *sys.stdlib_module_names}
    return imported - ignored


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _path(module: str) -> Path:
    inside = _SOURCES.joinpath(*module.split(".")[1:])
    return inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_naming(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in _NAMING for target in node.targets
    )


def _is_for_types(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and not node.orelse
    )
