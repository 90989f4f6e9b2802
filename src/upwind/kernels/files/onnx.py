"""Convolutions of an ONNX model, also quantised ones."""

from collections import ChainMap
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from upwind.common.errors import UpwindError
from upwind.kernels.files.discovery import (
    Contents,
    Found,
    LeftOut,
    is_looked_at,
    is_other_size,
    needs,
    other_size,
    single,
    unreadable,
)

KIND = "ONNX"
ORDER = "of execution, in which the graph lists its nodes"
# Which input of a convolution its weights are, by operator.
_WEIGHTS_AT = {"Conv": 1, "FusedConv": 1, "QLinearConv": 3, "ConvInteger": 1}
_NOT_PLAIN = {"ConvTranspose": "a transposed", "DeformConv": "a deformable"}


@dataclass(frozen=True)
class _Value:
    """Numbers that a model stores, or that it makes of stored ones: ``key`` tells one from another,
    ``whole`` is whether they are whole numbers."""

    key: str
    shape: tuple[int, ...]
    whole: bool
    read: Callable[[], np.ndarray]


# What is known by name at a place in a graph: a value, or the operator that computes it.
_Known = MutableMapping[str, "_Value | str"]


def find(path: Path) -> Contents:
    """Its convolutions in the order of the graph, weights that several share once. Quantised
    weights are given as the numbers that they stand for; what else a model computes while it runs
    is left out."""
    try:
        import onnx
    except ImportError:
        raise needs("onnx", path) from None
    try:
        model = onnx.load(path, load_external_data=False)
        contents = Contents(ORDER)
        for node, known in _walk(path, model.graph, ChainMap()):
            for one in _convolution(path, node, known):
                contents.add(one)
        for function in model.functions:
            if any(node.op_type in _WEIGHTS_AT for node in function.node):
                reason = "convolutions in a function of the model, whose weights its caller gives"
                contents.left_out.append(LeftOut(function.name, (), reason))
        return contents
    except UpwindError:
        raise
    except Exception as error:  # whatever a damaged file leads its libraries to
        raise unreadable(path, KIND, error) from error


def _walk(path: Path, graph: Any, outside: ChainMap[str, Any]) -> Iterator[tuple[Any, _Known]]:
    """Nodes of a graph and of those within it, each with what is known there. A node's inputs come
    before it, as ONNX demands, so each is looked at once."""
    known = outside.new_child({t.name: _stored(path, t) for t in graph.initializer})
    for node in graph.node:
        yield node, known
        made = _made(path, node, known)
        for output in node.output:
            known[output] = made
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _walk(path, inner, known)


def _made(path: Path, node: Any, known: _Known) -> "_Value | str":
    """What a node gives: a value where it only passes on, or says in another form, stored ones. It
    is computed once, since others may be made of it many times over."""
    if node.op_type == "Constant":
        tensors = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        return _stored(path, tensors[0]) if tensors else node.op_type
    inputs = [known.get(name) for name in node.input if name]
    values = [value for value in inputs if isinstance(value, _Value)]
    if not values or len(values) < len(inputs):
        return str(node.op_type)
    first, *others = values
    if node.op_type == "Identity":
        return first
    if node.op_type == "Cast":
        return _Value(first.key, first.shape, False, first.read)
    if node.op_type == "DequantizeLinear" and others:
        axis, block = _number(node, "axis", 1), _number(node, "block_size", 0)
        read = cache(partial(_dequantised, values, axis, block))
        return _Value(first.key, first.shape, False, read)
    if node.op_type == "QuantizeLinear" and others:
        axis, block = _number(node, "axis", 1), _number(node, "block_size", 0)
        read = cache(partial(_quantised, values, axis, block))
        return _Value(first.key, first.shape, True, read)
    return str(node.op_type)


def _convolution(path: Path, node: Any, known: _Known) -> Iterator[Found | LeftOut]:
    name = node.name or next(iter(node.output), "")
    if node.op_type in _NOT_PLAIN:
        yield LeftOut(name, (), f"{_NOT_PLAIN[node.op_type]} convolution")
    if node.op_type not in _WEIGHTS_AT or len(node.input) <= _WEIGHTS_AT[node.op_type]:
        return
    value = _weights(node, known)
    size = next((tuple(a.ints) for a in node.attribute if a.name == "kernel_shape"), ())
    if isinstance(value, str):
        if not size or max(size) > 1:
            yield LeftOut(name, size, value)
    elif is_looked_at(value.shape):
        label = node.name or value.key
        groups = _number(node, "group", 1)
        yield Found(label, value.shape, partial(_read, path, value), groups, value.key)
    elif is_other_size(value.shape):
        yield other_size(name, value.shape)


