"""How often the test for clusters finds what is there, and what is not: by simulation."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from upwind.common.progress import track
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.directions import direction_tables, favoured, shared
from upwind.kernels.layers import Layer
from upwind.kernels.proportions import wilson
from upwind.kernels.stencils import STENCILS

#: Kernels (n, 9) with clusters of a strength.
Scenario = Callable[[np.random.Generator, int, float], np.ndarray]
_SIGNED = ("edge_right", "laplacian", "mean")


def _unit(*names: str) -> np.ndarray:
    kernels = np.array([STENCILS[name].ravel() for name in names])
    return kernels / np.linalg.norm(kernels, axis=1, keepdims=True)


def _signs(generator: np.random.Generator, count: int) -> np.ndarray:
    return generator.choice([-1.0, 1.0], size=(count, 1))


def signed_stencils(generator: np.random.Generator, count: int, noise: float) -> np.ndarray:
    """Every kernel is Sobel's, Laplace's or the mean kernel, of length 1 and of either sign, with
    ``noise`` (standard deviation of a weight)."""
    chosen = _unit(*_SIGNED)[generator.integers(len(_SIGNED), size=count)]
    return _signs(generator, count) * chosen + noise * generator.normal(size=(count, 9))


def three_clusters(generator: np.random.Generator, count: int, distance: float) -> np.ndarray:
    """Three equal Gaussian clusters, so many standard deviations from each other."""
    centres = distance / np.sqrt(2) * np.eye(9)[:3]
    centres = centres - centres.mean(axis=0)
    return generator.normal(size=(count, 9)) + centres[generator.integers(3, size=count)]


def some_apart(generator: np.random.Generator, count: int, share: float) -> np.ndarray:
    """A ``share`` of Gaussian kernels ten standard deviations away from the others."""
    kernels = generator.normal(size=(count, 9))
    kernels[: round(share * count)] += 10 * _unit("laplacian")
    return kernels


def some_sobel(generator: np.random.Generator, count: int, share: float) -> np.ndarray:
    """A ``share`` of Gaussian kernels is Sobel's, of either sign and three times a weight's
    standard deviation long, with a fifteenth of that as noise."""
    kernels = generator.normal(size=(count, 9))
    few = round(share * count)
    noise = 0.2 * generator.normal(size=(few, 9))
    kernels[:few] = 3 * _signs(generator, few) * _unit("edge_right") + noise
    return kernels


def one_stencil(generator: np.random.Generator, count: int, noise: float) -> np.ndarray:
    """Every kernel is a multiple of Sobel's of length 1, normally distributed about 1 with standard
    deviation 0.3, with ``noise`` (standard deviation of a weight)."""
    lengths = 1 + 0.3 * generator.normal(size=(count, 1))
    return lengths * _unit("edge_right") + noise * generator.normal(size=(count, 9))


def gaussian(generator: np.random.Generator, count: int, strength: float) -> np.ndarray:
    """No clusters: unequal variances and a mean."""
    return generator.normal(size=(count, 9)) * np.linspace(0.3, 2, 9) + 0.5


def uniform(generator: np.random.Generator, count: int, strength: float) -> np.ndarray:
    """No clusters, as Glorot's initial weights: uniform in a cube."""
    return generator.uniform(-1, 1, size=(count, 9))


def many_scales(generator: np.random.Generator, count: int, strength: float) -> np.ndarray:
    """No clusters: Student's t of three degrees of freedom, unequal variances and a mean."""
    scale = np.sqrt(generator.chisquare(3, size=(count, 1)) / 3)
    return generator.normal(size=(count, 9)) * np.linspace(0.3, 2, 9) / scale + 0.5


def one_long_axis(generator: np.random.Generator, count: int, share: float) -> np.ndarray:
    """No clusters: Gaussian, and one axis has this ``share`` of the variance."""
    return generator.normal(size=(count, 9)) * _deviations(share) @ _turned(generator)


def one_long_axis_many_scales(
    generator: np.random.Generator, count: int, share: float
) -> np.ndarray:
    """No clusters: the same of Student's t of five degrees of freedom."""
    scale = np.sqrt(generator.chisquare(5, size=(count, 1)) / 5)
    return one_long_axis(generator, count, share) / scale


def _deviations(share: float) -> np.ndarray:
    return np.sqrt([share, *[(1 - share) / 8] * 8])


def _turned(generator: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(generator.normal(size=(9, 9)))[0]


#: Scenarios with their strengths, from the weakest.
SCENARIOS: Mapping[Scenario, Sequence[float]] = MappingProxyType(
    {
        gaussian: (0,),
        uniform: (0,),
        many_scales: (0,),
        one_long_axis: (0.8, 0.95),
        one_long_axis_many_scales: (0.8, 0.95),
        signed_stencils: (0.6, 0.45, 0.3, 0.2),
        one_stencil: (0.2, 0.1, 0.05),
        three_clusters: (2, 3, 4, 5, 6),
        some_apart: (0.02, 0.05, 0.1, 0.2, 0.4),
        some_sobel: (0.01, 0.02, 0.05, 0.1),
    }
)
SIZES = (16, 64, 256, 1024)  # kernels of a layer
COLUMNS = ("scenario", "strength", "kernels", "sets", "found", "share", "low", "high")
CLUSTERS, FAVOURED, SHARED = "clusters", "favoured directions", "one shared direction"
#: The same at the level of one layer alone, which a share of sets without clusters can be held to.
CLUSTERS_ALONE, FAVOURED_ALONE = (f"{x}, as the only layer" for x in (CLUSTERS, FAVOURED))
FOUND = (CLUSTERS, FAVOURED, SHARED, CLUSTERS_ALONE, FAVOURED_ALONE)


def cluster_power(
    sets: int,
    settings: AnalysisSettings,
    layers: int = 18,
    sizes: Sequence[int] = SIZES,
    scenarios: Mapping[Scenario, Sequence[float]] = SCENARIOS,
) -> pd.DataFrame:
    """One row per scenario, strength, size of a layer and what is ``found`` (of
    :data:`FOUND`): the ``share`` of so many ``sets`` of kernels in which it is, with Wilson's
    interval ``low`` to ``high``; of scenarios without clusters, the size of the test.

    Each set is one layer of ``layers``, and its p values are multiplied by that number on top of
    the correction within the layer: the worst that Holm's correction can do. As the only layer, the
    level is that of the correction within the layer."""
    cells = [
        (f, x, size) for f, strengths in scenarios.items() for x in strengths for size in sizes
    ]
    rows = []
    for scenario, strength, size in track(cells, len(cells), "power of the test for clusters"):
        found = np.zeros(len(FOUND))
        for number in range(sets):
            kernels = scenario(np.random.default_rng([settings.seed, number]), size, strength)
            found += _found(kernels, settings, layers)
        for name, count in zip(FOUND, found, strict=True):
            share = np.array(count / sets)
            low, high = wilson(share, np.array(sets), settings.confidence)
            facts = (scenario.__name__, strength, size, sets, name)
            rows.append((*facts, float(share), float(low), float(high)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _found(kernels: np.ndarray, settings: AnalysisSettings, layers: int) -> list[bool]:
    """Of each of :data:`FOUND`, whether it is."""
    layer = Layer(1, "simulated", kernels.reshape(-1, 1, 3, 3))
    tests, shares = direction_tables([layer], settings)
    alone = 1 - settings.confidence
    level = alone / layers
    return [
        bool((tests["holm_p"] < level).any()),
        not favoured(shares, level).empty,
        not shared(shares, level).empty,
        bool((tests["holm_p"] < alone).any()),
        not favoured(shares, alone).empty,
    ]
