"""Quantised models, values passed on, and graphs made to take long."""

import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from upwind.common.errors import UpwindError
from upwind.kernels.files.reading import read_network

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.integers(-127, 127, (4, 2, 3, 3), dtype=np.int8)
SCALES = np.array([0.5, 0.25, 0.125, 1.0], np.float32)
ZEROS = np.array([0, 1, -2, 3], np.int8)


def read(nodes, stored, path):
    given = [numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [], [], given)), path / "w.onnx")
    return read_network(path / "w.onnx")


def reasons(network):
    return {one.name: one.reason for one in network.left_out}


def expected(scales=SCALES, zeros=ZEROS):
    return (WEIGHTS.astype(float) - zeros.reshape(-1, 1, 1, 1)) * scales.reshape(-1, 1, 1, 1)


def test_dequantised_weights_by_onnx_own_evaluator(tmp_path):
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0)
    stored = {"q": WEIGHTS, "s": SCALES, "z": ZEROS}
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), None)
        for name, array in stored.items()
    ]
    output = helper.make_tensor_value_info("w", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", inputs, [output])
    theirs = ReferenceEvaluator(helper.make_model(graph)).run(None, stored)[0]
    network = read([node, helper.make_node("Conv", ["x", "w"], ["y"], name="c")], stored, tmp_path)
    np.testing.assert_array_equal(network.layers[0].weights, theirs)
    np.testing.assert_allclose(theirs, expected(), rtol=1e-6)


def test_a_mixed_model_loses_no_layer(tmp_path):
    plain = RANDOM.normal(size=(2, 4, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "p"], ["b"], name="second"),
    ]
    network = read(nodes, {"q": WEIGHTS, "s": np.float32(0.1), "p": plain}, tmp_path)
    assert [layer.name for layer in network.layers] == ["first", "second"]
    assert network.order.startswith("of execution")


def test_weights_rounded_as_in_training_for_quantisation(tmp_path):
    floating = (RANDOM.normal(size=(4, 2, 3, 3)) * 100).astype(np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["f", "s", "z"], ["q"], axis=0),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    network = read(nodes, {"f": floating, "s": SCALES, "z": ZEROS}, tmp_path)
    scale, zero = SCALES.reshape(-1, 1, 1, 1), ZEROS.reshape(-1, 1, 1, 1)
    rounded = np.clip(np.rint(floating / scale) + zero, -128, 127)
    np.testing.assert_allclose(network.layers[0].weights, (rounded - zero) * scale, rtol=1e-6)


def test_convolutions_of_whole_numbers(tmp_path):
    nodes = [
        helper.make_node("QLinearConv", [*"abc", "q", "s", "z", *"de"], ["y"], name="linear"),
        helper.make_node("ConvInteger", ["x", "i", "", "zero"], ["v"], name="integer"),
        helper.make_node("ConvInteger", ["x", "n", "", "z"], ["v"], name="by channel"),
        helper.make_node("Conv", ["x", "q"], ["v"], name="no scale"),
    ]
    one = np.int8(3)
    network = read(
        nodes,
        {"q": WEIGHTS, "i": -WEIGHTS, "n": WEIGHTS, "s": SCALES, "z": ZEROS, "zero": one},
        tmp_path,
    )
    assert [layer.name for layer in network.layers] == ["linear", "integer"]
    np.testing.assert_allclose(network.layers[0].weights, expected(), rtol=1e-6)
    np.testing.assert_array_equal(network.layers[1].weights, -WEIGHTS.astype(float) - 3)
    assert reasons(network) == {
        "by channel": "its weights have a scale for each channel, which stands elsewhere in the "
        "graph",
        "no scale": "its weights are whole numbers without a scale",
    }


def test_what_is_left_out_says_why(tmp_path):
    plain = RANDOM.normal(size=(2, 4, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Mul", ["p", "s"], ["m"]),
        helper.make_node("Conv", ["x", "m"], ["a"], name="computed", kernel_shape=[3, 3]),
        helper.make_node("Conv", ["x", "m"], ["a"], name="point", kernel_shape=[1, 1]),
        helper.make_node("Conv", ["x", "w"], ["a"], name="given"),
        helper.make_node("Conv", ["x", "wide"], ["a"], name="wide"),
        helper.make_node("ConvTranspose", ["x", "p"], ["a"], name="up"),
        helper.make_node("Conv", ["x", "p"], ["a"], name="plain"),
    ]
    stored = {"p": plain, "s": np.float32(2), "wide": np.ones((1, 1, 9, 9), np.float32)}
    network = read(nodes, stored, tmp_path)
    assert [layer.name for layer in network.layers] == ["plain"]
    assert reasons(network) == {
        "computed": "its weights are given by the operator Mul while the model runs",
        "given": "its weights are given by its caller while the model runs",
        "wide": "kernels of 9x9: looked at are those of 3x3, 5x5, 7x7 or 3x3x3",
        "up": "a transposed convolution",
    }


def test_a_long_chain_of_nodes_is_walked_once(tmp_path):
    """As many convolutions as nodes in the chain: walked anew for each, 2 * 10^8 steps."""
    plain = RANDOM.normal(size=(1, 1, 3, 3)).astype(np.float32)
    count = 20_000
    nodes = [helper.make_node("Identity", [f"v{n}"], [f"v{n + 1}"]) for n in range(count)]
    nodes += [helper.make_node("Conv", ["x", f"v{count}"], ["y"]) for _ in range(count)]
    start = time.process_time()
    network = read(nodes, {"v0": plain}, tmp_path)
    assert len(network.layers) == 1
    assert len(network.aliases[1]) == count - 1
    assert time.process_time() - start < 20


def test_scales_that_are_made_of_each_other_are_computed_once(tmp_path):
    """Each of the one before it, twice: computed anew for each use, 2^200 steps."""
    count = 200
    nodes = [
        helper.make_node("DequantizeLinear", [f"v{n}", f"v{n}"], [f"v{n + 1}"])
        for n in range(count)
    ]
    nodes += [
        helper.make_node("DequantizeLinear", ["k", f"v{count}"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    kernels = RANDOM.normal(size=(1, 1, 3, 3)).astype(np.float32)
    network = read(nodes, {"v0": np.float32(1), "k": kernels}, tmp_path)
    np.testing.assert_array_equal(network.layers[0].weights, kernels)


def test_a_knotted_graph_ends(tmp_path):
    nodes = [
        helper.make_node("Identity", ["b"], ["a"]),
        helper.make_node("Identity", ["a"], ["b"]),
        helper.make_node("Conv", ["x", "b"], ["y"], name="c"),
    ]
    with pytest.raises(UpwindError, match=r"no convolution of 3x3.*by the operator Identity"):
        read(nodes, {}, tmp_path)


def test_sizes_that_the_numbers_do_not_fill_are_refused(tmp_path):
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    tensor.dims[:] = [50, 50, 3, 3]
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "g", [], [], [tensor])
    onnx.save(helper.make_model(graph), tmp_path / "w.onnx")
    with pytest.raises(UpwindError, match="cut short or damaged"):
        read_network(tmp_path / "w.onnx")
