"""Checking a case before anything is computed from it: every problem at once, in little memory.

:func:`check_case` looks at one case and never raises for a bad file; the reports of all cases go
to :func:`cases_table`, :func:`render` and :func:`usable` (see :mod:`upwind.data.reports`).
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from rich.console import Console
from rich.progress import track

from upwind.common.errors import UpwindError
from upwind.common.wording import count_of
from upwind.data.grids import by, turned_grid
from upwind.data.hounsfield import FAT_BELOW, doubt_hu, doubt_liver, no_hu
from upwind.data.labels import label_turning
from upwind.data.naming import CaseFiles, find_cases, partner_name, short_name
from upwind.data.placing import Limits, affine_problems, header_notes, size_doubts, spacing_problems
from upwind.data.reports import CaseReport, cases_table, render, usable, view, with_thin, with_twins
from upwind.data.scans import ImageScan, LabelScan, hu_inside, scan_image, scan_label
from upwind.data.volumes import Grid
from upwind.data.voxels import Header, inflated, overclaim, read_header, sound_grid

__all__ = [
    "CaseReport",
    "Limits",
    "cases_table",
    "check",
    "check_case",
    "render",
    "usable",
    "view",
    "with_thin",
    "with_twins",
]

# A liver has 100 to 200 mm from head to foot.
THINNEST_MM = 5.0


@dataclass
class _Findings:
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(
    folder: str | os.PathLike[str], kind: str = "auto", *, progress: bool = False
) -> list[CaseReport]:
    """Look for every problem of every case of a data set.

    Args:
        folder: with the volumes of LiTS (``volume-N.nii[.gz]``, ``segmentation-N.nii[.gz]``) or of
            the Medical Segmentation Decathlon (``imagesTr``, ``labelsTr``).
        kind: ``lits``, ``msd``, or ``auto`` for whichever is there.
        progress: show a bar on stderr, where that is a terminal.

    Returns:
        A report for each case, in order of their numbers; a case with ``errors`` cannot be used.

    Raises:
        UpwindError: no such folder or kind, or no case in it.
    """
    console = Console(stderr=True)
    silent = not (progress and console.is_terminal)
    cases = track(
        find_cases(Path(folder), kind), "Checking", console=console, transient=True, disable=silent
    )
    return with_twins(check_case(case) for case in cases)


def check_case(
    case: CaseFiles, *, need_label: bool = True, limits: Limits | None = None
) -> CaseReport:
    """Examine the files of one case and report all that is wrong with them.

    Never raises for a bad file. Memory: one stored plane and its masks, and a bit for
    each voxel of the label.
    ``need_label=False`` accepts an image alone, for prediction.
    """
    limits = limits or Limits()
    findings = _Findings()
    _check_names(case, need_label, findings)
    image = _header(case.image, findings)
    label = _header(case.label, findings)
    if image and (problem := inflated(image)):
        findings.errors.append(problem)
        image = None
    _check_placing(image, label, limits, findings)
    grid = sound_grid(image)
    label_grid, how = _label_placing(label, grid, findings)
    # The label first: HU are counted inside it while the image passes.
    label_scan = scan_label(label, label_grid) if label else None
    marks = label_scan.marks if label_scan and not label_scan.damage else None
    placed = (marks, how) if marks and how is not None else None
    image_scan = scan_image(image, grid, placed) if image else None
    hu = _image_range(image, image_scan, findings)
    liver = _label_figures(label, label_scan, label_grid, findings)
    return CaseReport(
        number=case.number,
        shape=grid.canonical_shape if grid else image.shape if image else None,
        spacing=grid.spacing if grid else None,
        sizes_known=not size_doubts(image) if image and grid else None,
        orientation=grid.orientation if grid else None,
        hu_min=hu[0] if hu else None,
        hu_max=hu[1] if hu else None,
        slices=grid.canonical_shape[2] if grid else None,
        **liver,
        **_inside_figures(label, image_scan, findings),
        voxels=image_scan.digest if image_scan else None,
        errors=tuple(findings.errors),
        notes=tuple(findings.notes),
    )


def _check_names(case: CaseFiles, need_label: bool, findings: _Findings) -> None:
    for path in case.duplicates:
        findings.errors.append(
            f"{short_name(path)} is a second file for case {case.number}: "
            "keep the right one and remove the other."
        )
    image, label = case.image, case.label
    if image is None and label is None:
        findings.errors.append("neither image nor label was found.")
    elif image is None and label is not None:
        findings.errors.append(_missing("image", label))
    elif image is not None and label is None and need_label:
        findings.errors.append(_missing("label", image))
    for path in filter(None, (image, label, *case.duplicates)):
        if path.name != path.name.lower():
            findings.notes.append(
                f"{short_name(path)} is taken for case {case.number}: capitals do not count."
            )
        if re.search(r"[-_]0\d+\.nii", path.name):
            findings.notes.append(
                f"{short_name(path)} is taken for case {case.number}: leading zeros do not count."
            )


def _missing(role: str, partner: Path) -> str:
    return (
        f"{short_name(partner)} has no {role}: add {partner_name(partner)}, or remove the file "
        "without a partner."
    )


def _header(path: Path | None, findings: _Findings) -> Header | None:
    """The header, where its file can hold what it states; else its problems."""
    if path is None:
        return None
    try:
        header = read_header(path)
    except UpwindError as error:
        findings.errors.append(str(error))
        return None
    name = short_name(path)
    if header.dtype.kind not in "iuf":
        findings.errors.append(
            f"{name} stores {header.dtype} (colour or complex values): convert it to plain numbers."
        )
        return None
    if len(header.shape) != 3:
        findings.errors.append(
            f"{name} is {len(header.shape)}-D (shape {by(header.shape)}), not 3-D: "
            "extract the one volume that is meant."
        )
    if not header.voxels:
        findings.errors.append(
            f"{name} states no voxels (shape {by(header.shape)}): download or convert it again."
        )
        return None
    if problem := overclaim(header):
        findings.errors.append(problem)
        return None
    # Of another shape there may be any number of planes to read.
    return header if len(header.shape) == 3 else None


def _check_placing(
    image: Header | None, label: Header | None, limits: Limits, findings: _Findings
) -> None:
    for header in filter(None, (image, label)):
        findings.notes += header_notes(header)
    if image:
        findings.errors += affine_problems(image) + spacing_problems(image, limits)
    if label and not image:
        findings.errors += affine_problems(label)


def _label_placing(
    label: Header | None, ct: Grid | None, findings: _Findings
) -> tuple[Grid | None, np.ndarray | None]:
    """The grid that the label's stored array is measured on, and how it is turned into the CT's.

    Its own grid where that covers its CT's box, or nothing is known of a CT; the CT's by the
    authors' rule.
    """
    own = sound_grid(label)
    if label is None or ct is None or len(label.shape) != 3:
        return own, None
    try:
        how, note = label_turning(label, ct)
    except UpwindError as error:
        findings.errors.append(str(error))
        return own, None
    if note:
        findings.notes.append(note)
    return turned_grid(ct, how), how


def _image_range(
    header: Header | None, scan: ImageScan | None, findings: _Findings
) -> tuple[float, float] | None:
    if header is None or scan is None:
        return None
    name = short_name(header.path)
    if scan.damage:
        findings.errors.append(scan.damage)
    findings.errors += _not_finite(name, scan.nan, scan.infinite)
    if scan.low is None or scan.high is None or scan.damage:
        return None
    if scan.low == scan.high:
        findings.errors.append(
            f"{name} has the same value ({scan.low:g}) everywhere: convert it again."
        )
    elif reason := no_hu(scan.low, scan.high):
        findings.errors.append(
            f"{name}: {reason}. Mend its slope and intercept, or convert it again."
        )
    elif doubt := doubt_hu(scan.low, scan.high):
        findings.notes.append(f"{name}: {doubt}.")
    return scan.low, scan.high


class _LabelFigures(TypedDict, total=False):
    liver_slices: int
    liver_mm: float
    liver_ml: float
    tumour_ml: float


class _InsideFigures(TypedDict, total=False):
    liver_hu: float
    fat_or_air: float


def _inside_figures(
    label: Header | None, image: ImageScan | None, findings: _Findings
) -> _InsideFigures:
    """Fields of the report on the image's HU inside the label."""
    if label is None or image is None or image.damage:
        return {}
    inside = hu_inside(image.inside, FAT_BELOW)
    if inside is None:
        return {}
    median, fat_or_air = inside
    if doubt := doubt_liver(median, fat_or_air):
        findings.notes.append(f"{short_name(label.path)} {doubt}.")
    return {"liver_hu": median, "fat_or_air": fat_or_air}


