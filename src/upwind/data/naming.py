"""Which files make up a case: LiTS naming and Medical Segmentation Decathlon naming.

Only folder listings are read here, so that a workflow can ask each time it is parsed.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from upwind.common.errors import UpwindError
from upwind.common.wording import first_few, natural_order


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case. ``duplicates`` are further files that claim the same number and
    role (``volume-3.nii`` beside ``volume-3.nii.gz``); which one is meant cannot be known."""

    number: int
    image: Path | None
    label: Path | None
    duplicates: tuple[Path, ...] = ()

    @property
    def files(self) -> list[Path]:
        """All files that claim the case's number."""
        return [path for path in (self.image, self.label, *self.duplicates) if path is not None]


@dataclass(frozen=True)
class _Naming:
    image_folder: str
    image_pattern: str
    label_folder: str
    label_pattern: str
    expected: str


_TEST_IMAGES = "imagesTs"  # of the Decathlon
_NUMBER = r"(\d+)\.nii(?:\.gz)?"
_NAMINGS = {
    "lits": _Naming(
        image_folder="",
        image_pattern=rf"volume-{_NUMBER}",
        label_folder="",
        label_pattern=rf"segmentation-{_NUMBER}",
        expected="volume-N.nii[.gz] with segmentation-N.nii[.gz]",
    ),
    "msd": _Naming(
        image_folder="imagesTr",
        image_pattern=rf"liver_{_NUMBER}",
        label_folder="labelsTr",
        label_pattern=rf"liver_{_NUMBER}",
        expected="imagesTr/liver_N.nii[.gz] with labelsTr/liver_N.nii[.gz]",
    ),
}
KINDS = ("auto", *_NAMINGS)
_SHOWN = 5


def find_cases(root: Path, kind: str = "auto") -> list[CaseFiles]:
    """Cases under ``root``, sorted by number (the paper's folds follow the case numbers).

    ``kind`` is ``lits``, ``msd`` or ``auto`` (whichever of the two is there). A case may lack its
    image or its label: that is for :func:`upwind.data.check.check_case` to say. Leading zeros
    do not count, nor does the case of letters: ``Volume-007.NII`` is case 7. Other files and
    subfolders are ignored; :func:`left_out` names those that may have been meant.

    Raises:
        UpwindError: no such folder or kind, no case in it, or names of both kinds (``auto``).
    """
    root = Path(root)
    if kind not in KINDS:
        raise UpwindError(f"Unknown kind of data set '{kind}': choose one of {', '.join(KINDS)}.")
    if not root.is_dir():
        raise UpwindError(
            f"The data folder {root} does not exist or is not a folder: "
            "check the path (dataset.root in the config)."
        )
    tried = list(_NAMINGS) if kind == "auto" else [kind]
    found = {name: _cases_named(root, _NAMINGS[name]) for name in tried}
    held = [name for name, cases in found.items() if cases]
    if not held:
        expected = "; or ".join(f"{_NAMINGS[name].expected} ({name})" for name in tried)
        raise UpwindError(
            f"No case found in {root}. Expected names: {expected}, N being the case number, all "
            f"in that one place (no other subfolder is searched).{_instead(left_out(root))}"
        )
    if len(held) > 1:
        raise UpwindError(
            f"{root} holds files of {' and of '.join(held)} naming: say which is meant "
            "(dataset.kind, or --kind)."
        )
    return found[held[0]]


def left_out(root: Path) -> list[str]:
    """Names of NIfTI files where cases are looked for in ``root`` that are not named like one, as
    ``volume-2 (1).nii.gz``, in natural order."""
    folders = {
        root / folder
        for naming in _NAMINGS.values()
        for folder in (naming.image_folder, naming.label_folder)
    }
    cases = (case for naming in _NAMINGS.values() for case in _cases_named(root, naming))
    return _not_taken(folders, cases)


def left_out_below(source: Path, cases: Iterable[CaseFiles]) -> list[str]:
    """The same anywhere below ``source``, where ``cases`` were found (:func:`search_cases`). The
    Decathlon's test images, which have no labels, are not meant."""
    folders = (folder for folder in _folders_below(source) if folder.name != _TEST_IMAGES)
    return _not_taken(folders, cases)


