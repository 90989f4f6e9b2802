"""Take over a data set: checked, in one folder, and under DVC; all of it or nothing."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.common.wording import ranges
from upwind.data.check import CaseReport, check_case, with_twins
from upwind.data.naming import (
    CaseFiles,
    find_cases,
    left_out,
    left_out_below,
    search_cases,
    short_name,
)
from upwind.versions.cache import Cache
from upwind.versions.commands import CommandError, is_ignored, repository_root, run_dvc
from upwind.versions.pointers import Pointer, pointer_path, read_pointer

# Training cases of LiTS, numbered from 0 (Bilic et al. 2023).
LITS_CASES = 131
_PIECE = 1 << 26
_NO_CLONE = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@dataclass(frozen=True)
class Import:
    """What is to be imported: ``cases`` of ``source``, to become the folder ``root``; ``bytes`` in
    all. ``in_place``: the volumes lie in ``root`` already. ``link``: hard links, no copies.
    ``left_out``: NIfTI files beside them that are not named like a case."""

    kind: str
    root: Path
    cases: Sequence[CaseFiles]
    bytes: int
    in_place: bool
    link: bool
    left_out: Sequence[str] = ()

    def files(self) -> list[Path]:
        """Every file of every case."""
        return [path for case in self.cases for path in (case.image, case.label) if path]

    def target(self, path: Path) -> Path:
        """A file's place in ``root``: the one that the kind's naming expects."""
        return Path(short_name(path)) if self.kind == "msd" else Path(path.name)


def plan_import(source: Path, root: Path, kind: str, link: bool = False) -> Import:
    """Look at names, sizes and the disk alone.

    Raises:
        UpwindError: no case in ``source``, two files for one volume, ``root`` is taken or cannot
            be versioned, or the disk is too small.
    """
    in_place = root.exists() and source.exists() and source.samefile(root)
    _refuse_root(root, kind, in_place)
    cases = find_cases(root, kind) if in_place else search_cases(source, kind)
    _refuse_duplicates(cases)
    files = [path for case in cases for path in (case.image, case.label) if path]
    size = sum(path.stat().st_size for path in files)
    _refuse_small_disk(root, 0 if in_place or link else size, size)
    others = left_out(root) if in_place else left_out_below(source, cases)
    return Import(kind, root, cases, size, in_place, link, others)


def numbering_remark(cases: Sequence[CaseFiles]) -> str | None:
    """What to say where the cases are not LiTS's 0 to 130; None where they are."""
    numbers = {case.number for case in cases}
    missing = sorted(set(range(LITS_CASES)) - numbers)
    extra = sorted(numbers - set(range(LITS_CASES)))
    if not missing and not extra:
        return None
    remark = f"LiTS has {LITS_CASES} training cases, 0 to {LITS_CASES - 1}; here are {len(numbers)}"
    remark += f"; missing: {ranges(missing)}" if missing else ""
    return remark + (f"; not of LiTS: {ranges(extra)}" if extra else "")


def check_cases(planned: Import) -> list[CaseReport]:
    """Check every case, with the time left."""
    cases = planned.cases
    return with_twins(check_case(case) for case in track(cases, len(cases), "Checking"))


def run_import(planned: Import) -> Pointer:
    """Copy or link the volumes into the root and put it under DVC; return its pointer.

    What fails or is interrupted leaves no root and no pointer behind, and a root that held the
    volumes already as it was.

    Raises:
        UpwindError: the disk is full, the root was made meanwhile, or DVC fails.
    """
    root = planned.root
    if not planned.in_place:
        _place(planned)
    try:
        run_dvc(root.parent, "add", root.name, show=sys.stderr.isatty())
        return read_pointer(pointer_path(root))
    except BaseException as error:
        pointer_path(root).unlink(missing_ok=True)
        if not planned.in_place:
            shutil.rmtree(root, ignore_errors=True)
        if isinstance(error, CommandError):
            raise UpwindError(f"nothing is imported: DVC could not add {root}: {error}") from error
        raise