def _weights(node: Any, known: _Known) -> "_Value | str":
    """A convolution's weights, or why they are not known."""
    names = list(node.input)
    value = known.get(names[_WEIGHTS_AT[node.op_type]])
    if not isinstance(value, _Value):
        how = f"by the operator {value}" if value else "by its caller"
        return f"its weights are given {how} while the model runs"
    if node.op_type == "QLinearConv":
        return _scaled(value, [known.get(name) for name in names[4:6] if name])
    if node.op_type == "ConvInteger":
        return _steps(value, [known.get(name) for name in names[3:4] if name])
    return "its weights are whole numbers without a scale" if value.whole else value


def _scaled(value: _Value, others: Sequence["_Value | str | None"]) -> "_Value | str":
    stored = [one for one in others if isinstance(one, _Value)]
    if not stored or len(stored) < len(others):
        return "the scale of its weights is computed while the model runs"
    return _Value(value.key, value.shape, False, partial(_dequantised, [value, *stored], 0, 0))


def _steps(value: _Value, others: Sequence["_Value | str | None"]) -> "_Value | str":
    """Weights of ConvInteger in steps above their zero point: their scale stands elsewhere in the
    graph, and is one for the layer where the zero point is one."""
    stored = [one for one in others if isinstance(one, _Value)]
    if len(stored) < len(others) or any(np.prod(one.shape) > 1 for one in stored):
        return "its weights have a scale for each channel, which stands elsewhere in the graph"
    one = _Value("1", (), False, lambda: np.ones(()))
    return _Value(value.key, value.shape, False, partial(_dequantised, [value, one, *stored], 0, 0))


def _number(node: Any, name: str, default: int) -> int:
    return next((int(a.i) for a in node.attribute if a.name == name), default)


def _dequantised(values: Sequence[_Value], axis: int, block: int) -> np.ndarray:
    """(x - zero point) times scale."""
    stored, scale, zero = _spread(values, axis, block)
    return (stored - zero) * scale


def _quantised(values: Sequence[_Value], axis: int, block: int) -> np.ndarray:
    """x / scale to the nearest even, plus zero point, within the range of the zero point's type."""
    stored, scale, zero = _spread(values, axis, block)
    kind = values[2].read().dtype if len(values) > 2 else np.dtype(np.uint8)
    limits = np.iinfo(kind)
    return np.clip(np.rint(stored / scale) + zero, limits.min, limits.max)


def _spread(values: Sequence[_Value], axis: int, block: int) -> tuple[np.ndarray, ...]:
    """Numbers, their scale and zero point (0 where there is none), the latter for the axis that
    they are given for, or each for so many (a block) along it."""
    stored, *others = (value.read() for value in values[:3])
    scale, zero = [*others, np.zeros(())][:2]
    return stored.astype(float), *(_along(part, stored, axis, block) for part in (scale, zero))


def _along(part: np.ndarray, stored: np.ndarray, axis: int, block: int) -> np.ndarray:
    part = part.astype(float)
    if part.size == 1:
        return part.reshape(())
    if block > 0:
        return np.repeat(part, block, axis)[tuple(slice(side) for side in stored.shape)]
    return part.reshape([-1 if place == axis % stored.ndim else 1 for place in range(stored.ndim)])


def _stored(path: Path, tensor: Any) -> _Value:
    from onnx import TensorProto

    floating = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
    whole = tensor.data_type not in floating
    return _Value(tensor.name, tuple(tensor.dims), whole, partial(_numbers, path, tensor))


def _numbers(path: Path, tensor: Any) -> np.ndarray:
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        if not (path.parent / place).exists():
            raise UpwindError(
                f"{path} keeps its weights in {place}, which is not beside it: put it there"
            )
    return numpy_helper.to_array(tensor, base_dir=str(path.parent))


def _read(path: Path, value: _Value) -> np.ndarray:
    try:
        return single(value.read()).reshape(value.shape)
    except UpwindError:
        raise
    except Exception as error:  # whatever a damaged file leads its library to
        raise unreadable(path, KIND, error) from error