def _not_taken(folders: Iterable[Path], cases: Iterable[CaseFiles]) -> list[str]:
    found = {short_name(path) for folder in folders for path in _listing(folder) if _is_nifti(path)}
    taken = {short_name(path) for case in cases for path in case.files}
    return sorted(found - taken, key=natural_order)


def search_cases(source: Path, kind: str) -> list[CaseFiles]:
    """Cases of one ``kind`` (not ``auto``) anywhere below ``source``, sorted by number, as data
    sets are handed out: LiTS in two batches, the Decathlon in a folder of its task.

    Links to folders are followed. Files in several places that claim the same number and role are
    ``duplicates``.

    Raises:
        UpwindError: no such folder, or no case below it.
    """
    source = Path(source)
    if not source.is_dir():
        raise UpwindError(f"The folder {source} does not exist or is not a folder.")
    naming = _NAMINGS[kind]
    images: dict[int, list[Path]] = defaultdict(list)
    labels: dict[int, list[Path]] = defaultdict(list)
    for folder in _folders_below(source):
        for number, paths in _numbered(folder / naming.image_folder, naming.image_pattern).items():
            images[number] += paths
        for number, paths in _numbered(folder / naming.label_folder, naming.label_pattern).items():
            labels[number] += paths
    if not images and not labels:
        raise UpwindError(
            f"No case found in {source} or below. Expected names: {naming.expected}."
            f"{_instead(left_out_below(source, []))}"
        )
    numbers = sorted(images.keys() | labels.keys())
    return [_case(number, images.get(number, []), labels.get(number, [])) for number in numbers]


def holds_cases(root: Path) -> bool:
    """Is there any file under ``root`` that is named like a case of either kind?"""
    root = Path(root)
    return root.is_dir() and any(_cases_named(root, naming) for naming in _NAMINGS.values())


def short_name(path: Path) -> str:
    """The file's name as a message shows it: with its folder where that alone tells image from
    label (Decathlon)."""
    tells = {_NAMINGS["msd"].image_folder, _NAMINGS["msd"].label_folder}
    return f"{path.parent.name}/{path.name}" if path.parent.name in tells else path.name


def partner_name(path: Path) -> str:
    """Name that the label of an image, or the image of a label, is expected to have."""
    swaps = [("volume-", "segmentation-"), ("imagesTr/", "labelsTr/")]
    name = short_name(path)
    for ours, theirs in swaps + [(b, a) for a, b in swaps]:
        if name.lower().startswith(ours.lower()):
            return theirs + name[len(ours) :]
    return f"partner of {name}"


def _folders_below(source: Path) -> Iterator[Path]:
    """A folder and all below it, each once: links are followed, and may lead back."""
    seen: set[Path] = set()
    for name, subfolders, _ in os.walk(source, onerror=_unlisted, followlinks=True):
        folder = Path(name)
        if folder.resolve() in seen:
            subfolders.clear()
            continue
        seen.add(folder.resolve())
        subfolders.sort()
        yield folder


def _is_nifti(path: Path) -> bool:
    return ".nii" in path.name.lower() and not path.name.startswith(".")


def _instead(names: list[str]) -> str:
    return f" There are {first_few(names, _SHOWN)}." if names else ""


def _cases_named(root: Path, naming: _Naming) -> list[CaseFiles]:
    images = _numbered(root / naming.image_folder, naming.image_pattern)
    partners = _numbered(root / naming.label_folder, naming.label_pattern)
    return [
        _case(number, images.get(number, []), partners.get(number, []))
        for number in sorted(images.keys() | partners.keys())
    ]


def _case(number: int, images: list[Path], labels: list[Path]) -> CaseFiles:
    return CaseFiles(
        number=number,
        image=images[0] if images else None,
        label=labels[0] if labels else None,
        duplicates=(*images[1:], *labels[1:]),
    )


def _numbered(folder: Path, pattern: str) -> dict[int, list[Path]]:
    by_number: dict[int, list[Path]] = defaultdict(list)
    # The shortest name first, so that the choice among duplicates is the same everywhere.
    for path in sorted(_listing(folder), key=lambda path: (len(path.name), path.name)):
        if match := re.fullmatch(pattern, path.name, flags=re.ASCII | re.IGNORECASE):
            by_number[int(match[1])].append(path)
    return dict(by_number)


def _listing(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        _unlisted(error)


def _unlisted(error: OSError) -> NoReturn:
    message = f"The folder {error.filename} cannot be listed ({error.strerror})."
    raise UpwindError(message) from error
