"""Averaged weights against what they are defined to be."""

import numpy as np
import pytest
import torch
from torch import nn

from upwind.training.averaging import AveragedWeights, decay_at, snapshot


def test_the_decay_grows_to_its_setting():
    assert [decay_at(update, 0.97) for update in (1, 2, 10)] == [2 / 11, 3 / 12, 11 / 20]
    assert decay_at(289, 0.97) < 0.97
    assert decay_at(291, 0.97) == decay_at(10**6, 0.97) == 0.97
    assert decay_at(1, 0.0) == 0.0


def moved(network, generator):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn(parameter.shape, generator=generator)


def test_it_is_the_moving_average_of_all_weights():
    generator = torch.Generator().manual_seed(0)
    network = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)
    averaged = AveragedWeights(network, 0.9)
    expected = network.weight.detach().double().numpy()
    for update in range(1, 200):
        moved(network, generator)
        averaged.add(update)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * network.weight.detach().double().numpy()
    np.testing.assert_allclose(averaged.values["weight"], expected, rtol=1e-4, atol=1e-5)


def test_weights_that_stand_still_are_their_average_to_the_bit():
    network = nn.Conv2d(2, 3, 3)
    averaged = AveragedWeights(network, 0.97)
    for update in range(1, 50):
        averaged.add(update)
    assert all(torch.equal(averaged.values[n], v) for n, v in network.state_dict().items())


def test_without_a_decay_it_is_the_last_weights():
    network = nn.Linear(4, 2)
    averaged = AveragedWeights(network, 0.0)
    moved(network, torch.Generator().manual_seed(0))
    averaged.add(1)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(averaged.values[name], value)


def test_running_means_are_averaged_and_counts_are_the_networks_own():
    network = nn.BatchNorm2d(2)
    averaged = AveragedWeights(network, 0.97)
    network(torch.ones(4, 2, 3, 3))
    averaged.add(1)
    assert averaged.values["num_batches_tracked"] == 1
    # 0 before and 0.1 after the batch, with a decay of 2 / 11.
    np.testing.assert_allclose(averaged.values["running_mean"], 0.1 * 9 / 11, rtol=1e-6)


def test_the_network_is_left_alone():
    network = nn.Linear(4, 2)
    before = snapshot(network)
    averaged = AveragedWeights(network, 0.97)
    averaged.add(1)
    averaged.values["weight"].zero_()
    assert all(torch.equal(before[name], v) for name, v in network.state_dict().items())


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_what_is_restored_keeps_the_networks_layout(memory_format):
    network = nn.Conv2d(3, 5, 3).to(memory_format=memory_format)
    averaged = AveragedWeights(network, 0.97)
    averaged.restore({name: v.contiguous() + 1 for name, v in network.state_dict().items()})
    assert averaged.values["weight"].stride() == network.weight.stride()
    torch.testing.assert_close(averaged.values["weight"], network.weight.detach() + 1)
