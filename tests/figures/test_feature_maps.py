import pytest
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.figures.feature_maps import trace
from upwind.networks.unet import UNet


@pytest.mark.parametrize(
    "network", [UNet(), UNet((3, 5), 7).to(memory_format=torch.channels_last).eval()]
)
def test_layers_are_the_networks_own_in_order_of_execution(network):
    maps = trace(network, 32)
    traced = [m for m in maps if m.layer is not None]
    assert [m.layer for m in traced] == list(range(1, len(network.layers()) + 1))
    assert [m.channels for m in traced] == [c.out_channels for c in network.layers()]
    assert [maps[m.sources[0]].channels for m in traced] == [
        c.in_channels for c in network.layers()
    ]
    assert sum(m.parameters for m in maps) == sum(p.numel() for p in network.parameters())
    assert {m.activation for m in traced} == {"ReLU"}


def test_steps_of_a_unet_of_depth_one():
    maps = trace(UNet((3,), 5), 8)
    assert [(m.step, m.sources, m.channels, m.size) for m in maps] == [
        ("input", (), 1, (8, 8)),
        ("convolution", (0,), 3, (8, 8)),
        ("convolution", (1,), 3, (8, 8)),
        ("pooling", (2,), 3, (4, 4)),
        ("convolution", (3,), 5, (4, 4)),
        ("convolution", (4,), 5, (4, 4)),
        ("convolution", (5,), 3, (4, 4)),  # before up-sampling, at the lower resolution
        ("convolution", (6,), 3, (4, 4)),
        ("upsampling", (7,), 3, (8, 8)),
        ("concatenation", (8, 0), 4, (8, 8)),  # with the slice itself
        ("convolution", (9,), 1, (8, 8)),
    ]
    head = maps[-1]
    assert (head.kernel, head.activation, head.layer, head.parameters) == (
        (1, 1),
        "sigmoid",
        None,
        5,
    )


def test_tracing_leaves_the_network_as_it_was():
    network = UNet((3,), 5).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace(network, 8)
    assert network.training
    assert all(torch.equal(before[n], value) for n, value in network.state_dict().items())


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(UpwindError, match=r"10 x 10.*divisible"):
        trace(UNet((3, 4), 5), 10)


def test_a_step_without_a_symbol_is_named():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2))
    with pytest.raises(UpwindError, match="avg_pool2d"):
        trace(network, 8)
