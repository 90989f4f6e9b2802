"""Publish an experiment under a name: its numbers, figures and networks in DVC, with a git tag."""

import contextlib
import csv
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from upwind.common.errors import UpwindError
from upwind.common.wording import first_few
from upwind.results import read_results
from upwind.versions.cache import Cache
from upwind.versions.commands import CommandError, is_ignored, repository_root, run_dvc, run_git
from upwind.versions.pointers import pointer_path, read_pointer
from upwind.versions.remotes import default_remote
from upwind.versions.volumes import DATA_TABLE, read_volumes

FOLDER = Path("releases")
_SHOWN = 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Release:
    """A release to be made: ``name``, the experiment's folder ``results``, and the ``pointers`` of
    its data and slices, relative to the repository (none where its data are not versioned)."""

    name: str
    results: Path
    pointers: tuple[Path, ...]

    @property
    def folder(self) -> Path:
        """What is published."""
        return FOLDER / self.name


def plan_release(name: str, results: Path, push: bool, allow_dirty: bool) -> Release:
    """Everything that can be wrong before anything is made. Run in the repository's root.

    Raises:
        UpwindError: with what to do about it.
    """
    root = repository_root(Path(), "a release")
    if root != Path().resolve():
        raise UpwindError(f"a release is made in the repository's root: cd {root}")
    _refuse_name(name)
    _refuse_unfinished(results)
    release = Release(name, results, tuple(_pointers(results)))
    if is_ignored(Path(), pointer_path(release.folder)):
        raise UpwindError(
            f"git ignores {pointer_path(release.folder)}: add !/{FOLDER}/?*.dvc to .gitignore"
        )
    if not allow_dirty:
        _refuse_changes(release)
    if push:
        _refuse_remote()
    return release


def make_release(release: Release, push: bool, with_data: bool) -> None:
    """Copy, put under DVC, push, commit and tag; what fails undoes what came before it.

    ``with_data`` pushes the versions of data and slices too, so that a plain `dvc pull` of the tag
    is complete.

    Raises:
        UpwindError: the disk is full, the remote is away, or git refuses; nothing is left behind.
    """
    pointer = pointer_path(release.folder)
    try:
        _copy(release)
        _step("DVC could not add the release", run_dvc, "add", release.folder)
        if push:
            _push([pointer, *(release.pointers if with_data else ())])
        _commit_and_tag(release)
    except BaseException:
        shutil.rmtree(release.folder, ignore_errors=True)
        pointer.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other releases stay
            FOLDER.rmdir()
        raise


def _refuse_name(name: str) -> None:
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock", ".dvc")):
        raise UpwindError(
            f"'{name}' cannot name a release, which becomes a git tag and a folder: use letters, "
            "digits and . _ + -"
        )
    taken = run_git(Path(), "for-each-ref", f"refs/tags/{name}", f"refs/heads/{name}").split()
    if taken:
        raise UpwindError(
            f"the name is taken by {taken[-1]} in git: choose another, or look at it with "
            f"`git show {name}`"
        )
    folder = FOLDER / name
    if folder.exists() or pointer_path(folder).exists():
        raise UpwindError(
            f"{folder} is there without a git tag {name}, as a release that was killed leaves it: "
            f"remove it with `rm -rf {folder} {pointer_path(folder)}` and try again, or choose "
            "another name"
        )


def _refuse_unfinished(results: Path) -> None:
    if not results.is_dir():
        raise UpwindError(f"{results} does not exist: give --experiment NAME of a finished one")
    missing = [name for name in read_results(results).paths if not (results / name).is_file()]
    missing += [str(path) for path in _networks(results) if not (results / path).is_file()]
    if missing:
        raise UpwindError(
            f"{results} is not finished: {first_few(missing, _SHOWN)} not there; run `snakemake` "
            "to its end first"
        )


def _networks(results: Path) -> Iterator[Path]:
    """The weights that the experiment must have, by its table of runs."""
    table = results / "verdicts.csv"
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield Path("networks", row["method"], row["fold"], "weights.safetensors")


