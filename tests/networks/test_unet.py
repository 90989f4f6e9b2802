"""The UNet against the published one, layer by layer."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

from upwind.common.errors import UpwindError
from upwind.networks.unet import UNet

# Input and output channels of layers 1 to 18, as published.
CHANNELS = [
    (1, 16), (16, 16), (16, 16), (16, 16), (16, 16), (16, 16), (16, 32), (32, 32), (32, 64),
    (64, 64), (64, 32), (32, 32), (48, 16), (16, 16), (32, 16), (16, 16), (32, 16), (16, 16),
]  # fmt: skip
PUBLISHED = Path(__file__).resolve().parents[2].parent / "shared/reference"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return UNet().eval()


def random_slices(n, h, w):
    return 2 * torch.rand((n, 1, h, w), generator=torch.Generator().manual_seed(1)) - 1


def test_the_18_layers_have_the_published_channels(network):
    layers = network.layers()
    assert [(layer.in_channels, layer.out_channels) for layer in layers] == CHANNELS
    assert all(layer.kernel_size == (3, 3) and layer.bias is not None for layer in layers)


def test_it_has_14608_kernels_and_131938_parameters(network):
    kernels = [layer.weight.shape[0] * layer.weight.shape[1] for layer in network.layers()]
    assert sum(kernels) == 14_608
    assert sum(p.numel() for p in network.parameters()) == 131_938


def test_channels_and_kernels_agree_with_the_published_table(network):
    path = PUBLISHED / "unet_layers_published.csv"
    if not path.exists():
        pytest.skip("the published table of layers is not on this machine")
    table = pd.read_csv(path)
    layers = network.layers()
    ours = pd.DataFrame(
        {
            "layer": range(1, len(layers) + 1),
            "in_channels": [layer.in_channels for layer in layers],
            "out_channels": [layer.out_channels for layer in layers],
            "kernels": [layer.weight.shape[:2].numel() for layer in layers],
        }
    )
    pd.testing.assert_frame_equal(ours, table[list(ours.columns)])


def test_layers_are_numbered_in_order_of_execution(network):
    order = []
    hooks = [
        layer.register_forward_hook(lambda module, *_: order.append(module))
        for layer in network.layers()
    ]
    network(random_slices(1, 32, 32))
    for hook in hooks:
        hook.remove()
    assert order == network.layers()


def test_a_skip_connection_carries_its_levels_input(network):
    inputs = {}

    def keep(module, given):
        inputs[module] = given[0]

    modules = [*network.down, *network.up, network.head]
    hooks = [module.register_forward_pre_hook(keep) for module in modules]
    slices = random_slices(2, 32, 48)
    network(slices)
    for hook in hooks:
        hook.remove()
    assert torch.equal(inputs[network.head][:, -1:], slices)  # the CT slice itself
    for up, down in zip(network.up[1:], reversed(network.down[1:]), strict=True):
        level_input = inputs[down]
        assert torch.equal(inputs[up][:, -level_input.shape[1] :], level_input)
        assert inputs[up].shape[2:] == level_input.shape[2:]


def test_forward_equals_the_architecture_written_out(network):
    """Two convolutions before each up-sampling; pooling after two convolutions."""
    layers = iter(network.layers())

    def level(x):
        x = functional.relu(next(layers)(x))
        return functional.relu(next(layers)(x))

    x = slices = random_slices(2, 32, 32)
    skips = []
    for _ in range(4):
        skips.append(x)
        x = functional.max_pool2d(level(x), 2)
    x = level(x)
    for skip in reversed(skips):
        x = level(x).repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = torch.cat([x, skip], 1)
    torch.testing.assert_close(network(slices), torch.sigmoid(network.head(x)))


@pytest.mark.parametrize(("h", "w"), [(16, 16), (16, 48), (80, 32)])
def test_probabilities_have_the_slices_shape_square_or_not(network, h, w):
    with torch.no_grad():
        probability = network(random_slices(3, h, w))
    assert probability.shape == (3, 1, h, w)
    assert 0 < float(probability.min()) <= float(probability.max()) < 1


@pytest.mark.parametrize(("h", "w"), [(17, 16), (24, 24), (32, 33), (40, 64), (31, 31)])
def test_sizes_that_four_poolings_do_not_divide_are_refused(network, h, w):
    with pytest.raises(UpwindError, match=f"a multiple of 16, not {h} x {w}"):
        network(random_slices(1, h, w))


def test_initial_weights_are_glorot_uniform_and_biases_zero(network):
    torch.manual_seed(3)
    fresh = UNet()
    for layer in [*fresh.layers(), fresh.head]:
        _, _, h, w = layer.weight.shape
        bound = (6 / ((layer.in_channels + layer.out_channels) * h * w)) ** 0.5
        largest = float(layer.weight.detach().abs().max())
        assert largest <= bound
        if layer.weight.numel() >= 1000:
            assert largest > 0.99 * bound
            assert float(layer.weight.detach().var()) == pytest.approx(bound**2 / 3, rel=0.1)
        assert not layer.bias.any()


def test_no_normalisation_and_no_other_layers(network):
    kinds = {type(m) for m in network.modules() if not list(m.children())}
    assert kinds == {nn.Conv2d}


def test_filters_can_be_chosen():
    small = UNet(level_filters=(2, 2, 2, 4), bottom_filters=8)
    channels = [(layer.in_channels, layer.out_channels) for layer in small.layers()]
    assert channels[:2] == [(1, 2), (2, 2)]
    assert channels[8:12] == [(4, 8), (8, 8), (8, 4), (4, 4)]
    assert small(random_slices(1, 16, 16)).shape == (1, 1, 16, 16)


def test_half_precision_is_for_the_convolutions_and_not_for_the_probability(network):
    slices = random_slices(2, 32, 32)
    with torch.no_grad():
        exact = network(slices)
        with torch.autocast("cpu", torch.bfloat16):
            half = network(slices)
    assert half.dtype == torch.float32
    assert not torch.equal(half, exact)
    torch.testing.assert_close(half, exact, atol=0.02, rtol=0)
    # bfloat16 has 128 values between 0.25 and 0.5, and as many to 1.
    assert not torch.equal(half, half.bfloat16().float())


def test_double_precision_stays_double():
    double = UNet().double()
    assert double(random_slices(1, 16, 16).double()).dtype == torch.float64


@pytest.mark.parametrize("kernels", ["free", "mean_zero"])
def test_a_convolutions_answer_is_left_as_it_was_outside_training(kernels):
    torch.manual_seed(0)
    network, answers = UNet((3,), 5, kernels).eval(), []
    for layer in network.layers():
        layer.register_forward_hook(lambda *found: answers.append((found[2], found[2].clone())))
    network(random_slices(1, 16, 16))
    assert len(answers) == len(network.layers())
    assert all(torch.equal(kept, at_once) for kept, at_once in answers)
    assert any((kept < 0).any() for kept, _ in answers)


def test_training_works_in_place_with_the_same_bits():
    torch.manual_seed(0)
    network, slices = UNet((3, 4), 5), random_slices(2, 16, 16)

    def computed():
        network.zero_grad()
        probability = network(slices)
        probability.square().sum().backward()
        return probability, [parameter.grad for parameter in network.parameters()]

    network.eval()
    apart, gradients_apart = computed()
    network.train()
    in_place, gradients_in_place = computed()
    assert torch.equal(apart, in_place)
    assert all(map(torch.equal, gradients_apart, gradients_in_place))
    assert all(gradient.any() for gradient in gradients_in_place)


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(UpwindError, match=r"2 levels .* multiple of 4, not 16 x 18"):
        UNet((3, 4), 5)(random_slices(1, 16, 18))
