"""What an analysis of somebody's network says, a line for each question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from upwind.common.frames import groups
from upwind.common.wording import count_of, first_few
from upwind.kernels.cluster_verdicts import CLUSTERS, FAVOURED, SHARED
from upwind.kernels.gaussian_derivatives import WELL
from upwind.kernels.layers import INITIAL, TRAINED
from upwind.kernels.sizes import energies_in
from upwind.kernels.stencils import NEAREST
from upwind.kernels.weights_file import KernelAnalysis

_MOST_NEAREST = 3  # hand-crafted kernels that are named
_MOST_REASONS = 4
_LEAST_HIGHEST = 4  # order of derivative, of the smallest kernels


@dataclass(frozen=True)
class Answer:
    """A question about a network, and its answer in a line."""

    question: str
    answer: str


def answers(analysis: KernelAnalysis) -> list[Answer]:
    """What :func:`upwind.kernels.weights_file.analyse_kernels` found: how many layers have
    clusters, how much of the kernels is derivative, what is nearest, which Gaussian derivatives
    they are, and what was left out; size by size, where there are several. Shares are means over
    all kernels; those of random weights, which are chance, stand behind them."""
    sizes = analysis.sizes
    return [
        Answer("Are there clusters?", _by_size(_clusters, sizes)),
        Answer("How much is derivative?", _by_size(_derivatives, sizes)),
        Answer("What are kernels nearest to?", _by_size(_nearest, sizes)),
        Answer("Are they derivatives of Gaussians?", _by_size(_gaussians, sizes)),
        Answer("What was left out?", _left_out(analysis)),
    ]


def _by_size(
    answer: Callable[[Mapping[str, pd.DataFrame]], str],
    sizes: Mapping[str, Mapping[str, pd.DataFrame]],
) -> str:
    """The answer, before it the size where there are several."""
    told = {size: answer(tables) for size, tables in sizes.items()}
    if len(told) == 1:
        return next(iter(told.values()))
    return " | ".join(f"{size}: {text}" for size, text in told.items())


def _clusters(tables: Mapping[str, pd.DataFrame]) -> str:
    layers = len(tables["network"])
    if "cluster_verdicts" not in tables:
        return "not asked: no layer has enough different kernels"
    verdicts = tables["cluster_verdicts"]["verdict"]
    asked = len(verdicts)
    left = layers - asked
    alike = (verdicts == SHARED).sum()
    one = f", one shared direction in {alike}" if alike else ""
    few = f"; {left} with too few different kernels are not asked" if left else ""
    return (
        f"clusters in {(verdicts == CLUSTERS).sum()} of {count_of(asked, 'layer')}, favoured "
        f"directions without clusters in {(verdicts == FAVOURED).sum()}{one}{few}"
    )


def _derivatives(tables: Mapping[str, pd.DataFrame]) -> str:
    moments = tables["moments"]
    energies = energies_in(moments)
    ours, chance = (table[energies].mean() for table in _networks(moments))
    highest = len(energies) - 1
    parts = {
        "mean": energies[:1],
        "derivatives of order 1 and 2": energies[1:3],
        f"of order 3 {'and' if highest == _LEAST_HIGHEST else 'to'} {highest}": energies[3:],
    }
    told = [
        f"{name} {_with_chance(ours[orders].sum(), chance[orders].sum())}"
        for name, orders in parts.items()
    ]
    return f"shares of the energy: {', '.join(told)}"


def _nearest(tables: Mapping[str, pd.DataFrame]) -> str:
    ours, chance = (
        table["nearest"].value_counts(normalize=True) for table in _networks(tables["nearest"])
    )
    named = ours.reindex(list(NEAREST), fill_value=0.0).nlargest(_MOST_NEAREST)
    return ", ".join(
        f"{str(name).replace('_', ' ')} {_with_chance(share, float(chance.get(name, 0.0)))}"
        for name, share in named.items()
    )


def _gaussians(tables: Mapping[str, pd.DataFrame]) -> str:
    if "gaussian" not in tables:
        return "not asked: fits are made in the plane"
    both = [table.dropna(subset="residual") for table in _networks(tables["gaussian"])]
    ours, chance = ((1 - table["residual"]).mean() for table in both)
    well, by_chance = ((table["residual"] < WELL).mean() for table in both)
    shares = both[0]["order"].value_counts(normalize=True)
    orders = ", ".join(f"{order} for {shares.get(order, 0.0):.2f}" for order in range(3))
    return (
        f"the best fit has {_with_chance(ours, chance)} of the energy, and more than "
        f"{1 - WELL:.0%} of it for {_with_chance(well, by_chance)} of the kernels; its order is "
        f"{orders} of them"
    )


def _networks(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the network and of random weights."""
    return table[table["network"] == TRAINED], table[table["network"] == INITIAL]


def _with_chance(share: float, by_chance: float) -> str:
    return f"{share:.2f} ({by_chance:.2f})"


def _left_out(analysis: KernelAnalysis) -> str:
    told = [
        f"{first_few(part['name'].tolist(), 1)}: {reason}"
        for reason, part in groups(analysis.tables["left_out"], "reason", sort=False)
    ]
    if len(drawn := analysis.drawn):
        each = f"{drawn['looked_at'].max():,} kernels of each"
        told.append(f"of {count_of(len(drawn), 'large layer')} all but {each}, drawn at random")
    return first_few(told, _MOST_REASONS) or "nothing"
