"""Bring a data folder to the version that its pointer names, without losing anything in it."""

import logging
from collections.abc import Iterable
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.common.wording import first_few
from upwind.versions.cache import Cache
from upwind.versions.commands import CommandError, repository_root, run_dvc
from upwind.versions.hashes import Hashes
from upwind.versions.pointers import Pointer, read_pointer
from upwind.versions.remotes import default_remote
from upwind.versions.volumes import VolumeVersion, describe_volumes, volume_files

_log = logging.getLogger(__name__)

_SHOWN = 5


def pull_data(path: Path, kind: str) -> list[VolumeVersion]:
    """Make the folder of the pointer ``path`` hold the version that it names, and describe the
    volumes (named as ``kind``) in it.

    What is there already is not fetched. Every file is read once and compared with the version:
    DVC takes over damaged files from a remote or its cache without a word.

    Raises:
        UpwindError: the remote is away or damaged, files in the folder would be lost, or the
            folder is not versioned here. The folder is then as it was.
    """
    pointer = read_pointer(path)
    hashes = Hashes(repository_root(path.parent, f"the version of {pointer.folder}"))
    cache = Cache(path.parent)
    try:
        if _differing(pointer, kind, cache, hashes) != []:
            _fetch(pointer, cache)
            differing = _differing(pointer, kind, cache, hashes) or []
            _refuse_damage(pointer, differing, cache, hashes)
            _refuse_losses(pointer, differing, cache, hashes)
            _check_out(pointer)
            _refuse_others(pointer, _differing(pointer, kind, cache, hashes) or [])
        return describe_volumes(pointer.folder, kind, pointer.version, hashes)
    finally:
        hashes.keep()


def _differing(pointer: Pointer, kind: str, cache: Cache, hashes: Hashes) -> list[Path] | None:
    """Files of the version that are missing or different, and volumes that are none of its files;
    None if the version is not known here."""
    manifest = cache.manifest(pointer.version)
    if manifest is None:
        return None
    paths = [pointer.folder / file for file in manifest]
    unread = [path for path in paths if path.is_file() and not hashes.known(path)]
    for path in track(unread, len(unread), f"comparing {pointer.folder}"):
        hashes.md5(path)
    differing = [
        path
        for path, md5 in zip(paths, manifest.values(), strict=True)
        if not path.is_file() or hashes.md5(path) != md5
    ]
    extra = volume_files(pointer.folder, kind).keys() - manifest.keys()
    return differing + [pointer.folder / file for file in sorted(extra)]


def _fetch(pointer: Pointer, cache: Cache) -> None:
    """Fetch into DVC's cache what is missing there; the folder is not touched."""
    if not cache.missing(pointer.version):
        return
    name = f"version {pointer.version[:8]} of {pointer.folder}"
    remote = default_remote(pointer.path.parent)
    where = remote or "anywhere, as no DVC remote is set (`dvc remote add --default NAME URL`)"
    if remote:
        _log.warning(f"fetching {name} from {where}")
    try:
        # Of files that it cannot find DVC only warns.
        said = run_dvc(pointer.path.parent, "fetch", pointer.path.name, with_warnings=True)
    except CommandError as error:
        said = str(error)
    missing = cache.missing(pointer.version)
    if missing:
        what = "its list of files" if missing == [pointer.version] else f"{len(missing)} files"
        raise UpwindError(
            f"cannot fetch {name}, which {pointer.path} names, from {where}: {what} "
            f"did not come. {pointer.folder} stays as it was. DVC says:\n{_indented(said)}\n"
            "Is the remote there, may you read it, and did somebody `dvc push` this version? When "
            "it is mended, run again; what was fetched is kept. If the right volumes lie in "
            f"{pointer.folder} already, `dvc add {pointer.folder}` makes them known to DVC."
        )


def _refuse_damage(
    pointer: Pointer, differing: Iterable[Path], cache: Cache, hashes: Hashes
) -> None:
    """Stop before DVC hands out a damaged copy, which it takes from a remote without a word."""
    manifest = cache.manifest(pointer.version) or {}
    copies = {p: manifest.get(p.relative_to(pointer.folder).as_posix()) for p in differing}
    wanted = [(path, md5) for path, md5 in copies.items() if md5 is not None]
    damaged = [
        (path, cache.file(md5))
        for path, md5 in track(wanted, len(wanted), "checking DVC's copies")
        if hashes.md5(cache.file(md5)) != md5
    ]
    if damaged:
        path, copy = damaged[0]
        raise UpwindError(
            f"DVC's copy is damaged: {_names([path for path, _ in damaged])}. It came so from the "
            "remote, or the volume, linked to its copy, was written in place. Keep elsewhere what "
            "you want of it, remove both, for each of them, and run again:\n"
            f"  rm -f {path} {copy}\n"
            "If it comes back damaged, the remote's copy is: delete that, and `dvc push` from a "
            "clone where the volumes are right"
        )


def _refuse_losses(
    pointer: Pointer, differing: Iterable[Path], cache: Cache, hashes: Hashes
) -> None:
    """Stop before a file is replaced that DVC has no copy of."""
    lost = [p for p in differing if p.is_file() and not cache.holds(hashes.md5(p))]
    if lost:
        raise UpwindError(
            f"{pointer.folder} holds volumes of which DVC has no copy, and the version that "
            f"{pointer.path} names would replace them: {_names(lost)}.\n"
            f"If they are meant, make them the new version:  dvc add {pointer.folder}\n"
            f"If not, give them up:                          dvc checkout --force {pointer.path}"
        )


def _check_out(pointer: Pointer) -> None:
    try:
        # Never with --force: DVC then asks before it removes what it has no copy of, and stops.
        run_dvc(pointer.path.parent, "checkout", pointer.path.name)
    except CommandError as error:
        raise UpwindError(
            f"{pointer.folder} could not be brought to the version that {pointer.path} names. DVC "
            f"says:\n{_indented(str(error))}\nMove what is named away, or make it part of a new "
            f"version with `dvc add {pointer.folder}`; then run again"
        ) from error


def _refuse_others(pointer: Pointer, differing: list[Path]) -> None:
    if differing:
        raise UpwindError(
            f"{_names(differing)}: not what {pointer.path} names, though DVC has just put it "
            "there: is somebody else writing to the folder, or the disk failing? Run again"
        )


def _names(paths: list[Path]) -> str:
    return first_few([path.name for path in paths], _SHOWN)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())