def next_steps(planned: Import, pointer: Pointer) -> str:
    """What to do after an import, for people."""
    root, files = planned.root, "config/lits.yaml"
    settings = ""
    if (planned.kind, root) != ("lits", Path("data/lits")):
        files += " my.yaml"
        settings = f"\nmy.yaml holds\n  dataset: {{kind: {planned.kind}, root: {root}}}"
    return (
        f"{root}: {len(planned.cases)} cases, {gigabytes(planned.bytes)}, version "
        f"{pointer.version[:8]}\n\n"
        "Keep this version in git:\n"
        f"  git add {pointer.path} && git commit -m 'Data: {root.name}'\n"
        "Share it by a DVC remote (a folder, ssh, S3, ...):\n"
        "  dvc remote add --default NAME URL\n"
        "  git add .dvc/config && git commit -m 'DVC remote' && dvc push\n"
        "Run the paper's experiment on it:\n"
        f"  snakemake --cores 8 --configfile {files}{settings}"
    )


def _place(planned: Import) -> None:
    """All files in a folder beside the root, then renamed to it."""
    root = planned.root
    root.parent.mkdir(parents=True, exist_ok=True)
    place = _link if planned.link else _copy
    with tempfile.TemporaryDirectory(prefix=f".partial-{root.name}-", dir=root.parent) as name:
        staging = Path(name, root.name)
        try:
            files = planned.files()
            for path in track(files, len(files), "Linking" if planned.link else "Copying"):
                target = staging / planned.target(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                place(path, target)
            staging.rename(root)
        except OSError as error:
            raise UpwindError(
                f"nothing is imported: {error.filename or root}: {error.strerror}"
                + ("; free some space" if error.errno == errno.ENOSPC else "")
                + ("; leave --link away" if error.errno == errno.EXDEV else "")
            ) from error


def _link(path: Path, target: Path) -> None:
    target.hardlink_to(path.resolve())


def _copy(path: Path, target: Path) -> None:
    """Copy; on a file system that can, without using space before one of the two is changed."""
    try:
        with path.open("rb") as source, target.open("xb") as copy:
            while os.copy_file_range(source.fileno(), copy.fileno(), _PIECE):
                pass
    except OSError as error:
        if error.errno not in _NO_CLONE:
            raise
    if target.stat().st_size != path.stat().st_size:
        shutil.copyfile(path, target)


def _refuse_duplicates(cases: Sequence[CaseFiles]) -> None:
    lines = [f"  case {c.number}: {path}" for c in cases for path in c.duplicates]
    if lines:
        raise UpwindError(
            "further files for volumes that were found already; keep the right ones and move the "
            "others away:\n" + "\n".join(lines)
        )


def _refuse_root(root: Path, kind: str, in_place: bool) -> None:
    pointer = pointer_path(root)
    if pointer.exists():
        raise UpwindError(
            f"{root} is versioned already ({pointer}): `dvc pull {pointer}` gets its volumes; "
            f"changed ones become a new version with `dvc add {root}`; or choose another --root"
        )
    if root.is_symlink():
        raise UpwindError(f"{root} is a symbolic link, which DVC does not follow; choose --root")
    if not in_place and root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise UpwindError(
            f"{root} exists already: put the volumes in it under DVC as they are with `upwind "
            f"import {kind} {root}`, or choose another --root"
        )
    existing = _nearest(root)
    repository_root(existing, "importing")
    if is_ignored(existing, pointer.absolute()):
        raise UpwindError(
            f"git ignores {pointer}, which has to be committed: choose a --root beside data/lits, "
            f"or add the line !/{pointer.name} with its folder to .gitignore"
        )


def _refuse_small_disk(root: Path, copies: int, cached: int) -> None:
    """Room for the copies; DVC's cache takes links to them, except on another disk."""
    place = _nearest(root)
    cache = _nearest(Cache(place).path)
    needs = {place: copies}
    if cache.stat().st_dev != place.stat().st_dev:
        needs[cache] = cached
    for folder, needed in needs.items():
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise UpwindError(
                f"importing needs {gigabytes(needed)} in {folder} and {gigabytes(free)} are free "
                "there: free some space, choose another --root, or with --link use the source's "
                "files themselves (on one file system)"
            )


def gigabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder around it that exists."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
