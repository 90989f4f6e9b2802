"""Our UNet beside that of the authors' follow-up, patient by patient
(:mod:`upwind.tables.published_followup`)."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from upwind.common.frames import groups, rows
from upwind.data.slices import nearest_indices
from upwind.data.volumes import to_display
from upwind.methods.subsets import UNSEEN
from upwind.scores.cases import read_pair
from upwind.scores.metrics import overlap
from upwind.scores.raw import RawCases
from upwind.tables.comparison import compare
from upwind.tables.published_followup import published_followup

#: In-plane size, in pixels, of the grid that the follow-up's scores are on.
GRID = 256
# The column that the follow-up has of each reading of the masks.
_THEIRS = {"plain": "dsc", "largest_component": "dsc_largest_component"}
COLUMNS = ("reading", "case", "fold", "ours", "ours_256", "theirs", "difference")
SUMMARY = (
    "reading", "grid", "patients", "ours", "theirs", "difference", "low", "high", "better",
)  # fmt: skip
_GRIDS = {"256 x 256": "ours_256", "CT": "ours"}


def dsc_on_grid(mask: np.ndarray, label: np.ndarray, size: int = GRID) -> float:
    """DSC of two bool volumes (x, y, z) whose slices are resampled to ``size`` x ``size`` by
    nearest neighbour, as the follow-up's were. A mask that was made on that grid and returned to
    the CT's comes back as it was."""
    resampled = [to_display(volume)[:, *_chosen(volume, size)] for volume in (mask, label)]
    return float(overlap(*resampled)["dsc"])


def _chosen(volume: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the rows and the columns, for an outer choice."""
    width, height = volume.shape[:2]
    return nearest_indices(height, size)[:, None], nearest_indices(width, size)[None, :]


def scores_on_grid(masks: str, cases: Iterable[int], raw: RawCases) -> pd.DataFrame:
    """Columns ``case`` and ``dsc`` (:func:`dsc_on_grid`) of the segmentations of ``cases``.

    ``masks`` is their path with ``{case}``.
    """
    rows = []
    for case in cases:
        mask, label, _ = read_pair(masks.format(case=case), raw.images[case], raw.labels[case])
        rows.append({"case": case, "dsc": dsc_on_grid(mask, label)})
    return pd.DataFrame(rows, columns=["case", "dsc"])


def followup_table(
    scores: pd.DataFrame, methods: Mapping[str, str], on_grid: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """One row per reading and patient of both, in order.

    Args:
        scores: ``scores.csv``.
        methods: the method of each reading (:func:`upwind.tables.followup_plan.methods_read`).
        on_grid: :func:`scores_on_grid` of each reading.

    Returns:
        ``reading``, ``case``, ``fold``, DSC ``ours`` (on the CT's grid), ``ours_256`` and
        ``theirs`` (both on the grid of 256 x 256 pixels), and ``difference``: ours_256 - theirs.
    """
    unseen = scores[scores["subset"] == UNSEEN]
    parts = []
    for reading, method in methods.items():
        ours = unseen.loc[unseen["method"] == method, ["case", "fold", "dsc"]]
        small = on_grid[reading].rename(columns={"dsc": "ours_256"})
        theirs = published_followup()[["case", _THEIRS[reading]]]
        part = (
            ours.rename(columns={"dsc": "ours"})
            .merge(small, on="case")
            .merge(theirs.set_axis(["case", "theirs"], axis=1), on="case")
            .sort_values("case")
        )
        part = part.assign(reading=reading, difference=part["ours_256"] - part["theirs"])
        parts.append(part[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def summarise(table: pd.DataFrame, resamples: int, confidence: float, seed: int) -> pd.DataFrame:
    """One row per reading and grid of ours: ``patients``, mean DSC ``ours`` and ``theirs``, mean
    paired ``difference`` with its interval ``low`` to ``high``, as
    :func:`upwind.tables.comparison.compare` has them, and the patients on whom ours is ``better``.
    The interval says all: of five folds no test has a p of two sides below 0.0625.
    """
    found = []
    for reading, part in groups(table, "reading", sort=False):
        for grid, column in _GRIDS.items():
            compared = compare(_as_scores(part, column), resamples, confidence, seed)
            mean = compared[compared["other"] == ""].set_index("method")["mean"]
            pair = compared[compared["other"] != ""].iloc[0]
            found.append(
                {
                    "reading": reading,
                    "grid": grid,
                    "patients": pair["patients"],
                    "ours": mean["ours"],
                    "theirs": mean["theirs"],
                    "difference": pair["mean"],
                    "low": pair["low"],
                    "high": pair["high"],
                    "better": int((part[column] > part["theirs"]).sum()),
                }
            )
    return pd.DataFrame(found, columns=list(SUMMARY))


def _as_scores(part: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows as in ``scores.csv`` of two methods, ours and theirs."""
    both = part[["case", "fold", column, "theirs"]].rename(columns={column: "ours"})
    long = both.melt(["case", "fold"], var_name="method", value_name="dsc")
    return long.assign(subset=UNSEEN)


def messages(summary: pd.DataFrame, confidence: float) -> list[str]:
    """A sentence on each reading: what was found on the grid that both have."""
    return list(_messages(summary[summary["grid"] == "256 x 256"], confidence))


def _messages(summary: pd.DataFrame, confidence: float) -> Iterator[str]:
    titles = {"plain": "The mask as it is", "largest_component": "Its largest component"}
    for row in rows(summary):
        yield (
            f"{titles[row.reading]}: mean DSC {row.ours:.3f}, theirs {row.theirs:.3f}, on "
            f"{row.patients} patients; difference {row.difference:+.3f} ({confidence:.0%} interval "
            f"{row.low:+.3f} to {row.high:+.3f}); ours is better on {row.better}."
        )
