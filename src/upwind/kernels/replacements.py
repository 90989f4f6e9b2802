"""What the kernels of a layer are replaced by, to see what the network needs of them.

Each replacement takes a layer's weights (out, in, 3, 3), a generator, and the layer's weights
before training to weights of the same shape. Four kinds: simpler kernels (``centroid``,
``nearest``), the part of each kernel that is a finite difference (``mean_zero``, ``differences``,
``first_order``; each keeps less than the one before), controls that keep the layer's statistics but
not its order (``shuffled``, ``gaussian``), and what says whether training did anything there: the
layer's own ``initial`` kernels, and none at all (``zero``). Biases stay.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from upwind.kernels.stencils import STENCILS
from upwind.networks.subspaces import project

_ROUNDING = 1e-6

Replacement = Callable[[np.ndarray, np.random.Generator, np.ndarray], np.ndarray]


def centroid(
    weights: np.ndarray, generator: np.random.Generator, start: np.ndarray, **settings: int
) -> np.ndarray:
    """Every kernel by the mean of its k-means cluster: what clusters say of a layer. ``settings``
    are those of :func:`upwind.kernels.clustering.kmeans`."""
    # Imported when needed: scikit-learn takes a second, and the workflow reads the names below.
    from upwind.kernels.clustering import kmeans, one_thread

    kernels = _kernels(weights)
    with one_thread():
        labels = kmeans(kernels, **settings)[0]
    used, labels = np.unique(labels, return_inverse=True)
    means = np.array([kernels[labels == place].mean(axis=0) for place in range(len(used))])
    return means[labels].reshape(np.shape(weights))


def nearest(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """Every kernel by the hand-crafted one of Figure 2 that comes nearest when scaled, at that
    scale (least squares; it may be negative).

    Nearest is the least angle between the kernels themselves. It is not the authors' nearest by
    spectrum, which is blind to where a kernel's weights are and which way it points, and so names
    no kernel to put in the place of another.
    """
    kernels = _kernels(weights)
    stencils = np.array([stencil.ravel() for stencil in STENCILS.values()])
    lengths = np.linalg.norm(stencils, axis=1)
    along = kernels @ (stencils / lengths[:, None]).T
    best = np.abs(along).argmax(axis=1)
    scale = along[np.arange(len(kernels)), best] / lengths[best]
    return (scale[:, None] * stencils[best]).reshape(np.shape(weights))


def mean_zero(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """Every kernel less its mean: the nearest kernel that is a difference in the paper's sense."""
    return project(weights, "mean_zero")


def differences(
    weights: np.ndarray, generator: np.random.Generator, start: np.ndarray
) -> np.ndarray:
    """The part of every kernel in the span of first- and second-order finite differences: of the
    nine stencils of the level set equation."""
    return project(weights, "differences")


def first_order(
    weights: np.ndarray, generator: np.random.Generator, start: np.ndarray
) -> np.ndarray:
    """The part of every kernel in the span of the two central differences."""
    return project(weights, "first_order")


def shuffled(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """The layer's own kernels, each whole, in random places: which channel reads which with what
    kernel is lost, and nothing else."""
    return generator.permutation(_kernels(weights)).reshape(np.shape(weights))


def gaussian(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """Kernels drawn from the normal distribution of the layer's mean and covariance."""
    kernels = _kernels(weights)
    covariance = np.cov(kernels, rowvar=False, bias=True)
    drawn = generator.multivariate_normal(kernels.mean(axis=0), covariance, len(kernels))
    return drawn.reshape(np.shape(weights))


def initial(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """Every kernel as it was before training."""
    return np.array(start, dtype=float)


def zero(weights: np.ndarray, generator: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """No kernels: the layer answers its biases."""
    return np.zeros(np.shape(weights))


REPLACEMENTS: Mapping[str, Replacement] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            centroid,
            nearest,
            mean_zero,
            differences,
            first_order,
            shuffled,
            gaussian,
            initial,
            zero,
        )
    }
)
# Those that draw: each draw is another network.
RANDOM = ("shuffled", "gaussian")


def changed_kernels(before: np.ndarray, after: np.ndarray) -> int:
    """How many kernels of two weights (out, in, 3, 3) differ by more than single precision's
    rounding of the largest weight."""
    differ = np.abs(after - before) > _ROUNDING * np.abs(before).max()
    return int(differ.any(axis=(2, 3)).sum())


def relative_norm(before: np.ndarray, after: np.ndarray) -> float:
    """Length of the change of weights as a share of the length of ``before``."""
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def _kernels(weights: np.ndarray) -> np.ndarray:
    return np.asarray(weights, dtype=float).reshape(-1, 9)
