"""Layers that answer with other kernels for a while."""

import numpy as np
import pytest
import torch

from upwind.networks.patching import answering, convolving, layer_kernels
from upwind.networks.unet import UNet


@pytest.fixture(params=["free", "mean_zero"])
def network(request):
    torch.manual_seed(0)
    return UNet(level_filters=(4,), bottom_filters=4, kernels=request.param)


def test_own_kernels_answer_the_same_to_the_bit(network):
    image = torch.randn(1, 1, 8, 8)
    answers = {layer: convolving(layer, layer_kernels(layer)) for layer in network.layers()}
    expected = network(image)
    with answering(answers):
        assert torch.equal(network(image), expected)


def test_other_kernels_answer_by_cross_correlation_with_the_layer_s_bias(network):
    layer, image = network.layers()[0], torch.randn(1, 1, 6, 6)
    layer.bias.data.fill_(0.5)
    kernels = np.zeros((4, 1, 3, 3))
    kernels[:, 0, 1, 2] = np.arange(4)  # the pixel to the right
    with answering({layer: convolving(layer, kernels)}):
        answer = layer(image).detach()
    right = torch.nn.functional.pad(image[0, 0, :, 1:], (0, 1))
    for channel in range(4):
        assert torch.allclose(answer[0, channel], channel * right + 0.5)


def test_the_layer_is_itself_again_after_an_error(network):
    layer, image = network.layers()[0], torch.randn(1, 1, 6, 6)
    expected = layer(image)
    with (
        pytest.raises(RuntimeError, match="no more"),
        answering({layer: convolving(layer, np.zeros((4, 1, 3, 3)))}),
    ):
        raise RuntimeError("no more")
    assert torch.equal(layer(image), expected)
