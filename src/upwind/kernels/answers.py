"""What an analysis of somebody's network says, a line for each question."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from upwind.common.frames import groups
from upwind.common.wording import count_of, first_few
from upwind.kernels.cluster_verdicts import CLUSTERS, STRUCTURE
from upwind.kernels.content import ENERGIES
from upwind.kernels.layers import INITIAL, TRAINED
from upwind.kernels.stencils import NEAREST

_MOST_NEAREST = 3  # hand-crafted kernels that are named
_MOST_REASONS = 4


@dataclass(frozen=True)
class Answer:
    """A question about a network, and its answer in a line."""

    question: str
    answer: str


def answers(tables: Mapping[str, pd.DataFrame]) -> list[Answer]:
    """What :func:`upwind.kernels.weights_file.analyse_kernels` found: how many layers have
    clusters, how much of the kernels is derivative, what is nearest, and what was left out. Shares
    are means over all kernels; those of random weights, which are chance, stand behind them."""
    return [
        Answer("Are there clusters?", _clusters(tables)),
        Answer("How much is derivative?", _derivatives(tables["moments"])),
        Answer("What are kernels nearest to?", _nearest(tables["nearest"])),
        Answer("What was left out?", _left_out(tables["left_out"])),
    ]


def _clusters(tables: Mapping[str, pd.DataFrame]) -> str:
    layers = len(tables["network"])
    if "cluster_verdicts" not in tables:
        return "not asked: no layer has enough different kernels"
    verdicts = tables["cluster_verdicts"]["verdict"]
    asked = len(verdicts)
    few = f"; {layers - asked} have too few different kernels to be asked" if asked < layers else ""
    return (
        f"of {count_of(asked, 'layer')} {(verdicts == CLUSTERS).sum()} with clusters and "
        f"{(verdicts == STRUCTURE).sum()} with structure that is none{few}"
    )


def _derivatives(moments: pd.DataFrame) -> str:
    ours, chance = (table[ENERGIES].mean() for table in _networks(moments))
    parts = {
        "mean": ENERGIES[:1],
        "derivatives of order 1 and 2": ENERGIES[1:3],
        "of order 3 and 4": ENERGIES[3:],
    }
    told = [
        f"{name} {_with_chance(ours[orders].sum(), chance[orders].sum())}"
        for name, orders in parts.items()
    ]
    return f"shares of the energy: {', '.join(told)}"


def _nearest(nearest: pd.DataFrame) -> str:
    ours, chance = (table["nearest"].value_counts(normalize=True) for table in _networks(nearest))
    named = ours.reindex(list(NEAREST), fill_value=0.0).nlargest(_MOST_NEAREST)
    return ", ".join(
        f"{str(name).replace('_', ' ')} {_with_chance(share, float(chance.get(name, 0.0)))}"
        for name, share in named.items()
    )


def _networks(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the network and of random weights."""
    return table[table["network"] == TRAINED], table[table["network"] == INITIAL]


def _with_chance(share: float, by_chance: float) -> str:
    return f"{share:.2f} ({by_chance:.2f})"


def _left_out(table: pd.DataFrame) -> str:
    told = [
        f"{first_few(part['name'].tolist(), 1)}: {reason}"
        for reason, part in groups(table, "reason", sort=False)
    ]
    return first_few(told, _MOST_REASONS) or "nothing"
