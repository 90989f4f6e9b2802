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
from upwind.kernels.directions import direction_tables, favoured, shared
from upwind.kernels.layers import INITIAL, TRAINED, Layer, check_layers
from upwind.kernels.tables import Networks, Tables, stacked

NONE, FAVOURED, CLUSTERS = "no clusters", "favoured directions, no clusters", "clusters"
SHARED = "one shared direction, no clusters"
COLUMNS = ["part", "layer", "verdict", "around", "favoured", "shared", "sentence"]
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
    threads: int = 1,
) -> Tables:
    """The tables cluster_tests, concentrations, cluster_tendency, gap and cluster_verdicts of
    ``networks`` by name; stability over ``folds`` needs two of them, and the network at
    initialisation. Layers go through ``watched`` with the network's name, for the tests and for the
    measures, one when the one before is done; what is drawn for a layer goes side by side on
    ``threads``."""
    tests, shares, tables, gaps = {}, {}, {}, {}
    for name, layers in networks.items():
        known = check_layers(layers)
        tests[name], shares[name] = direction_tables(watched(known, name), settings, threads)
        tables[name], gaps[name] = cluster_tendency(watched(known, name), settings, threads)
    if len(folds) > 1 and INITIAL in networks:
        over_folds = stability(folds, networks[INITIAL], settings)
        tables[TRAINED] = pd.concat([tables[TRAINED], over_folds], ignore_index=True)
    found = {
        "cluster_tests": stacked(tests),
        "concentrations": stacked(shares),
        "cluster_tendency": stacked(tables),
        "gap": stacked(gaps),
    }
    return found | {"cluster_verdicts": verdicts(found, 1 - settings.confidence)}


def verdicts(found: Tables, level: float) -> pd.DataFrame:
    """One row per layer of the trained network: ``part``, ``layer``, ``verdict``, ``around`` (the
    statistics that found clusters), ``favoured`` (the hand-crafted kernels that more kernels lie at
    than in a cloud), ``shared`` (those that most kernels lie at), ``sentence``.

    ``found`` are :func:`measure_cluster_tendency`'s tables. The rule: there are *clusters* where
    one of the three statistics has a corrected p below ``level``, p being that of an effect of
    0.03 at most; *favoured directions* where the share of kernels at a hand-crafted kernel has one
    and exceeds the cloud's by 0.01 or more; otherwise *one shared direction* where half of the
    kernels or more lie at one, with such a p against directions at random. Silhouette, gap
    statistic and the agreement of starts stand beside it, and decide nothing.
    """
    tests, shares, tendency = (
        found[name] for name in ("cluster_tests", "concentrations", "cluster_tendency")
    )
    clustered = tests[tests["holm_p"] < level]
    many, most = favoured(shares, level), shared(shares, level)
    rows = []
    ours = tests[tests["network"] == TRAINED]
    for (part, layer), now in ours.groupby(["part", "layer"], sort=False):
        around = _of_layer(clustered, layer, TRAINED)["statistic"].tolist()
        near = _of_layer(many, layer, TRAINED)
        at = near["stencil"].tolist()
        alike = _of_layer(most, layer, TRAINED)
        verdict = _verdict(bool(around), not near.empty, not alike.empty)
        parts = [
            _tested(now, _of_layer(tests, layer, INITIAL)),
            *_shares(near, "reference", "in clouds"),
            *_shares(alike, "isotropic", "of directions at random"),
            *_beside(_named(_of_layer(tendency, layer, TRAINED))),
        ]
        row = {"part": part, "layer": layer, "verdict": verdict}
        row |= {"around": " ".join(around), "favoured": " ".join(at)}
        row |= {"shared": " ".join(alike["stencil"])}
        rows.append(row | {"sentence": f"{verdict.capitalize()}: {'; '.join(parts)}."})
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("layer", ignore_index=True)


def _verdict(around: bool, favoured: bool, shared: bool) -> str:
    if around:
        return CLUSTERS
    if favoured:
        return FAVOURED
    return SHARED if shared else NONE


def _of_layer(table: pd.DataFrame, layer: object, network: str) -> pd.DataFrame:
    return table[(table["network"] == network) & (table["layer"] == layer)]


def _named(rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["measure"]: row for _, row in rows.iterrows()}


def _tested(now: pd.DataFrame, before: pd.DataFrame) -> str:
    told = ", ".join(
        f"{row['statistic']} z {row['z']:.1f} (effect {row['effect']:.2f})"
        for _, row in now.iterrows()
    )
    since = ", ".join(f"{z:.1f}" for z in before["z"])
    return f"{told}, least corrected p {now['holm_p'].min():.2g}" + (
        f"; before training z {since}" if since else ""
    )


def _shares(rows: pd.DataFrame, column: str, against: str) -> list[str]:
    return [
        f"{row['share']:.3f} of the kernels at {row['stencil'].replace('_', ' ')}, {against} "
        f"{row[column]:.2g}"
        for _, row in rows.iterrows()
    ]


def _beside(now: dict[str, pd.Series]) -> list[str]:
    """The measures of old."""
    silhouette = now[SILHOUETTE]
    agreement = f"adjusted Rand index {_with_interval(now[STARTS])} between starts of k-means"
    if FOLDS in now:
        agreement += f", {_with_interval(now[FOLDS])} between folds"
    return [
        f"silhouette {_with_interval(silhouette)}, of a Gaussian "
        f"{_with_interval(silhouette, 'reference')}",
        f"the gap statistic takes {count_of(int(now[BEST]['value']), 'cluster')}",
        agreement,
    ]


def _with_interval(row: pd.Series, name: str = "value") -> str:
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return f"{row[name]:.2f} ({row[low]:.2f} to {row[high]:.2f})"
