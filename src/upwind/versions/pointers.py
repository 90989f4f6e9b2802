"""DVC's pointer files: ``data/lits.dvc`` names the version of the folder ``data/lits``."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from upwind.common.errors import UpwindError


@dataclass(frozen=True)
class Pointer:
    """A pointer ``path`` to one ``version`` (DVC's hash of names and contents) of ``folder``, with
    its number of ``files`` where the pointer states it."""

    path: Path
    folder: Path
    version: str
    files: int | None = None


def pointer_path(folder: str | os.PathLike[str]) -> Path:
    """Where DVC keeps the pointer of ``folder``."""
    return Path(f"{os.fspath(folder).rstrip('/')}.dvc")


def read_pointer(path: str | os.PathLike[str]) -> Pointer:
    """Read a pointer.

    Raises:
        UpwindError: it is missing, is no pointer to the folder beside it, or was written by DVC 2.
    """
    path = Path(path)
    try:
        (out,) = yaml.safe_load(path.read_text(encoding="utf-8"))["outs"]
        version, name = str(out["md5"]), out["path"]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UpwindError(
            f"{path} is not a readable DVC pointer ({error}): get it again with "
            f"`git checkout -- {path}`, or make it with `dvc add {path.with_suffix('')}`"
        ) from error
    if name != path.stem or not version.endswith(".dir"):
        raise UpwindError(
            f"{path} does not point to the folder {path.with_suffix('')}, but to {name}: make it "
            f"with `dvc add {path.with_suffix('')}`"
        )
    if out.get("hash") != "md5":
        raise UpwindError(
            f"{path} was written by DVC 2: make it anew with `dvc add {path.with_suffix('')}`"
        )
    return Pointer(path, path.with_suffix(""), version, out.get("nfiles"))
