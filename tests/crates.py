"""Crates of tests: a repository of next to nothing, and ways to change what is in a crate."""

import zipfile

from upwind.audit.checks.checkout import Checkout


def small_repository(folder):
    """A repository that goes into crates."""
    for name in ("src/upwind", "workflow"):
        (folder / name).mkdir(parents=True)
    for name in ("workflow/Snakefile", "LICENSE", "src/upwind/__init__.py"):
        (folder / name).write_text(f"# {name}\n")
    (folder / "envs").mkdir()
    (folder / "envs/requirements.txt").write_text("numpy==2.4.6\n# rocrate==0\n")
    return Checkout(folder / "src/upwind", folder)


def read(path):
    """The files of a crate by their names."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, **changes):
    """Write the crate anew with other files; None takes one away."""
    files = read(path) | changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(name, content)