def _refuse_remote() -> None:
    remote = default_remote(Path())
    if remote is None:
        raise UpwindError(
            "there is no DVC remote to push to: `dvc remote add --default NAME URL` (a folder that "
            "others can read will do) and commit .dvc/config; or give --no-push"
        )
    if remote.is_away():
        raise UpwindError(
            f"{remote}: mount it, or make it with `mkdir -p {remote.url}` if it is new; or give "
            "--no-push"
        )


def _pointers(results: Path) -> Iterator[Path]:
    """Pointers of the experiment's data and slices. Raises where the data are not those that the
    results were made from."""
    if not (results / DATA_TABLE).is_file():
        return
    config = yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))
    data = read_pointer(pointer_path(config["dataset"]["root"]))
    made_from = {row.version for row in read_volumes(results / DATA_TABLE)}
    if made_from != {data.version}:
        raise UpwindError(
            f"{results} was made from another version of {data.folder} than {data.path} names now: "
            "run `snakemake` first, or `git checkout` the pointer of then"
        )
    yield data.path
    slices = pointer_path(results / "slices")
    if not slices.is_file():
        raise UpwindError(f"{slices} is not there: run `snakemake` to its end first")
    yield slices


def _refuse_changes(release: Release) -> None:
    """Uncommitted changes, but for the slices' pointer, which the release itself commits."""
    changes = run_git(Path(), "status", "--porcelain", "--untracked-files=no").splitlines()
    paths = [line[3:] for line in changes]
    for data in release.pointers[:1]:
        paths += run_git(Path(), "ls-files", "--others", "--", data).splitlines()
    ours = {str(path) for path in release.pointers[1:]}
    changed = [path for path in paths if path not in ours]
    if changed:
        raise UpwindError(
            f"there are changes that git does not know: {first_few(changed, _SHOWN)}. The tag "
            "would not name the code and data behind the results: commit them (`git commit`), or "
            "give --allow-dirty"
        )


def _copy(release: Release) -> None:
    """Copies, not links: DVC makes what it tracks read-only, and results are to be made again."""

    unreleased = read_results(release.results).unreleased()

    def left_out(folder: str, names: list[str]) -> list[str]:
        at_top = Path(folder) == release.results
        hidden = [name for name in names if name.startswith(".partial-")]
        pointers = [name for name in names if name.endswith(".dvc")]
        return [*hidden, *pointers, *(unreleased if at_top else ())]

    try:
        shutil.copytree(release.results, release.folder, ignore=left_out)
    except OSError as error:
        raise UpwindError(f"{release.folder} could not be written: {error}") from error


def _push(pointers: list[Path]) -> None:
    cache = Cache(Path())
    for pointer in pointers:
        # DVC pushes what it has, warns of the rest, and calls that a success.
        if cache.missing(read_pointer(pointer).version):
            raise UpwindError(
                f"no release was made: DVC's cache has not all files of {pointer.with_suffix('')}, "
                f"so they cannot be pushed: `dvc pull {pointer}` first, or give --results-only"
            )
    what = (
        "the DVC remote did not take it. Is it there, and may you write to it? Try again when it "
        "is, or give --no-push and `dvc push` later"
    )
    _step(what, run_dvc, "push", *pointers, show=sys.stderr.isatty())


def _commit_and_tag(release: Release) -> None:
    before = run_git(Path(), "rev-parse", "HEAD").strip()
    paths = [pointer_path(release.folder), *release.pointers]
    message = f"Release {release.name}: {release.results}"
    try:
        _step("git did not take the pointers", run_git, "add", "--", *paths)
        _step("git did not commit", run_git, "commit", "--quiet", "-m", message, "--", *paths)
        _step("git did not tag", run_git, "tag", "--annotate", "-m", message, release.name)
    except BaseException:
        # The commit is ours and the last one; the working tree stays.
        run_git(Path(), "reset", "--quiet", "--soft", before)
        run_git(Path(), "reset", "--quiet", "--", *paths)
        raise


def _step(what: str, run: Callable[..., str], *arguments: str | Path, **options: bool) -> None:
    """One command; its failure says ``what`` failed."""
    try:
        run(Path(), *arguments, **options)
    except CommandError as error:
        raise UpwindError(f"no release was made: {what}. It said:\n  {error}") from error
