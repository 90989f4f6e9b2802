"""Table I: mean DSC over a fold's cases, for each method."""

from collections.abc import Mapping, Sequence

import pandas as pd

from upwind.common import frames
from upwind.common.errors import UpwindError
from upwind.common.pages import render
from upwind.methods import Methods, table1_columns, title
from upwind.methods.subsets import UNSEEN
from upwind.tables.published import arithmetic_notes, published_table1

_LATEX = str.maketrans(
    {character: "\\" + character for character in "_%&#${}"}
    | {"<": "$<$", ">": "$>$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"\\": r"\textbackslash{}"}
)
NOTES = (
    "DSC on the CT's own grid, averaged over a fold's cases: of whole volumes, but for LSN Test.",
    "ITK-SNAP: oracle-initialised, as in the paper. A simulated operator uses the patient's label "
    "to place the bubble, to choose the parameters and to stop; nothing is trained.",
    "LSN Test: held-out slices of training patients, so that no other column compares with it. The "
    "other columns: unseen patients.",
)
_HALVES = "Of two numbers in a cell the first is ours, the second the paper's, on LiTS."


def table1(scores: pd.DataFrame, methods: Methods, failed: Sequence[int] = ()) -> pd.DataFrame:
    """Columns fold and those of the ``methods``: itk_snap, unet, lsn_test, lsn_validation of the
    paper's; rows 0 to k-1, ``avg`` over the folds, and ``avg_without_<failed>`` where folds failed
    to train (for all columns, as the paper does). Unrounded.

    A DSC that is undefined (both masks empty) is left out of its fold's mean. Raises UpwindError
    where a fold has no score at all, or there are no scores.
    """
    columns = table1_columns(methods).items()
    about = {key: (method.key, column.subset) for key, (method, column) in columns}
    return fold_table(scores, about, failed, "Table I")


def fold_table(
    scores: pd.DataFrame,
    about: Mapping[str, tuple[str, str]],
    failed: Sequence[int],
    title: str,
) -> pd.DataFrame:
    """Rows as those of Table I, for columns named with the method and subset that each is about."""
    columns = {}
    for name, (method, subset) in about.items():
        chosen = scores[(scores["method"] == method) & (scores["subset"] == subset)]
        columns[name] = chosen.groupby("fold")["dsc"].mean()
    by_fold = pd.DataFrame(columns).sort_index()
    missing = [f"{c} of fold {f}" for f, row in by_fold.isna().iterrows() for c in row.index[row]]
    if missing or by_fold.empty:
        cells = ", ".join(missing) or "any fold"
        raise UpwindError(
            f"{title}: no defined DSC for {cells}; every method needs a scored case with liver in "
            "every fold: see scores.csv, and levelset.cases in the configuration"
        )
    rows = {str(fold): row for fold, row in by_fold.iterrows()}
    rows["avg"] = by_fold.mean()
    kept = by_fold.drop(index=list(failed))
    if failed and len(kept):
        rows["avg_without_" + "_".join(map(str, sorted(failed)))] = kept.mean()
    return pd.DataFrame(rows).T.rename_axis("fold").reset_index()


def failed_folds(verdicts: pd.DataFrame) -> list[int]:
    """Folds in which a network failed to train, from the table of verdicts."""
    failed = verdicts.loc[verdicts["failed"], "fold"].astype(str)
    return sorted({int(fold) for fold in failed if fold.isdigit()})


def failed_notes(verdicts: pd.DataFrame, methods: Methods, failed_below: float) -> list[str]:
    """A sentence on every fold that failed to train, or one that none did, with the rule."""
    rule = f"rule stated beforehand: held-out DSC below {failed_below} or a loss that is not finite"
    failed = verdicts[verdicts["failed"]]
    if failed.empty:
        return [f"No training failed ({rule})."]
    return [
        f"{title(methods, row.method)}, {_run(row.fold)}, failed to train: {row.reason} ({rule})."
        for row in frames.rows(failed)
    ]


def coverage_notes(scores: pd.DataFrame, methods: Methods) -> list[str]:
    """A sentence for each method that was scored on fewer unseen patients than another."""
    unseen = scores[scores["subset"] == UNSEEN]
    counts = unseen.groupby("method")["case"].nunique()
    most = counts.max()
    return [
        f"{_as_subject(title(methods, str(method)))} was scored on {count} of {most} patients."
        for method, count in counts.items()
        if count < most
    ]


def left_out_notes(cases: pd.DataFrame) -> list[str]:
    """A sentence naming the cases of ``cases.csv`` that were not usable, if any."""
    bad = cases.loc[~cases["usable"], "case"]
    if bad.empty:
        return []
    return [f"Left out, for the problems that cases.csv lists: case {', '.join(map(str, bad))}."]


def size_notes(cases: pd.DataFrame) -> list[str]:
    """A sentence naming the cases whose mm and ml may be wrong (``sizes_known`` of ``cases.csv``),
    if any; none of a run from before that column."""
    if "sizes_known" not in cases:
        return []
    doubtful = cases.loc[cases["usable"] & (cases["sizes_known"] == False), "case"]  # noqa: E712
    if doubtful.empty:
        return []
    return [
        "What scores.csv and cases.csv give in mm or ml may be wrong, since the header states no "
        f"size of a voxel, or two: case {', '.join(map(str, doubtful))}. DSC is not touched."
    ]


def mask_notes(masks: pd.DataFrame, methods: Methods) -> list[str]:
    """A sentence for each method that was left without cases of ``masks.csv``."""
    bad = masks[~masks["usable"]]
    return [
        f"{_as_subject(title(methods, method))} was left without case "
        f"{', '.join(map(str, rows['case']))}, whose masks are missing or unusable: masks.csv."
        for method, rows in frames.groups(bad, "method")
    ]


def _as_subject(name: str) -> str:
    """A title such as 'ITK-SNAP, blind' at the head of a sentence: its comma needs another."""
    return f"{name}," if "," in name else name


def _run(fold: object) -> str:
    return "trained on all cases (Figures 1 and 2)" if str(fold) == "all" else f"fold {fold}"


def to_markdown(table: pd.DataFrame, methods: Methods, notes: Sequence[str] = ()) -> str:
    """Table I with the published figures beside ours (ours / published), and notes."""
    items = "\n".join(f"- {note}" for note in (_HALVES, *_all(methods, notes)))
    return f"{markdown_rows(table, methods)}\n{items}\n"


def markdown_rows(table: pd.DataFrame, methods: Methods) -> str:
    """The same without notes."""
    return to_rows(_beside(table, methods, " / "))


def to_html(table: pd.DataFrame, methods: Methods, notes: Sequence[str] = ()) -> str:
    """Table I as a page of its own, ours / published, and notes."""
    tables = {"": _beside(table, methods, " / ").to_html(index=False, border=0, escape=True)}
    return page(
        "Table I: DSC for each fold, ours / published", tables, [_HALVES, *_all(methods, notes)]
    )


def to_latex(table: pd.DataFrame, methods: Methods, notes: Sequence[str] = ()) -> str:
    """Table I as a LaTeX table (booktabs) with the published figures in parentheses."""
    beside = _beside(table, methods, " (", ")")
    lines = [
        r"\begin{table}",
        r"\caption{DSC for each fold; in parentheses as published.}",
        r"\label{tab:table1}",
        r"\begin{tabular}{l" + "r" * (beside.shape[1] - 1) + "}",
        r"\toprule",
        " & ".join(_latex(c) for c in beside.columns) + r" \\",
        r"\midrule",
        *(" & ".join(_latex(str(v)) for v in row) + r" \\" for row in beside.to_numpy()),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {_latex(note)}" for note in _all(methods, notes)),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _headings(methods: Methods) -> dict[str, str]:
    return {key: column.heading for key, (_, column) in table1_columns(methods).items()}


def _all(methods: Methods, notes: Sequence[str]) -> list[str]:
    headings = _headings(methods)
    published = published_table1().filter(list(headings))
    return [*NOTES, *notes, *arithmetic_notes(published, headings)]


def _beside(table: pd.DataFrame, methods: Methods, before: str, after: str = "") -> pd.DataFrame:
    published = published_table1()
    ours = [fold for fold in table["fold"] if fold.isdigit()]
    if ours != [fold for fold in published.index if fold.isdigit()]:
        # With another number of folds, folds are not the paper's.
        published = published.loc[["avg"]]

    def cell(fold: str, column: str, ours: float) -> str:
        known = fold in published.index and column in published.columns
        return f"{ours:.3f}" + (
            f"{before}{published[column].loc[fold]:.3f}{after}" if known else ""
        )

    headings = _headings(methods)
    rows = [
        [fold, *(cell(str(fold), column, row[column]) for column in headings)]
        for fold, row in table.set_index("fold").iterrows()
    ]
    return pd.DataFrame(rows, columns=["Fold", *headings.values()])


def page(title: str, tables: Mapping[str, str], notes: Sequence[str]) -> str:
    """A page of HTML with tables (HTML, by heading) and notes."""
    return render("tables/page.html", {"title": title, "tables": tables, "notes": notes})


def to_rows(table: pd.DataFrame, numbers: bool = True) -> str:
    """A table in Markdown; all columns but the first are set as ``numbers``, to the right."""
    rule = ["---"] + ["---:" if numbers else "---"] * (table.shape[1] - 1)
    rows = [list(table.columns), rule, *table.to_numpy()]
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in rows)


def _latex(text: str) -> str:
    return text.translate(_LATEX)
