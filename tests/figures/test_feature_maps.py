import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from upwind.common.errors import UpwindError
from upwind.figures.feature_maps import feature_maps
from upwind.networks.unet import KERNELS, UNet

STEPS = {
    "conv2d": "convolution",
    "max_pool2d": "pooling",
    "interpolate": "upsampling",
    "cat": "concatenation",
}
ACTIVATIONS = {"relu": "ReLU", "sigmoid": "sigmoid"}


class ForwardPass(TorchFunctionMode):
    """What a forward pass does to the feature maps, as (step, sources, shape, kernel, activation)
    for each; of other precisions and of what makes weights it takes no notice."""

    def __init__(self, slices):
        super().__init__()
        self.maps = [["input", (), tuple(slices.shape[1:]), (), ""]]
        self.tensors = [slices]

    def index(self, tensor):
        return next((i for i, known in enumerate(self.tensors) if known is tensor), None)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        made = function(*args, **kwargs)
        read = args[0] if isinstance(args[0], list | tuple) else args[:1]
        sources = tuple(self.index(tensor) for tensor in read)
        if not isinstance(made, torch.Tensor) or None in sources:
            return made
        name = function.__name__
        if name in STEPS:
            self.tensors.append(made)
            kernel = {
                "conv2d": lambda: tuple(args[1].shape[2:]),
                "max_pool2d": lambda: (args[1], args[1]),
                "interpolate": lambda: (int(kwargs["scale_factor"]),) * 2,
                "cat": tuple,
            }[name]()
            self.maps.append([STEPS[name], sources, tuple(made.shape[1:]), kernel, ""])
        else:  # acts on the feature map before it
            (source,) = sources
            self.tensors[source] = made
            if name != "to":
                self.maps[source][4] = ACTIVATIONS[name]
        return made


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("filters", [((3,), 5), ((3, 5), 7), ((16, 16, 16, 32), 64)])
def test_they_are_those_of_a_forward_pass(filters, kernels):
    network, slices = UNet(*filters, kernels=kernels), torch.zeros(1, 1, 32, 32)
    with torch.no_grad(), ForwardPass(slices) as done:
        network(slices)
    drawn = feature_maps(network, 32)
    assert [[m.step, m.sources, (m.channels, *m.size), m.kernel, m.activation] for m in drawn] == (
        done.maps
    )


@pytest.mark.parametrize("kernels", KERNELS)
def test_every_part_that_learns_is_a_convolution_that_is_drawn(kernels):
    network, ran = UNet((3, 5), 7, kernels), []
    for module in network.modules():
        if list(module.parameters(recurse=False)):
            module.register_forward_hook(lambda module, _, made: ran.append((module, made.shape)))
    network(torch.zeros(1, 1, 32, 32))
    drawn = [m for m in feature_maps(network, 32) if m.step == "convolution"]
    assert [module for module, _ in ran] == [*network.layers(), network.head]
    assert [shape for _, shape in ran] == [(1, m.channels, *m.size) for m in drawn]


@pytest.mark.parametrize(
    "network", [UNet(), UNet((3, 5), 7).to(memory_format=torch.channels_last).eval()]
)
def test_layers_are_the_networks_own_in_order_of_execution(network):
    maps = feature_maps(network, 32)
    numbered = [m for m in maps if m.layer is not None]
    assert [m.layer for m in numbered] == list(range(1, len(network.layers()) + 1))
    assert [m.channels for m in numbered] == [c.out_channels for c in network.layers()]
    assert [maps[m.sources[0]].channels for m in numbered] == [
        c.in_channels for c in network.layers()
    ]
    assert {m.activation for m in numbered} == {"ReLU"}


def test_steps_of_a_unet_of_depth_one():
    maps = feature_maps(UNet((3,), 5), 8)
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
    assert (head.kernel, head.activation, head.layer) == ((1, 1), "sigmoid", None)


def test_drawing_leaves_the_network_as_it_was():
    network = UNet((3,), 5).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    feature_maps(network, 8)
    assert network.training
    assert all(torch.equal(before[n], value) for n, value in network.state_dict().items())


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(UpwindError, match=r"10 x 10.*divisible"):
        feature_maps(UNet((3, 4), 5), 10)


class Averaging(UNet):
    def forward(self, slices):
        return nn.functional.avg_pool2d(super().forward(slices), 2)


@pytest.mark.parametrize("network", [nn.Sequential(nn.Conv2d(1, 2, 3)), Averaging((3, 4), 5)])
def test_a_network_that_it_cannot_draw_is_named(network):
    with pytest.raises(UpwindError, match=rf"draws a UNet.*{type(network).__name__}"):
        feature_maps(network, 8)
