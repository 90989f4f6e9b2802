"""DVC and git by their command lines, which are documented and stable; DVC alone takes a second to
import, so no module of the package imports it."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from upwind.common.errors import UpwindError

_log = logging.getLogger(__name__)


# Two runs may pull or add at the same time; DVC itself waits three seconds.
_LOCKED = "Unable to acquire lock"
_PATIENCE_S = 600
_PAUSE_S = 5


class CommandError(UpwindError):
    """A command failed; the message is what it said."""


def run_dvc(
    folder: Path,
    *arguments: str | os.PathLike[str],
    show: bool = False,
    with_warnings: bool = False,
) -> str:
    """Run ``dvc`` in ``folder``; return what it printed, ``with_warnings`` also what it warned of.
    ``show`` leaves both, and its progress, to the terminal and returns nothing.

    Waits, up to ten minutes, while another DVC process works in the same repository.

    Raises:
        CommandError: with DVC's own reason.
    """
    patient_until = time.monotonic() + _PATIENCE_S
    while True:
        done = _run([sys.executable, "-m", "dvc", *arguments], folder, show)
        if done.returncode == 0:
            return (done.stdout or "") + ((done.stderr or "") if with_warnings else "")
        if _LOCKED not in (done.stderr or "") or time.monotonic() > patient_until:
            raise CommandError(_reason(done))
        _log.warning(f"another DVC process works in {folder.resolve()}; waiting")
        time.sleep(_PAUSE_S)


def run_git(folder: Path, *arguments: str | os.PathLike[str]) -> str:
    """Run ``git`` in ``folder``; return what it printed. Raises CommandError with git's reason."""
    done = _run(["git", *arguments], folder, show=False)
    if done.returncode != 0:
        raise CommandError(_reason(done))
    return done.stdout


def is_ignored(folder: Path, path: Path) -> bool:
    """Does git, in the checkout around ``folder``, ignore ``path``?"""
    try:
        run_git(folder, "check-ignore", "--quiet", path)
    except CommandError:  # exit code 1: not ignored
        return False
    return True


def repository_root(folder: Path, what: str) -> Path:
    """The git checkout with DVC around ``folder``, in which ``what`` is versioned.

    Only looks for the folders ``.dvc`` and ``.git``, so that a workflow can ask while it is parsed.

    Raises:
        UpwindError: there is none, as in sources without git.
    """
    start = folder.resolve()
    for parent in (start, *start.parents):
        if (parent / ".dvc").is_dir():
            if (parent / ".git").exists():
                return parent
            raise UpwindError(
                f"{what} needs git and {parent} is no git checkout: clone the repository with git "
                "(sources from an archive have no history), or run `git init` and commit there"
            )
    raise UpwindError(
        f"{what} needs DVC and there is no folder .dvc in {start} or above it: work in a clone of "
        "the repository, or run `dvc init` there"
    )


def _run(
    command: list[str | os.PathLike[str]], folder: Path, show: bool
) -> subprocess.CompletedProcess[str]:
    output = None if show else subprocess.PIPE
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            [os.fspath(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
            env=environment,
            check=False,
        )
    except OSError as error:
        raise CommandError(f"{command[0]} cannot be started: {error.strerror}") from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """What the command said, in one paragraph and without its advertisements."""
    if done.stderr is None:
        return f"it ended with exit code {done.returncode}; see what it printed above"
    text = (done.stderr or done.stdout).strip()
    if "No module named dvc" in text:
        return "DVC is not installed here: `pip install -r envs/requirements.txt`"
    lines = [line for line in text.splitlines() if line and "Having any troubles" not in line]
    errors = [number for number, line in enumerate(lines) if line.startswith(("ERROR:", "fatal:"))]
    kept = lines[errors[0] :] if errors else lines
    return "\n".join(kept).replace("ERROR: ", "") or f"exit code {done.returncode}"
