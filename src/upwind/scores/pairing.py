"""Which label and which masks belong together: by the case number in a file's name."""

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.data.naming import find_cases, holds_cases

_CASE = "{case}"
_NIFTI = re.compile(r"\.nii(\.gz)?$")


@dataclass(frozen=True)
class Problem:
    """Why a method's mask of a case, or a label (``method`` is empty), cannot be scored.
    ``missing`` where the case has a label and the method no usable mask of it."""

    method: str
    case: int
    text: str
    missing: bool = False

    def __str__(self) -> str:
        whose = f"{self.method}, " if self.method else ""
        return f"{whose}case {self.case}: {self.text}"


@dataclass(frozen=True)
class Files:
    """The file of each case, and what is wrong with the rest."""

    paths: Mapping[int, Path]
    claimed_twice: Mapping[int, Sequence[Path]]


@dataclass(frozen=True)
class Pairs:
    """Labels by case, masks by method and case (of cases with a label), and all problems found
    among the names. A mask that is missing is one of the problems."""

    labels: Mapping[int, Path]
    masks: Mapping[str, Mapping[int, Path]]
    problems: Sequence[Problem]


def find_pairs(labels: str, masks: Sequence[str]) -> Pairs:
    """Labels and masks of each method, from folders of NIfTI files or patterns with ``{case}``;
    masks may be given as ``NAME=WHERE``, else the folder is the method's name.

    Raises UpwindError where a place has no file of a case, or two methods have one name.
    """
    places = named(masks)
    truth = find_files(labels)
    found = {name: find_files(where) for name, where in places.items()}
    problems = [*_twice("", truth)]
    for name, files in found.items():
        problems += [*_twice(name, files), *_unpaired(name, files, truth)]
    with_label = {
        name: {case: path for case, path in files.paths.items() if case in truth.paths}
        for name, files in found.items()
    }
    return Pairs(truth.paths, with_label, sorted(problems, key=lambda p: (p.method, p.case)))


def named(masks: Sequence[str]) -> dict[str, str]:
    """Where each method's masks are, by name."""
    places: dict[str, str] = {}
    for given in masks:
        name, separator, where = given.partition("=")
        if not separator or Path(given).exists():
            name, where = _name_of(given), given
        if name in places:
            raise UpwindError(
                f"two methods would be called {name} ({places[name]} and {where}): name them, "
                f"NAME={where}"
            )
        places[name] = where
    return places


def find_files(where: str) -> Files:
    """The NIfTI files of a folder or pattern by case number: what ``{case}`` stands for, or the
    last number of a file's name. In LiTS' naming, ``volume-N`` is a CT and passed over. Leading
    zeros do not count.

    Raises UpwindError where there are none.
    """
    found: dict[int, list[Path]] = {}
    for case, path in sorted(_matching(where), key=lambda match: (match[0], str(match[1]))):
        found.setdefault(case, []).append(path)
    if not found:
        raise UpwindError(
            f"{where} has no NIfTI file with a case number in its name: give a folder with files "
            "such as liver_012.nii.gz, or a pattern such as 'masks/{case}/liver.nii.gz'"
        )
    return Files(
        paths={case: paths[0] for case, paths in found.items() if len(paths) == 1},
        claimed_twice={case: paths for case, paths in found.items() if len(paths) > 1},
    )


def _name_of(where: str) -> str:
    """The folder, or the last one above what names a case."""
    parts = Path(os.path.abspath(where)).parts  # noqa: PTH100
    named = [_CASE in part for part in parts]
    return parts[named.index(True) - 1] if any(named) else parts[-1]


def _matching(where: str) -> Iterator[tuple[int, Path]]:
    if _CASE in where:
        yield from _matching_pattern(where)
        return
    folder = Path(where)
    if not folder.is_dir():
        raise UpwindError(f"{where} is no folder: give one, or a pattern with {{case}} in it")
    if holds_cases(folder) and not _is_plain(folder):
        for case in find_cases(folder):
            for path in (case.label, *case.duplicates):
                if path is not None and not path.name.startswith("volume-"):
                    yield case.number, path
        return
    for path in folder.iterdir():
        numbers = re.findall(r"\d+", _NIFTI.sub("", path.name))
        if _NIFTI.search(path.name) and numbers:
            yield int(numbers[-1]), path


def _is_plain(folder: Path) -> bool:
    """Whether files lie in the folder itself that are not named as LiTS' are."""
    names = [path.name for path in folder.iterdir() if _NIFTI.search(path.name)]
    return any(not re.match(r"(volume|segmentation)-\d+\.", name) for name in names)


def _matching_pattern(pattern: str) -> Iterator[tuple[int, Path]]:
    pieces = pattern.split(_CASE)
    # The first stands for the number, and any other for the same again.
    again = "(?P=case)".join(map(re.escape, pieces[1:]))
    expression = re.compile(re.escape(pieces[0]) + r"(?P<case>\d+)" + again)
    for name in glob.glob("*".join(map(glob.escape, pieces))):  # noqa: PTH207
        if match := expression.fullmatch(name):
            yield int(match["case"]), Path(name)


def _twice(method: str, files: Files) -> Iterator[Problem]:
    for case, paths in files.claimed_twice.items():
        names = " and ".join(str(path) for path in paths)
        text = f"{names} both claim it: a pattern with {{case}} tells which"
        yield Problem(method, case, text, missing=bool(method))


def _unpaired(method: str, masks: Files, truth: Files) -> Iterator[Problem]:
    for case in truth.paths.keys() - masks.paths.keys() - masks.claimed_twice.keys():
        yield Problem(method, case, "no mask", missing=True)
    for case in masks.paths.keys() - truth.paths.keys() - truth.claimed_twice.keys():
        yield Problem(method, case, f"{masks.paths[case]} has no label")
