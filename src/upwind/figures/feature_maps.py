"""The feature maps of a live network, in order of execution, for the schematic of Figure 1.

The network is exported for one slice, so what is recorded is what its forward pass does, not what
its code is believed to do.
"""

from dataclasses import dataclass, replace
from math import prod

import torch
from torch import nn
from torch.fx import Node

from upwind.common.errors import UpwindError

# Operations that keep the feature map that they act on: they belong to the step before them.
_ACTIVATIONS = {"relu": "ReLU", "sigmoid": "sigmoid"}


@dataclass(frozen=True)
class FeatureMap:
    """A feature map and the step that made it.

    Attributes:
        step: ``input``, ``convolution``, ``pooling``, ``upsampling`` or ``concatenation``.
        sources: indices of the feature maps that the step read.
        channels, size: shape of the map, size in pixels (rows, columns).
        kernel: pixels (rows, columns) of the convolution or pooling window, or factor of the
            up-sampling; empty for other steps.
        activation: nonlinearity that follows a convolution, or empty.
        layer: number of the 3x3 convolution from 1 in order of execution, or None.
        parameters: weights and biases of the step.
    """

    step: str
    sources: tuple[int, ...]
    channels: int
    size: tuple[int, int]
    kernel: tuple[int, int] | tuple[()] = ()
    activation: str = ""
    layer: int | None = None
    parameters: int = 0


def trace(network: nn.Module, image_size: int) -> list[FeatureMap]:
    """Feature maps of ``network`` for one slice (1, 1, image_size, image_size), input first.

    Raises:
        UpwindError: the network cannot take slices of that size, or does something that the
            schematic has no symbol for.
    """
    parameter = next(network.parameters())
    slices = torch.zeros(1, 1, image_size, image_size, device=parameter.device)
    try:
        with torch.no_grad():
            network(slices)  # fails in one line where the export would fill the log
    except RuntimeError as error:
        raise UpwindError(
            f"the network cannot take slices of {image_size} x {image_size} pixels: "
            "image_size must be divisible by 2 for each pooling"
        ) from error
    exported = torch.export.export(network, (slices,))
    parameters = exported.graph_signature.inputs_to_parameters
    maps: list[FeatureMap] = []
    index: dict[str, int] = {}  # feature map of each node of the graph
    for node in exported.graph.nodes:
        if node.op == "output" or node.name in parameters:
            continue
        operation = "input" if node.op == "placeholder" else node.target.overloadpacket.__name__
        if operation == "_assert_tensor_metadata":  # stands before each change of precision
            continue
        if operation == "to":  # another precision, the same feature map
            index[node.name] = index[node.args[0].name]
            continue
        if operation in _ACTIVATIONS:
            acted_on = index[node.name] = index[node.args[0].name]
            maps[acted_on] = replace(maps[acted_on], activation=_ACTIVATIONS[operation])
            continue
        index[node.name] = len(maps)
        maps.append(_feature_map(operation, node, index, sum(m.layer is not None for m in maps)))
    return maps


def _feature_map(operation: str, node: Node, index: dict[str, int], layers: int) -> FeatureMap:
    _, channels, rows, columns = node.meta["val"].shape
    made = {"channels": channels, "size": (rows, columns)}
    if operation == "input":
        return FeatureMap("input", (), **made)
    if operation == "cat":
        return FeatureMap("concatenation", tuple(index[n.name] for n in node.args[0]), **made)
    source = (index[node.args[0].name],)
    if operation == "conv2d":
        kernel = tuple(node.args[1].meta["val"].shape[2:])
        weights = [argument for argument in node.args[1:3] if argument is not None]
        return FeatureMap(
            "convolution",
            source,
            kernel=kernel,
            layer=layers + 1 if kernel == (3, 3) else None,
            parameters=sum(prod(weight.meta["val"].shape) for weight in weights),
            **made,
        )
    if operation == "max_pool2d":
        return FeatureMap("pooling", source, kernel=tuple(node.args[1]), **made)
    if operation == "upsample_nearest2d":
        before = node.args[0].meta["val"].shape[2:]
        factor = (rows // before[0], columns // before[1])
        return FeatureMap("upsampling", source, kernel=factor, **made)
    raise UpwindError(f"Figure 1 has no symbol for the operation {operation} of this network")
