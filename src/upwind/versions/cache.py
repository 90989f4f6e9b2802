"""DVC's cache of file contents, read only: which files a version has, and whether they are here."""

import json
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.versions.commands import run_dvc


class Cache:
    """The cache of the repository around ``folder``: contents by MD5."""

    def __init__(self, folder: Path):
        printed = run_dvc(folder, "cache", "dir").strip().splitlines()
        self.path = Path(printed[-1])

    def file(self, md5: str) -> Path:
        """Where the content of this MD5 (hex; of a folder with ``.dir``) is, if it is here."""
        return self.path / "files" / "md5" / md5[:2] / md5[2:]

    def holds(self, md5: str) -> bool:
        """Is the content here?"""
        return self.file(md5).is_file()

    def manifest(self, version: str) -> dict[str, str] | None:
        """MD5 by file, relative to the folder, of a folder's ``version``; None if not here.

        Raises:
            UpwindError: DVC's list of the files is damaged.
        """
        path = self.file(version)
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return {entry["relpath"]: entry["md5"] for entry in entries}
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise UpwindError(
                f"{path}, DVC's list of files, is damaged ({error}): delete it and run again"
            ) from error

    def missing(self, version: str) -> list[str]:
        """Contents of ``version`` that are not here; the version itself where even its list of
        files is not."""
        manifest = self.manifest(version)
        if manifest is None:
            return [version]
        return sorted(md5 for md5 in set(manifest.values()) if not self.holds(md5))
