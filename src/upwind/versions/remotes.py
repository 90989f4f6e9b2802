"""The DVC remote that a repository pushes to and pulls from."""

from dataclasses import dataclass
from pathlib import Path

from upwind.versions.commands import run_dvc


@dataclass(frozen=True)
class Remote:
    """A remote's name and address: a folder, or what DVC has for ssh, S3 and others."""

    name: str
    url: str

    def __str__(self) -> str:
        there = ", a folder that is not there now" if self.is_away() else ""
        return f"the DVC remote {self.name} ({self.url}{there})"

    def is_away(self) -> bool:
        """Is it a folder that does not exist? DVC would make it, also under an empty mount point
        or with a mistake in its name."""
        return self.url.startswith("/") and not Path(self.url).is_dir()


def default_remote(folder: Path) -> Remote | None:
    """The remote that DVC uses in ``folder`` where none is named; None if none is set."""
    lines = run_dvc(folder, "config", "--list").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    name = settings.get("core.remote", "")
    url = settings.get(f"remote.{name}.url")
    return Remote(name, url) if url else None
