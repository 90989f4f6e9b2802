"""``data.csv``: which version of every volume a run was given, and whether they are still the same.

Only the standard library is used here: the workflow reads the table each time it is parsed.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from upwind.common.errors import UpwindError
from upwind.common.files import write_text
from upwind.data.naming import find_cases, holds_cases
from upwind.versions.hashes import Hashes

# Where the volumes are versioned: which version of each the run was given.
DATA_TABLE = "data.csv"
_SHOWN = 10


@dataclass(frozen=True)
class VolumeVersion:
    """One volume: ``case`` number, ``role`` (image, label, or duplicate for a further file of the
    same case), ``file`` relative to the data folder, its size, date (ns) and MD5, and ``version``
    of the whole folder as the pointer named it."""

    case: int
    role: str
    file: str
    bytes: int
    mtime_ns: int
    md5: str
    version: str


def volume_files(root: Path, kind: str) -> dict[str, tuple[int, str]]:
    """Case number and role of every volume that lies under ``root``, by file relative to it."""
    if not holds_cases(root):
        return {}
    found = {}
    for case in find_cases(root, kind):
        files = [(case.image, "image"), (case.label, "label")]
        files += [(path, "duplicate") for path in case.duplicates]
        for path, role in files:
            if path is not None:
                found[str(path.relative_to(root))] = (case.number, role)
    return found


def describe_volumes(root: Path, kind: str, version: str, hashes: Hashes) -> list[VolumeVersion]:
    """The volumes as they lie under ``root``, by case."""
    rows = []
    for file, (case, role) in volume_files(root, kind).items():
        status = (root / file).stat()
        md5 = hashes.md5(root / file)
        row = VolumeVersion(case, role, file, status.st_size, status.st_mtime_ns, md5, version)
        rows.append(row)
    return rows


def write_volumes(path: str | os.PathLike[str], rows: Iterable[VolumeVersion]) -> None:
    """Write ``data.csv``, atomically."""
    text = io.StringIO()
    names = [field.name for field in fields(VolumeVersion)]
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(map(asdict, rows))
    write_text(path, text.getvalue())


def read_volumes(path: str | os.PathLike[str]) -> list[VolumeVersion]:
    """Read ``data.csv``. Raises UpwindError for a damaged one."""
    types: dict[str, Callable[[str], Any]] = {
        field.name: int if field.type is int else str for field in fields(VolumeVersion)
    }
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return [
                VolumeVersion(**{name: types[name](text) for name, text in row.items()})
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UpwindError(f"{path} is damaged ({error}): delete it and run again") from error


def versions_by_case(rows: Iterable[VolumeVersion]) -> dict[int, list[str]]:
    """MD5 of each case's image and label; what changes when the case's data do."""
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.case, {})[row.role] = row.md5
    return {case: [roles.get("image", ""), roles.get("label", "")] for case, roles in found.items()}


def check_unedited(
    root: Path, kind: str, rows: Sequence[VolumeVersion], pointer: Path, hashes: Hashes
) -> None:
    """Compare the volumes under ``root`` with what the table says of them.

    Sizes and dates are compared; only where these differ a file is read.

    Raises:
        UpwindError: volumes were changed, removed or added since; names them and both ways out.
    """
    present = set(volume_files(root, kind))
    missing = [row.file for row in rows if row.file not in present]
    added = sorted(present - {row.file for row in rows})
    changed = [row for row in rows if row.file in present and _changed(root, row, hashes)]
    hashes.keep()
    if not (missing or added or changed):
        return
    lines = _listed("changed", [row.file for row in changed])
    lines += _listed("missing", missing) + _listed("added", added)
    raise UpwindError(
        f"the volumes in {root} are no longer the version that {pointer} names:\n"
        + "\n".join(lines)
        + f"\nIf this is meant, make it the new version: dvc add {root}"
        + f"\nIf not, go back:                        dvc checkout --force {pointer}"
        + _shared_with_cache([root / row.file for row in changed], pointer)
    )


def _changed(root: Path, row: VolumeVersion, hashes: Hashes) -> bool:
    status = (root / row.file).stat()
    if (status.st_size, status.st_mtime_ns) == (row.bytes, row.mtime_ns):
        return False
    return status.st_size != row.bytes or hashes.md5(root / row.file) != row.md5


def _listed(what: str, files: Sequence[str]) -> list[str]:
    lines = [f"  {what}: {file}" for file in files[:_SHOWN]]
    if len(files) > _SHOWN:
        lines.append(f"  {what}: and {len(files) - _SHOWN} more")
    return lines


def _shared_with_cache(changed: Sequence[Path], pointer: Path) -> str:
    """A file that was written in place is the same file as DVC's copy, which then changed too."""
    linked = [path for path in changed if path.stat().st_nlink > 1]
    if not linked:
        return ""
    file = linked[0]
    return (
        f"\n{file} was written in place, and as it is linked to DVC's copy, that copy changed too: "
        "going back then means to remove both and to fetch the right one:\n"
        f"  find $(dvc cache dir) -samefile {file} -delete; rm -f {file}; dvc pull {pointer}"
    )
