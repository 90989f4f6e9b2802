"""torch.compile: the same network, or one clear message."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from upwind.common.errors import UpwindError
from upwind.training.compilation import compile_network

IMAGES, MASKS = torch.randn(2, 1, 4, 4), torch.ones(2, 1, 4, 4)


class Network(nn.Module):
    """A network that takes note of how it is compiled instead of being compiled."""

    def __init__(self, failure=None):
        super().__init__()
        self.layer, self.failure = nn.Conv2d(1, 1, 1), failure

    def compile(self, **options):
        self.options = options

    def forward(self, slices):
        self.half = torch.is_autocast_enabled("cpu")
        if self.failure is not None:
            raise self.failure
        return torch.sigmoid(self.layer(nn.functional.dropout(slices, 0.5)))


def test_trying_it_out_changes_neither_weights_nor_random_numbers():
    network = Network()
    before = [p.detach().clone() for p in network.parameters()]
    random = torch.get_rng_state()
    compile_network(network, IMAGES, MASKS, "float32")
    assert network.options == {"dynamic": False}
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(p.grad is None for p in network.parameters())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(("precision", "half"), [("float32", False), ("bfloat16", True)])
def test_it_is_tried_out_in_the_precision_of_training(precision, half):
    network = Network()
    compile_network(network, IMAGES, MASKS, precision)
    assert network.half is half


@pytest.mark.parametrize("text", ["No working C++ compiler found in\nmany places", ""])
def test_where_torch_cannot_compile_it_says_what_is_missing(text):
    with pytest.raises(UpwindError, match=r"training\.compile: .*RuntimeError.*g\+\+.*to false"):
        compile_network(Network(RuntimeError(text)), IMAGES, MASKS, "float32")


def test_too_little_memory_is_not_taken_for_a_missing_compiler():
    with pytest.raises(torch.OutOfMemoryError):
        compile_network(Network(torch.OutOfMemoryError("full")), IMAGES, MASKS, "float32")


WITHOUT_COMPILER = """
import torch
from upwind.common.errors import UpwindError
from upwind.training.compilation import compile_network
class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)
    def forward(self, slices):
        return torch.sigmoid(2 * self.layer(slices))
try:
    compile_network(Network(), torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), "float32")
except UpwindError as error:
    print(error)
"""


def test_a_missing_compiler_is_named(tmp_path):
    environment = os.environ | {"CXX": "/no/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", WITHOUT_COMPILER]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "training.compile: torch cannot compile here" in result.stdout
    assert "/no/compiler" in result.stdout
