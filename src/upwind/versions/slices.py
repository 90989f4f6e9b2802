"""The slices made from versioned volumes are versioned too."""

from collections.abc import Iterable
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.versions.commands import CommandError, repository_root, run_dvc
from upwind.versions.pointers import pointer_path, read_pointer


def track_slices(folder: Path, files: Iterable[Path]) -> str:
    """Put the slices ``files`` in ``folder`` under DVC; return their version.

    Slices of cases that the data no longer hold are removed from the folder first, so that the
    pointer beside it names what the run used. The files are copied into DVC's cache, not linked to
    it: links would give them other dates, and whatever was trained on them would seem out of date.

    Raises:
        UpwindError: the folder is in no git checkout with DVC, or DVC fails.
    """
    repository_root(folder, f"the version of {folder}")
    keep = {Path(file).name for file in files}
    for path in folder.glob("case-*.safetensors"):
        if path.name not in keep:
            print(f"{path} is of a case that the data no longer hold; removed")
            path.unlink()
    try:
        run_dvc(folder.parent, "add", "--no-relink", folder.name)
    except CommandError as error:
        raise UpwindError(f"{folder} cannot be put under DVC: {error}") from error
    return read_pointer(pointer_path(folder)).version
