"""3x3 convolutions of an ONNX model."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import Found, is_3x3, needs, unreadable

KIND = "ONNX"
# Operators between stored weights and a convolution that leave them what they are.
_PASSED_ON = ("Identity", "Cast")


def find(path: Path) -> Iterator[Found]:
    """Its 3x3 convolutions (operator Conv) in the order of the graph, weights that several share
    once. Weights that the model computes, such as dequantised ones, are not found."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise needs("onnx", path) from None
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise unreadable(path, KIND, error) from error
    computed = 0
    seen: set[str] = set()
    found = []
    for node, stored in _convolutions(model.graph, {}):
        name, tensor = _weights(node.input[1], stored)
        computed += tensor is None
        if tensor is None or name in seen or not is_3x3(tensor.dims):
            continue
        seen.add(name)
        found.append(
            Found(
                node.name or tensor.name,
                int(tensor.dims[0] * tensor.dims[1]),
                partial(_read, path, tensor),
                _groups(node),
            )
        )
    if computed and not found:
        raise UpwindError(
            f"{path} has {computed} convolutions whose weights it computes while it runs (a "
            "quantised model?), and no 3x3 convolution with weights of its own: give the model "
            "before quantisation"
        )
    yield from found


def _convolutions(graph: Any, outside: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Conv nodes of a graph and of those within it, each with what gives values by name there."""
    stored = dict(outside)
    stored |= {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        for output in node.output:
            if node.op_type in (*_PASSED_ON, "Constant"):
                stored[output] = node
        if node.op_type == "Conv" and len(node.input) > 1:
            yield node, stored
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node:
                    yield from _convolutions(inner, stored)


def _weights(name: str, stored: dict[str, Any]) -> tuple[str, Any]:
    """The stored tensor behind a name, and its own name; None where it is computed."""
    for _ in range(len(stored) + 1):  # a damaged graph may be knotted
        giver = stored.get(name)
        if giver is None or not hasattr(giver, "op_type"):
            return name, giver
        if giver.op_type == "Constant":
            tensors = [attribute.t for attribute in giver.attribute if attribute.name == "value"]
            return name, tensors[0] if tensors else None
        name = giver.input[0]
    return name, None


def _groups(node: Any) -> int:
    return next((int(a.i) for a in node.attribute if a.name == "group"), 1)


def _read(path: Path, tensor: Any) -> np.ndarray:
    from onnx import checker, numpy_helper

    try:
        array = numpy_helper.to_array(tensor, base_dir=str(path.parent))
    except (ValueError, OSError, TypeError, KeyError, checker.ValidationError) as error:
        raise unreadable(path, KIND, error) from error
    return np.asarray(array, dtype=np.float32)