def _label_figures(
    header: Header | None, scan: LabelScan | None, grid: Grid | None, findings: _Findings
) -> _LabelFigures:
    """Fields of the report that the label tells, measured on ``grid``."""
    if header is None or scan is None:
        return {}
    findings.errors += _label_problems(short_name(header.path), scan)
    if scan.damage or grid is None:
        return {}
    slices = int(scan.liver_slices(grid).sum())
    if 0 < slices * grid.spacing[2] < THINNEST_MM:
        findings.notes.append(
            f"{short_name(header.path)} has liver in {count_of(slices, 'slice')} alone, "
            f"{slices * grid.spacing[2]:.2g} mm: a level set may not see it on its working grid "
            "(levelset.spacing_mm). Is the label whole?"
        )
    return {
        "liver_slices": slices,
        "liver_mm": scan.thickness(grid),
        "liver_ml": (scan.liver + scan.tumour) * grid.voxel_ml,
        "tumour_ml": scan.tumour * grid.voxel_ml,
    }


def _label_problems(name: str, scan: LabelScan) -> list[str]:
    problems = [scan.damage] if scan.damage else []
    problems += _not_finite(name, scan.nan, scan.infinite)
    if scan.other:
        shown = ", ".join(f"{value:.9g}" for value in sorted(scan.other_values)[:5])
        more = ", ..." if len(scan.other_values) > 5 else ""
        problems.append(
            f"{name} has label values outside {{0, 1, 2}}: {shown}{more} in "
            f"{count_of(scan.other, 'voxel')}. Map them to 0 background, 1 liver, 2 tumour."
        )
    if not scan.damage and scan.liver + scan.tumour == 0:
        problems.append(
            f"{name} has an empty liver (no voxel is 1 or 2): find the right label, or leave the "
            "case out."
        )
    return problems


def _not_finite(name: str, nan: int, infinite: int) -> list[str]:
    counts = [
        count_of(count, kind)
        for count, kind in ((nan, "NaN value"), (infinite, "infinite value"))
        if count
    ]
    if not counts:
        return []
    return [f"{name} has {' and '.join(counts)}: convert it again from the original."]
