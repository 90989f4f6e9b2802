"""How thoroughly kernels are measured."""

from dataclasses import dataclass

from scipy.special import ndtri


@dataclass(frozen=True)
class AnalysisSettings:
    """How the measures are taken.

    Attributes:
        clusters: of k-means, as in Figure 2.
        most_clusters: that the gap statistic tries, from 1.
        references: sets of kernels drawn from the layer's Gaussian.
        starts: of k-means, one each, whose assignments are compared.
        restarts: of k-means elsewhere, the best is kept.
        sample: kernels of a layer that are looked at, at most, drawn at random.
        resamples: of the bootstrap.
        confidence: of every interval.
        seed: of all that is drawn.
    """

    clusters: int = 3
    most_clusters: int = 5
    references: int = 20
    starts: int = 5
    restarts: int = 10
    sample: int = 4096
    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0

    @property
    def tried(self) -> int:
        """The largest number of clusters that is tried."""
        return max(self.clusters, self.most_clusters)


def normal_quantile(confidence: float) -> float:
    """Half the width, in standard errors, of a two-sided normal interval: 1.96 for 0.95."""
    return float(ndtri((1 + confidence) / 2))
