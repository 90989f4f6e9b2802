"""The paper's question, layer by layer and in words: are there clusters?"""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from upwind.common.wording import count_of
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.cluster_tendency import (
    BEST,
    FOLDS,
    SILHOUETTE,
    STARTS,
    cluster_tendency,
    stability,
)
from upwind.kernels.layers import INITIAL, TRAINED, Layer, check_layers
from upwind.kernels.tables import Networks, Tables, stacked

NONE, STRUCTURE, CLUSTERS = "no clusters", "structure, no clusters", "clusters"
# Mean silhouette widths above which Kaufman and Rousseeuw (Finding Groups in Data, 1990, table 4)
# speak of a weak structure that could be artificial, and of a reasonable one.
WEAK, REASONABLE = 0.25, 0.5


Watched = Callable[[Sequence[Layer], str], Iterable[Layer]]


def unwatched(layers: Sequence[Layer], _: str) -> Iterable[Layer]:
    """The layers, and nobody looks on."""
    return layers


def measure_cluster_tendency(
    networks: Networks,
    folds: Sequence[Iterable[Layer]],
    settings: AnalysisSettings,
    watched: Watched = unwatched,
) -> Tables:
    """The tables cluster_tendency, gap and cluster_verdicts of ``networks`` by
    name; stability over ``folds`` needs two of them, and the network at initialisation. Layers go
    through ``watched`` with the network's name, one when the one before is done."""
    tables, gaps = {}, {}
    for name, layers in networks.items():
        tables[name], gaps[name] = cluster_tendency(watched(check_layers(layers), name), settings)
    if len(folds) > 1 and INITIAL in networks:
        over_folds = stability(folds, networks[INITIAL], settings)
        tables[TRAINED] = pd.concat([tables[TRAINED], over_folds], ignore_index=True)
    table = stacked(tables)
    return {"cluster_tendency": table, "gap": stacked(gaps), "cluster_verdicts": verdicts(table)}


def verdicts(found: pd.DataFrame) -> pd.DataFrame:
    """One row per layer of the trained network: ``part``, ``layer``, ``verdict``, ``sentence``.

    ``found`` is :func:`measure_cluster_tendency`'s table. The rule: there is
    *structure* where the silhouette lies above that of kernels drawn from the layer's Gaussian and
    above that of the network at initialisation, interval against interval, and the gap statistic
    takes more than one cluster; there are *clusters* where the silhouette also exceeds 0.5.
    """
    trained, initial = (found[found["network"] == name] for name in (TRAINED, INITIAL))
    rows = []
    for (part, layer), now in trained.groupby(["part", "layer"], sort=False):
        before = initial[initial["layer"] == layer]
        rows.append({"part": part, "layer": layer} | _verdict(_named(now), _named(before)))
    table = pd.DataFrame(rows, columns=["part", "layer", "verdict", "sentence"])
    return table.sort_values("layer", ignore_index=True)


def _named(rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["measure"]: row for _, row in rows.iterrows()}


def _verdict(now: dict[str, pd.Series], before: dict[str, pd.Series]) -> dict[str, str]:
    silhouette, best = now[SILHOUETTE], int(now[BEST]["value"])
    beyond = silhouette["low"] > silhouette["reference_high"]
    if SILHOUETTE in before:
        beyond &= silhouette["low"] > before[SILHOUETTE]["high"]
    verdict = NONE
    if beyond and best > 1:
        verdict = CLUSTERS if silhouette["value"] > REASONABLE else STRUCTURE
    parts = [
        f"silhouette {_with_interval(silhouette)}",
        f"of a Gaussian with its mean and covariance {_with_interval(silhouette, 'reference')}",
    ]
    if SILHOUETTE in before:
        parts.append(f"before training {_with_interval(before[SILHOUETTE])}")
    parts.append(f"the gap statistic takes {count_of(best, 'cluster')}")
    agreement = f"adjusted Rand index {_with_interval(now[STARTS])} between starts of k-means"
    if FOLDS in now:
        agreement += f", {_with_interval(now[FOLDS])} between folds"
    parts.append(agreement)
    return {"verdict": verdict, "sentence": f"{verdict.capitalize()}: {'; '.join(parts)}."}


def _with_interval(row: pd.Series, name: str = "value") -> str:
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return f"{row[name]:.2f} ({row[low]:.2f} to {row[high]:.2f})"
