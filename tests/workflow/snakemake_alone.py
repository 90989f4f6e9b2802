"""Snakemake as it is where nothing is installed but Snakemake itself: a program for tests.

``python snakemake_alone.py [--with PACKAGE]... -- ARGUMENTS`` runs ``snakemake ARGUMENTS``, and
hides every package that does not come with Snakemake, but for those named.
"""

import argparse
import importlib.metadata
import pkgutil
import re
import sys

from packaging.requirements import Requirement


def named(name):
    """The name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def with_requirements(*names):
    """Distributions and all that they require."""
    found, queue = set(), [named(name) for name in names]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        for text in importlib.metadata.distribution(name).requires or ():
            required = Requirement(text)
            if required.marker is None or required.marker.evaluate({"extra": ""}):
                queue.append(named(required.name))
    return found


class Without:
    """A finder of modules that does not find those of these names."""

    def __init__(self, finder, names):
        self._finder, self._names = finder, names

    def find_spec(self, name, path=None, target=None):
        """As of a finder on ``sys.meta_path``."""
        if name.partition(".")[0] in self._names:
            return None
        return self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)


def hide_others(*shown):
    """Hide all packages but Snakemake, those that are named, and what these require."""
    kept = with_requirements("snakemake", *shown)
    owners = importlib.metadata.packages_distributions()
    names = {top for top, of in owners.items() if kept.isdisjoint(map(named, of))} - {"upwind"}
    sys.meta_path[:] = [Without(finder, names) for finder in sys.meta_path]
    listed = pkgutil.iter_modules  # by which Snakemake finds its plugins
    pkgutil.iter_modules = lambda *a, **k: (m for m in listed(*a, **k) if m.name not in names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--with", dest="shown", action="append", default=[])
    parser.add_argument("arguments", nargs="+")
    given = parser.parse_args()
    hide_others(*given.shown)
    from snakemake.cli import main

    main(given.arguments)
