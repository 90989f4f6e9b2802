"""What the clusters of a layer do to one slice.

Two pictures of each cluster, because one alone would mislead:

- *on the CT*: the CT slice, as the network reads it, filtered with the cluster's mean kernel. It
  shows what such a filter does to a picture that one can read. The edge of the slice is continued.
- *in the network*: the cluster's share in what the layer really computes. A layer adds up, for each
  output channel, the responses of one kernel per input channel, and a bias. Here only the cluster's
  kernels are added up, and the mean is taken over the output channels:

      contribution_c = 1 / O  sum over kernels (o, i) of cluster c  of  w_oi * x_i

  with x_i the layer's input channels for this slice, * the cross-correlation with the layer's own
  zero padding, and O the number of output channels. Nothing is left out or counted twice: the
  clusters' contributions and the mean bias add up to the mean of the layer's output before its
  ReLU.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import correlate
from torch import nn
from torch.nn import functional

from upwind.atlas.network import Clustered
from upwind.data.intensity import rescale
from upwind.data.slices import nearest_indices
from upwind.networks.patching import layer_kernels
from upwind.networks.unet import Convolution


@dataclass(frozen=True)
class LayerMaps:
    """A layer's feature maps for one slice, means over channels, all (rows, columns) of the layer.

    Attributes:
        entering: mean of the input channels.
        leaving: mean of the output channels before the ReLU.
        contributions: those of its clusters, cluster 1 first; with ``bias`` they add up to
            ``leaving``.
        bias: mean of the layer's biases.
    """

    entering: np.ndarray
    leaving: np.ndarray
    contributions: tuple[np.ndarray, ...]
    bias: float


@torch.inference_mode()
def layer_maps(clustered: Clustered, image: np.ndarray) -> list[LayerMaps]:
    """Maps of every layer, in order of execution, for a slice ``image`` (size, size) in HU."""
    inputs: dict[nn.Module, torch.Tensor] = {}

    def keep(layer: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        inputs[layer] = arguments[0]

    hooks = [layer.register_forward_pre_hook(keep) for layer in clustered.layers]
    try:
        clustered.network(as_read(image, clustered)[None, None])
    finally:
        for hook in hooks:
            hook.remove()
    return [
        _maps(layer, inputs[layer], clusters)
        for layer, clusters in zip(clustered.layers, clustered.clusters, strict=True)
    ]


def as_read(image: np.ndarray, clustered: Clustered) -> torch.Tensor:
    """A slice (size, size) in HU as the network reads it: clipped to its window, from -1 to 1."""
    return rescale(torch.from_numpy(image.astype(np.float32)), clustered.recipe.window)


def _maps(layer: Convolution, entering: torch.Tensor, clusters: np.ndarray) -> LayerMaps:
    contributions = tuple(
        _contribution(layer, entering, clusters == cluster)
        for cluster in range(1, int(clusters.max()) + 1)
    )
    return LayerMaps(
        entering=entering[0].double().mean(dim=0).numpy(),
        leaving=layer(entering)[0].double().mean(dim=0).numpy(),
        contributions=contributions,
        bias=0.0 if layer.bias is None else float(layer.bias.double().mean()),
    )


def _contribution(layer: Convolution, entering: torch.Tensor, chosen: np.ndarray) -> np.ndarray:
    # In double precision, so that the contributions add up to more digits than the layer has.
    kernels = torch.from_numpy(np.where(chosen[:, :, None, None], layer_kernels(layer), 0))
    return functional.conv2d(entering.double(), kernels, padding=1)[0].mean(dim=0).numpy()


def on_the_ct(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A slice (rows, columns) filtered with a ``kernel`` (3, 3) by cross-correlation, as the layers
    do, with its edge continued outwards."""
    return correlate(np.asarray(image, dtype=float), kernel, mode="nearest")


def means_in_and_out(picture: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Means of a map inside and outside a ``region`` (rows, columns) bool of the slice, the map
    being enlarged to the slice by nearest neighbour. NaN where there is no such pixel."""
    rows, columns = (
        nearest_indices(small, large)
        for small, large in zip(picture.shape, region.shape, strict=True)
    )
    enlarged = picture[np.ix_(rows, columns)]
    inside, outside = enlarged[region], enlarged[~region]
    return (
        float(inside.mean()) if inside.size else float("nan"),
        float(outside.mean()) if outside.size else float("nan"),
    )
