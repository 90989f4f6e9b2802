"""Checking a case before anything is computed from it: every problem at once, in little memory.

:func:`check_case` looks at one case and never raises for a bad file; the reports of all cases go
to :func:`cases_table`, :func:`render` and :func:`usable` (see :mod:`upwind.data.reports`).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from nibabel import affines

from upwind.common.errors import UpwindError
from upwind.data.naming import CaseFiles, partner_name, short_name
from upwind.data.reports import CaseReport, cases_table, render, usable, view
from upwind.data.scans import LabelScan, scan_image, scan_label
from upwind.data.volumes import Grid
from upwind.data.voxels import Header, overclaim, read_header

__all__ = [
    "CaseReport",
    "Limits",
    "cases_table",
    "check_case",
    "grid_difference",
    "render",
    "usable",
    "view",
]


@dataclass(frozen=True)
class Limits:
    """What counts as absurd.

    Spacings (mm): LiTS has 0.56 to 1.0 in-plane and 0.45 to 6.0 between slices (Bilic et al.,
    2023). The limits leave room for thin research scans and for data resampled to few pixels, and
    catch metres, micrometres and swapped fields. Grids that differ by less than ``same_grid`` (mm,
    at the farthest corner) are the same: far below a voxel, above what single precision loses.
    """

    in_plane: tuple[float, float] = (0.2, 5.0)
    between_slices: tuple[float, float] = (0.2, 20.0)
    same_grid: float = 0.01


@dataclass
class _Findings:
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_case(
    case: CaseFiles, *, need_label: bool = True, limits: Limits | None = None
) -> CaseReport:
    """Examine the files of one case and report all that is wrong with them.

    Never raises for a bad file. Memory: one stored plane and its masks, whatever the file's size.
    ``need_label=False`` accepts an image alone, for prediction.
    """
    limits = limits or Limits()
    findings = _Findings()
    _check_names(case, need_label, findings)
    image = _header(case.image, findings)
    label = _header(case.label, findings)
    grid = _grid(image, findings)
    label_grid = _grid(label, findings)
    if grid:
        findings.errors += _spacing_problems(image, grid, limits)
    if grid and label_grid:
        _compare(image, label, limits, findings)
    hu = _image_range(image, findings)
    # The label is measured on the image's grid (the authors' rule) wherever it fits.
    fits = grid and label_grid and grid.shape == label_grid.shape
    liver = _label_figures(label, grid if fits else label_grid, findings)
    return CaseReport(
        number=case.number,
        shape=grid.canonical_shape if grid else image.shape if image else None,
        spacing=grid.spacing if grid else None,
        orientation=grid.orientation if grid else None,
        hu_min=hu[0] if hu else None,
        hu_max=hu[1] if hu else None,
        slices=grid.canonical_shape[2] if grid else None,
        **liver,
        errors=tuple(findings.errors),
        notes=tuple(findings.notes),
    )


def grid_difference(image: Grid, label: Grid) -> tuple[float, str]:
    """How two grids of the same shape differ: the distance (mm) between the corners farthest
    apart, and words for it."""
    far = np.asarray(image.shape) - 1
    corners = np.array(list(np.ndindex(2, 2, 2))) * far
    apart = affines.apply_affine(image.affine, corners) - affines.apply_affine(
        label.affine, corners
    )
    distance = float(np.linalg.norm(apart, axis=1).max())
    differences = []
    if image.orientation != label.orientation:
        differences.append(f"orientation {image.orientation} against {label.orientation}")
    if not np.allclose(image.spacing, label.spacing, rtol=1e-4):
        differences.append(f"spacing {_mm(image.spacing)} against {_mm(label.spacing)} mm")
    if not np.allclose(image.affine[:3, 3], label.affine[:3, 3], atol=1e-3):
        first, second = image.affine[:3, 3], label.affine[:3, 3]
        differences.append(f"origin ({_mm(first, ', ')}) against ({_mm(second, ', ')}) mm")
    return distance, "; ".join([*differences, f"corners up to {distance:.4g} mm apart"])


def _check_names(case: CaseFiles, need_label: bool, findings: _Findings) -> None:
    for path in case.duplicates:
        findings.errors.append(
            f"{short_name(path)} is a second file for case {case.number}: "
            "keep the right one and remove the other."
        )
    if case.image is None and case.label is None:
        findings.errors.append("neither image nor label was found.")
    elif case.image is None:
        findings.errors.append(_missing("image", case.label))
    elif case.label is None and need_label:
        findings.errors.append(_missing("label", case.image))
    for path in filter(None, (case.image, case.label, *case.duplicates)):
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
            f"{name} is {len(header.shape)}-D (shape {_by(header.shape)}), not 3-D: "
            "extract the one volume that is meant."
        )
    if not header.voxels:
        findings.errors.append(
            f"{name} states no voxels (shape {_by(header.shape)}): download or convert it again."
        )
        return None
    if problem := overclaim(header):
        findings.errors.append(problem)
        return None
    return header


def _grid(header: Header | None, findings: _Findings) -> Grid | None:
    """The grid of a 3-D file whose affine makes sense."""
    if header is None or len(header.shape) != 3:
        return None
    name = short_name(header.path)
    findings.notes += [f"{name}: nibabel mended its header: {text}." for text in header.repairs]
    if not np.isfinite(header.affine).all() or np.linalg.det(header.affine[:3, :3]) == 0:
        findings.errors.append(
            f"{name} states no position for its voxels (its affine is singular or not finite): "
            "convert it again from the original."
        )
        return None
    if not header.has_orientation:
        grid = Grid(header.shape, header.affine)
        findings.notes.append(
            f"{name} states no orientation (qform and sform codes are 0): taken for "
            f"{grid.orientation}."
        )
    return Grid(header.shape, header.affine)


def _spacing_problems(header: Header, grid: Grid, limits: Limits) -> list[str]:
    ranges = (limits.in_plane, limits.in_plane, limits.between_slices)
    within = all(
        low <= size <= high for size, (low, high) in zip(grid.spacing, ranges, strict=True)
    )
    invented = not header.has_orientation and any("non-zero" in text for text in header.repairs)
    if within and not invented:
        return []
    stated = "zero" if invented else f"{_mm(grid.spacing)} mm (x, y, z)"
    return [
        f"{short_name(header.path)} has an absurd spacing: {stated}; expected "
        f"{limits.in_plane[0]:g} to {limits.in_plane[1]:g} mm in-plane and "
        f"{limits.between_slices[0]:g} to {limits.between_slices[1]:g} mm between slices. "
        "Correct the header."
    ]


def _compare(image: Header, label: Header, limits: Limits, findings: _Findings) -> None:
    name = short_name(label.path)
    if image.shape != label.shape:
        findings.errors.append(
            f"{name} is on another grid than its image: {_by(label.shape)} voxels against "
            f"{_by(image.shape)}. Resample the label to the image, or find the right partner."
        )
        return
    ours, theirs = Grid(image.shape, image.affine), Grid(label.shape, label.affine)
    distance, words = grid_difference(ours, theirs)
    if distance > limits.same_grid:
        check = (
            " Make sure that the label is not mirrored."
            if ours.orientation != theirs.orientation
            else ""
        )
        findings.notes.append(
            f"{name} states another affine than its image ({words}); the image's is taken for "
            f"both, as the paper's authors do.{check}"
        )


def _image_range(header: Header | None, findings: _Findings) -> tuple[float, float] | None:
    if header is None:
        return None
    name = short_name(header.path)
    scan = scan_image(header)
    if scan.damage:
        findings.errors.append(scan.damage)
    findings.errors += _not_finite(name, scan.nan, scan.infinite)
    if scan.low is None or scan.damage:
        return None
    if scan.low == scan.high:
        findings.errors.append(
            f"{name} has the same value ({scan.low:g}) everywhere: convert it again."
        )
    return scan.low, scan.high


def _label_figures(
    header: Header | None, grid: Grid | None, findings: _Findings
) -> dict[str, float | int | None]:
    """Fields of the report that the label tells, measured on ``grid``."""
    if header is None:
        return {}
    scan = scan_label(header, grid)
    findings.errors += _label_problems(short_name(header.path), scan)
    if scan.damage or grid is None:
        return {}
    voxel_ml = abs(float(np.linalg.det(grid.affine[:3, :3]))) / 1000
    return {
        "liver_slices": int(scan.liver_slices.sum()),
        "liver_ml": (scan.liver + scan.tumour) * voxel_ml,
        "tumour_ml": scan.tumour * voxel_ml,
    }


def _label_problems(name: str, scan: LabelScan) -> list[str]:
    problems = [scan.damage] if scan.damage else []
    problems += _not_finite(name, scan.nan, scan.infinite)
    if scan.other:
        shown = ", ".join(f"{value:g}" for value in sorted(scan.other_values)[:5])
        more = ", ..." if len(scan.other_values) > 5 else ""
        problems.append(
            f"{name} has label values outside {{0, 1, 2}}: {shown}{more} in {scan.other:,} "
            "voxels. Map them to 0 background, 1 liver, 2 tumour."
        )
    if not scan.damage and scan.liver + scan.tumour == 0:
        problems.append(
            f"{name} has an empty liver (no voxel is 1 or 2): find the right label, or leave the "
            "case out."
        )
    return problems


def _not_finite(name: str, nan: int, infinite: int) -> list[str]:
    counts = [
        f"{count:,} {kind} values"
        for count, kind in ((nan, "NaN"), (infinite, "infinite"))
        if count
    ]
    if not counts:
        return []
    return [f"{name} has {' and '.join(counts)}: convert it again from the original."]


def _mm(values: np.ndarray | tuple[float, ...], separator: str = " x ") -> str:
    return separator.join(f"{value:.4g}" for value in values)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)
