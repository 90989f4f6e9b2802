"""What the check of each case found: kept as JSON, as a table, and shown to people."""

import dataclasses
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upwind.common.errors import UpwindError
from upwind.common.wording import count_of

if TYPE_CHECKING:
    import pandas as pd

ON_BAD_CASE = ("stop", "skip")


@dataclass(frozen=True)
class CaseReport:
    """One case as found. A figure is None where the files do not tell.

    ``shape`` and ``spacing`` (mm) are those of the image in canonical orientation (x, y, z);
    ``orientation`` is that of the stored array. ``hu_min`` and ``hu_max`` leave NaN and infinite
    values out. ``slices`` counts the axial slices, ``liver_slices`` those with liver. The liver's
    volume includes its tumours (protocol: liver = label > 0). ``liver_hu`` is the image's median HU
    inside the label, tumours included, ``fat_or_air`` the share of it below -30 HU: a mirrored
    label shows there. ``voxels`` is a digest of the image's HU, the same however they are stored.
    ``sizes_known`` is False where the image's header states no size of a voxel, or two, so that mm
    and ml may be wrong. ``liver_mm`` is how thick the liver is at least along the label's axes. A
    case with ``errors`` cannot be used; ``notes`` say what was put up with.
    """

    number: int
    shape: tuple[int, ...] | None = None
    spacing: tuple[float, float, float] | None = None
    orientation: str | None = None
    hu_min: float | None = None
    hu_max: float | None = None
    slices: int | None = None
    liver_slices: int | None = None
    liver_ml: float | None = None
    tumour_ml: float | None = None
    liver_hu: float | None = None
    fat_or_air: float | None = None
    voxels: str | None = None
    sizes_known: bool | None = None
    liver_mm: float | None = None
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, fit for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CaseReport":
        """Inverse of :meth:`to_dict`, also after a way through JSON."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)


def with_twins(reports: Iterable[CaseReport]) -> list[CaseReport]:
    """The reports, sorted by number, and with an error on each whose image is that of a case before
    it, a patient under two numbers: patients would be unseen that were trained on. Which label is
    right cannot be known; the first stays usable, with a note."""
    ordered = sorted(reports, key=lambda report: report.number)
    same = [
        [other.number for other in ordered if other.voxels == report.voxels is not None]
        for report in ordered
    ]
    return [_told(report, numbers) for report, numbers in zip(ordered, same, strict=True)]


def _told(report: CaseReport, same: list[int]) -> CaseReport:
    others = [number for number in same if number != report.number]
    if not others:
        return report
    text = (
        f"its image has the voxels of case {', '.join(map(str, others))}: one patient under "
        f"{len(same)} numbers"
    )
    if report.number == same[0]:
        return dataclasses.replace(report, notes=(*report.notes, f"{text}."))
    error = f"{text}. Remove all but one, with their labels."
    return dataclasses.replace(report, errors=(*report.errors, error))


def with_thin(reports: Iterable[CaseReport], working_mm: float) -> list[CaseReport]:
    """The reports, with an error on each whose liver is thinner than a voxel of the level set's
    working grid: it may not see it, and a run would end there."""
    return [_of_thickness(report, working_mm) for report in reports]


def _of_thickness(report: CaseReport, working_mm: float) -> CaseReport:
    if report.liver_mm is None or not 0 < report.liver_mm < working_mm:
        return report
    error = (
        f"its liver is {report.liver_mm:.2g} mm thick, too thin for the level set's working grid "
        f"of {working_mm:g} mm: mend the label, or lower levelset.spacing_mm and "
        "levelset.blind.spacing_mm."
    )
    return dataclasses.replace(report, errors=(*report.errors, error))


def cases_table(reports: Sequence[CaseReport]) -> "pd.DataFrame":
    """One row a case, sorted by number; the content of ``cases.csv``.

    Columns: ``case`` (number); ``usable`` (no error); ``size_x, size_y, slices`` (canonical voxel
    counts); ``spacing_x_mm, spacing_y_mm, spacing_z_mm``; ``sizes_known`` (False where these, and
    with them all mm and ml of the case, may be wrong); ``orientation`` (of the stored array);
    ``hu_min, hu_max``; ``liver_slices``; ``liver_ml`` (tumours included), ``tumour_ml``;
    ``liver_hu`` (median inside the label), ``fat_or_air`` (share of the label below -30 HU);
    ``errors, notes`` (joined by " | ", empty where there are none). What a broken file does not
    tell is missing (NaN).
    """
    import pandas as pd  # half a second that the jobs which check one case do not need

    rows = [_row(report) for report in sorted(reports, key=lambda report: report.number)]
    table = pd.DataFrame(rows, columns=list(_row(CaseReport(0))))
    counts = ["size_x", "size_y", "slices", "liver_slices"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def view(reports: Sequence[CaseReport]) -> RenderableType:
    """Table of cases, then every problem of every case, for a rich console."""
    ordered = sorted(reports, key=lambda report: report.number)
    bad = sum(bool(report.errors) for report in ordered)
    problems = sum(len(report.errors) for report in ordered)
    notes = sum(len(report.notes) for report in ordered)
    summary = Text(f"{count_of(len(ordered), 'case')}: {len(ordered) - bad} usable, {bad} bad")
    summary.append(f" ({count_of(problems, 'problem')}, {count_of(notes, 'note')})")
    listed = [part for report in ordered for part in _findings(report)]
    return Group(_overview(ordered), Text(), *listed, summary)


def render(reports: Sequence[CaseReport], width: int = 100) -> str:
    """:func:`view` as plain text of at most ``width`` columns, for logs and error messages."""
    text = io.StringIO()
    console = Console(file=text, width=width, color_system=None, legacy_windows=False)
    console.print(view(reports))
    lines = text.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def usable(reports: Sequence[CaseReport], on_bad_case: str) -> list[int]:
    """Numbers of the cases without errors, sorted.

    Raises:
        UpwindError: with the table and all problems, if ``on_bad_case`` is ``stop`` and a case is
            bad, or if no case is left; if ``on_bad_case`` is neither ``stop`` nor ``skip``.
    """
    if on_bad_case not in ON_BAD_CASE:
        raise UpwindError(
            f"dataset.on_bad_case is '{on_bad_case}': choose one of {', '.join(ON_BAD_CASE)}."
        )
    good = sorted(report.number for report in reports if not report.errors)
    bad = len(reports) - len(good)
    if not good:
        raise UpwindError(
            f"None of {count_of(len(reports), 'case')} can be used.\n\n{render(reports)}"
        )
    if bad and on_bad_case == "stop":
        raise UpwindError(
            f"{bad} of {count_of(len(reports), 'case')} cannot be used.\n\n{render(reports)}\n"
            "Mend or remove what is listed, or set dataset.on_bad_case to skip, which leaves "
            "these cases out and names them in the report."
        )
    return good


def _row(report: CaseReport) -> dict[str, Any]:
    size = report.shape if report.shape is not None and len(report.shape) == 3 else (None,) * 3
    spacing = report.spacing or (None,) * 3
    return {
        "case": report.number,
        "usable": not report.errors,
        "size_x": size[0],
        "size_y": size[1],
        "slices": report.slices,
        "spacing_x_mm": spacing[0],
        "spacing_y_mm": spacing[1],
        "spacing_z_mm": spacing[2],
        "sizes_known": report.sizes_known,
        "orientation": report.orientation,
        "hu_min": report.hu_min,
        "hu_max": report.hu_max,
        "liver_slices": report.liver_slices,
        "liver_ml": report.liver_ml,
        "tumour_ml": report.tumour_ml,
        "liver_hu": report.liver_hu,
        "fat_or_air": report.fat_or_air,
        "errors": " | ".join(report.errors),
        "notes": " | ".join(report.notes),
    }


def _overview(reports: Sequence[CaseReport]) -> Table:
    # One blank between columns and no frame: 80 columns hold the widest LiTS case.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("case", justify="right", no_wrap=True)
    for heading in ("voxels", "spacing\n(mm)", "axes", "HU"):
        table.add_column(heading, no_wrap=True)
    for heading in ("liver\nslices", "liver\n(ml)", "tumour\n(ml)"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for report in reports:
        doubt = "?" if report.sizes_known is False else ""
        table.add_row(
            str(report.number),
            "×".join(map(str, report.shape)) if report.shape else "-",
            "×".join(map(_size, report.spacing)) + doubt if report.spacing else "-",
            report.orientation or "-",
            "-" if report.hu_min is None else f"{report.hu_min:.0f}…{report.hu_max:.0f}",
            _figure(report.liver_slices, "{}"),
            _figure(report.liver_ml, "{:.0f}" + doubt),
            _figure(report.tumour_ml, "{:.1f}" + doubt),
            _verdict(report),
        )
    return table


def _findings(report: CaseReport) -> list[RenderableType]:
    found = [("error", "red", text) for text in report.errors]
    found += [("note", "yellow", text) for text in report.notes]
    if not found:
        return []
    lines = [
        Padding(Text.assemble((f"{kind}: ", style), text), (0, 0, 0, 2), expand=False)
        for kind, style, text in found
    ]
    return [Text(f"Case {report.number}", style="bold"), *lines, Text()]


def _verdict(report: CaseReport) -> Text:
    if report.errors:
        return Text(count_of(len(report.errors), "error"), style="red")
    if report.notes:
        return Text(count_of(len(report.notes), "note"), style="yellow")
    return Text("ok", style="green")


def _size(spacing: float) -> str:
    # Two decimals, unless they would show an absurdly small spacing as nothing.
    return f"{spacing:.2f}" if 0.1 <= spacing < 100 else f"{spacing:.2g}"


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
