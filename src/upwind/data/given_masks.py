"""Masks that somebody else made (``methods.NAME.masks``): found by case, checked, and read on the
CT's grid."""

import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upwind.common.errors import UpwindError
from upwind.common.progress import track
from upwind.data.grids import by, onto
from upwind.data.volumes import Grid, canonical_view, read_grid
from upwind.data.voxels import Header, overclaim, planes, read_header, sound_grid
from upwind.provenance.fingerprint_cache import Known

COLUMNS = ("method", "case", "file", "usable", "voxels", "problem")
_SHOWN = 5  # values in a message


@dataclass(frozen=True)
class GivenMask:
    """What is known of a method's mask of a case: its liver's ``voxels``, or the ``problem`` for
    which it cannot be used."""

    method: str
    case: int
    file: str
    voxels: int = 0
    problem: str = ""


def mask_file(pattern: str, case: int) -> Path:
    """The file of a case by a pattern such as ``~/masks/{case:03d}.nii.gz``."""
    return Path(os.path.expandvars(pattern).format(case=case)).expanduser()


def read_given(
    path: str | os.PathLike[str],
    ct: Grid | None,
    label: int | Sequence[int] | None,
    *,
    resample: bool = False,
) -> np.ndarray:
    """The liver (bool): canonical (x, y, z) on the grid of the CT, or as it is stored where no
    ``ct`` says where it belongs; ``resample`` brings a mask on another grid there by nearest
    neighbour. ``label`` tells the values that are liver; None takes masks of 0 and 1.

    Raises UpwindError for a file that cannot be read, for values that are no whole numbers or,
    without a ``label``, neither 0 nor 1, and for a mask on another grid than the CT.
    """
    header = read_header(Path(path))
    grid, claim = sound_grid(header), overclaim(header)
    if grid is None or claim:
        raise UpwindError(
            claim
            or f"{path} is no mask on a grid: it has the shape {by(header.shape)}, or an affine "
            "without sense; convert it again from the original"
        )
    stored = np.empty(header.shape, bool, order="F")
    for index, plane in enumerate(planes(header)):
        stored[..., index] = _liver(plane, label, header)
    if ct is None:
        return stored
    return canonical_view(onto(stored, grid, ct, str(path), resample=resample), ct.affine)


def check_masks(
    entries: Mapping[str, Mapping[str, Any]], images: Mapping[int, Path | None]
) -> list[GivenMask]:
    """Each method's mask of each case, ``entries`` of the configuration by the method's key. Where
    the CT (``images``, by case) is not there yet, where it lies is not looked at. A file that was
    looked at before is not read again while size and date stay."""
    asked = {
        (key, case): _Look.at(entry, case, images[case])
        for key, entry in entries.items()
        for case in images
    }
    new = [look for look in asked.values() if look.there and look.found is None]
    for look in track(new, len(new), "masks looked at"):
        _known().set(look.source, json.dumps(look.read()))
    return [GivenMask(*about, str(look.file), *look.result()) for about, look in asked.items()]


def refuse_unusable(masks: Iterable[GivenMask]) -> None:
    """Raise UpwindError naming every mask that cannot be used, with its case."""
    lines = [f"  - {mask.method}, case {mask.case}: {mask.problem}" for mask in _unusable(masks)]
    if lines:
        raise UpwindError(
            "masks that `methods` names cannot be used:\n"
            + "\n".join(lines)
            + "\nMend them, or set dataset.on_bad_case to skip, which leaves these cases out of "
            "the method."
        )


def left_out(masks: Iterable[GivenMask]) -> list[str]:
    """A line for each method on the cases that have no usable mask, with the problem of each."""
    by_method: dict[str, list[str]] = {}
    for mask in _unusable(masks):
        by_method.setdefault(mask.method, []).append(f"case {mask.case} ({mask.problem})")
    return [f"{method} is without {'; '.join(cases)}" for method, cases in by_method.items()]


def check_every_fold(masks: Iterable[GivenMask], folds: pd.DataFrame) -> None:
    """Raise UpwindError where a method has no usable mask of any case of a fold."""
    fold_of = dict(zip(folds["case"], folds["fold"], strict=True))
    have: dict[str, set[int]] = {}
    for mask in masks:
        have.setdefault(mask.method, set()).update([] if mask.problem else [fold_of[mask.case]])
    for method, there in have.items():
        bare = sorted(set(fold_of.values()) - there)
        if bare:
            raise UpwindError(
                f"methods.{method}: no case of fold {', '.join(map(str, bare))} has a usable mask, "
                "so that the extended table would have an empty cell; masks.csv of the results, "
                "or the log, has the problem of each"
            )


def masks_table(masks: Iterable[GivenMask]) -> pd.DataFrame:
    """Rows of ``masks.csv``."""
    rows = [asdict(mask) | {"usable": not mask.problem} for mask in masks]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def usable_cases(table: pd.DataFrame, method: str) -> list[int]:
    """Cases of which a method has a usable mask, by ``masks.csv``."""
    return table.loc[(table["method"] == method) & table["usable"], "case"].tolist()


def _unusable(masks: Iterable[GivenMask]) -> Iterator[GivenMask]:
    return (mask for mask in masks if mask.problem)


@dataclass(frozen=True)
class _Look:
    """A look at the mask in ``file``; ``source`` is all that what is seen there depends on."""

    file: Path
    image: Path | None
    label: int | Sequence[int] | None
    source: str

    @classmethod
    def at(cls, entry: Mapping[str, Any], case: int, image: Path | None) -> "_Look":
        file, label = mask_file(entry["masks"], case), entry["label"]
        image = image if image is not None and image.is_file() else None
        states = [_state(path) for path in (file, image) if path is not None and path.is_file()]
        return cls(file, image, label, json.dumps([label, *states]))

    @property
    def there(self) -> bool:
        return self.file.is_file()

    @property
    def found(self) -> str | None:
        return _known().get(self.source)

    def read(self) -> tuple[int, str]:
        """Voxels of the liver and problem."""
        try:
            ct = None if self.image is None else read_grid(self.image)
            return int(np.count_nonzero(read_given(self.file, ct, self.label))), ""
        except UpwindError as error:
            return 0, str(error)

    def result(self) -> tuple[int, str]:
        """What was read, now or before."""
        if not self.there:
            return 0, f"there is no file {self.file}"
        found = self.found
        assert found is not None  # all that are there have been looked at
        voxels, problem = json.loads(found)
        return voxels, problem


def _state(path: Path) -> list[Any]:
    state = path.stat()
    return [str(path.resolve()), state.st_size, state.st_mtime_ns]


@functools.cache
def _known() -> Known:
    return Known(Path(__file__).read_text(encoding="utf-8"), "upwind-masks.json")


def _liver(plane: np.ndarray, label: int | Sequence[int] | None, header: Header) -> np.ndarray:
    whole = np.isfinite(plane) & (plane == np.floor(plane)) if plane.dtype.kind == "f" else True
    if not np.all(whole):
        other = plane[~whole]
        raise UpwindError(
            f"{header.path} holds {_values(other)}, no whole numbers: make it a mask, by a "
            "threshold for example"
        )
    if label is not None:
        return np.isin(plane, label)
    liver = plane == 1
    other = plane[~liver & (plane != 0)]
    if other.size:
        raise UpwindError(
            f"{header.path} holds {_values(other)} beside 0 and 1: say with `label` what is liver"
        )
    return liver


def _values(values: np.ndarray) -> str:
    found = np.unique(values)
    more = ", ..." if len(found) > _SHOWN else ""
    return ", ".join(f"{value:g}" for value in found[:_SHOWN]) + more
