"""Networks of other packages, saved as they are: every convolution once, whatever it is called."""

import numpy as np
import pytest
import torch
from torch import nn

from upwind.kernels.files.reading import read_network
from upwind.kernels.sizes import SIZES


def assert_its_convolutions(network, path):
    """The file's layers are the network's convolutions, but for those of single points and of other
    sizes, in the order in which their parameters are registered."""
    torch.save({"network_weights": network.state_dict()}, path)
    layers = read_network(path).layers
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    convolutions = [m for m in modules if m.kernel_size in SIZES]
    assert len(convolutions) > 5
    assert len(layers) == len(convolutions)
    kept = {layer.weights.tobytes() for layer in layers}
    assert kept == {np.asarray(m.weight.detach()).tobytes() for m in convolutions}


def test_nnunets_network(tmp_path):
    unet = pytest.importorskip(
        "dynamic_network_architectures.architectures.unet", reason="nnU-Net's networks are missing"
    )
    network = unet.PlainConvUNet(
        1, 4, [4, 8, 16, 16], nn.Conv2d, 3, [1, 2, 2, 2], 2, 3, 2, nonlin=nn.ReLU
    )
    names = len(network.state_dict())
    assert_its_convolutions(network, tmp_path / "checkpoint_final.pth")
    assert names > 2 * len(list(network.parameters()))  # many names for one parameter


def test_monais_network(tmp_path):
    nets = pytest.importorskip("monai.networks.nets", reason="MONAI is not installed")
    network = nets.BasicUNet(spatial_dims=2, features=(4, 4, 8, 8, 16, 4))
    assert_its_convolutions(network, tmp_path / "model.pt")


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto"])
def test_timms_network(name, tmp_path):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    network = timm.create_model(name, pretrained=False)
    assert_its_convolutions(network, tmp_path / "model.pth.tar")


def test_torchvisions_network(tmp_path):
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    assert_its_convolutions(models.resnet18(), tmp_path / "resnet18.pth")
