"""How thoroughly kernels are measured."""

from scipy.special import ndtri

from upwind.settings.kernels import ComparisonSettings, KernelMeasures
from upwind.settings.model import Share


class AnalysisSettings(KernelMeasures):
    """How the measures are taken: the settings of kernels, and the ``confidence`` of every
    interval, which is that of the comparison of methods."""

    confidence: Share = ComparisonSettings().confidence

    @property
    def tried(self) -> int:
        """The largest number of clusters that is tried."""
        return max(self.clusters, self.most_clusters)


def normal_quantile(confidence: float) -> float:
    """Half the width, in standard errors, of a two-sided normal interval: 1.96 for 0.95."""
    return float(ndtri((1 + confidence) / 2))
