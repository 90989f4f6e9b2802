"""What options of commands have in common."""

from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.settings.model import Settings


def limits(settings: Settings, name: str) -> dict[str, int]:
    """The limits of a setting as an option takes them."""
    return {
        option: getattr(limit, key)
        for limit in type(settings).model_fields[name].metadata
        for key, option in (("ge", "min"), ("le", "max"))
        if hasattr(limit, key)
    }


def check_file(output: Path, overwrite: bool) -> None:
    """Refuse a file to write that is there, and that nobody agreed to lose."""
    if output.exists() and not overwrite:
        raise UpwindError(f"{output} exists already; name another file or give --overwrite")


def check_folder(output: Path, overwrite: bool) -> None:
    """Refuse a folder to write into that is a file, or has files that nobody agreed to lose."""
    if output.exists() and not output.is_dir():
        raise UpwindError(f"{output} is a file: name a folder")
    if output.exists() and any(output.iterdir()) and not overwrite:
        raise UpwindError(f"{output} has files in it; name another folder or give --overwrite")
