"""Which CTs are to be segmented, and into which files."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.wording import first_few, natural_order
from upwind.data.naming import find_cases, holds_cases

_ENDINGS = (".nii.gz", ".nii")
_LITS = re.compile(r"(volume|segmentation)-\d+\.nii(\.gz)?", re.IGNORECASE)
_LITS_CT = re.compile(r"volume-(\d+)\.nii(?:\.gz)?", re.IGNORECASE)
_SHOWN = 5  # files named in a message


@dataclass(frozen=True)
class Target:
    """A CT, and the files that its mask and, where it is asked for, its probability go to."""

    ct: Path
    mask: Path
    probability: Path | None = None

    @property
    def outputs(self) -> list[Path]:
        """The files to be written."""
        return [path for path in (self.mask, self.probability) if path is not None]


def find_targets(
    cts: Sequence[Path],
    output: Path,
    probability: Path | None = None,
    inputs: Sequence[Path] = (),
    overwrite: bool = False,
) -> list[Target]:
    """A target for each of ``cts``: files, or folders of them.

    Of a folder of a data set (LiTS, Decathlon) only the images are taken; of another every NIfTI
    file in it. For a single CT, ``output`` and ``probability`` are NIfTI files; for several, or a
    folder of CTs, they are folders with a file for each, named as the CT, ``.nii.gz``
    (``segmentation-N`` for ``volume-N``, as LiTS has it). A folder that is there is one for a
    single CT, too. ``inputs`` are further files that are read.

    Raises:
        UpwindError: an input that is not there; an output that is no NIfTI by name, is there
            already (without ``overwrite``), is an input, lies among the volumes of a data set, or
            belongs to two CTs.
    """
    single = len(cts) == 1 and not cts[0].is_dir()
    chosen = [found for path in cts for found in (_within(path) if path.is_dir() else [path])]
    masks = _files("mask", output, chosen, single)
    if probability is None:
        targets = [Target(ct, mask) for ct, mask in zip(chosen, masks, strict=True)]
    else:
        probabilities = _files("probability", probability, chosen, single)
        targets = [Target(*files) for files in zip(chosen, masks, probabilities, strict=True)]
    _check_outputs(targets, inputs)
    _check_new(targets, overwrite)
    _check_there([*chosen, *inputs])
    return targets


def _check_new(targets: Sequence[Target], overwrite: bool) -> None:
    there = [path for target in targets for path in target.outputs if path.exists()]
    if there and not overwrite:
        exist, other = ("exists", "file") if len(there) == 1 else ("exist", "folder")
        raise UpwindError(
            f"{_named(there)} {exist} already; name another {other} or give --overwrite"
        )


def _within(folder: Path) -> list[Path]:
    if holds_cases(folder):
        return [case.image for case in find_cases(folder) if case.image is not None]
    found = [
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(_ENDINGS) and not path.name.startswith(".")
    ]
    if not found:
        raise UpwindError(
            f"there is no CT in the folder {folder}: no file is named .nii or .nii.gz"
        )
    return sorted(found, key=lambda path: natural_order(path.name))


def _check_there(inputs: Iterable[Path]) -> None:
    missing = [path for path in inputs if not path.is_file()]
    if missing:
        do, are, files = ("does", "is", "a file") if len(missing) == 1 else ("do", "are", "files")
        raise UpwindError(f"{_named(missing)} {do} not exist or {are} not {files}")


def _files(what: str, output: Path, cts: Sequence[Path], single: bool) -> list[Path]:
    """Where each CT's file goes."""
    is_nifti = output.name.endswith(_ENDINGS)
    if single and not output.is_dir():
        if not is_nifti:
            raise UpwindError(f"{output}: the {what} is written as NIfTI; name it .nii or .nii.gz")
        return [output]
    if is_nifti or output.is_file():
        raise UpwindError(f"{output}: for several CTs name a folder, which gets a file for each")
    return [output / f"{_stem(ct)}.nii.gz" for ct in cts]


def _stem(path: Path) -> str:
    # As LiTS names what belongs to a CT, so that masks and labels are paired by their names.
    if found := _LITS_CT.fullmatch(path.name):
        return f"segmentation-{found[1]}"
    for ending in _ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.name


def _check_outputs(targets: Sequence[Target], inputs: Sequence[Path]) -> None:
    read = {path.resolve() for path in [*inputs, *(target.ct for target in targets)]}
    data_sets = {t.ct.parent.resolve() for t in targets if _LITS_CT.fullmatch(t.ct.name)}
    owners: dict[Path, list[Path]] = defaultdict(list)
    for target in targets:
        for path in target.outputs:
            if path.resolve() in read:
                raise UpwindError(f"{path} is an input; name another file or folder")
            if path.parent.resolve() in data_sets and _LITS.fullmatch(path.name):
                raise UpwindError(
                    f"{path} would lie among the volumes of a data set, as if it were one of its "
                    "files; name another folder"
                )
            owners[path.resolve()].append(target.ct)
    for path, cts in owners.items():
        if len(set(cts)) > 1:
            raise UpwindError(
                f"{_named(cts)} would all be written to {path}: segment them into folders of "
                "their own"
            )
        if len(cts) > 1:
            raise UpwindError(
                f"{path} would be written twice: name {cts[0]} once, and other files or folders "
                "for masks and for probabilities"
            )


def _named(paths: Sequence[Path]) -> str:
    return first_few([str(path) for path in paths], _SHOWN)
