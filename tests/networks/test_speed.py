"""The speed network: what it sees, and what it is alone."""

import numpy as np
import pytest
import torch

from upwind.common.errors import UpwindError
from upwind.networks.lsn import LSN
from upwind.networks.speed import SpeedAlone, SpeedNetwork, start_of

DISC = (0.5, 0.4, 0.2)


def test_a_speed_sees_31_pixels_with_the_default_dilations():
    network = SpeedNetwork(4, (1, 2, 4, 8), sees_start=False).double()
    slices = torch.rand((1, 1, 48, 48), dtype=torch.float64).requires_grad_()
    network(slices, torch.zeros(48, 48))[0, 24, 24].backward()
    rows, columns = torch.nonzero(slices.grad[0, 0], as_tuple=True)
    assert rows.min() >= 24 - 15
    assert rows.max() <= 24 + 15
    assert columns.min() >= 24 - 15
    assert columns.max() <= 24 + 15


def test_where_the_contour_starts_is_seen_where_it_should_be():
    slices = torch.zeros((2, 1, 32, 32))
    blind, seeing = (SpeedNetwork(4, (1, 2), sees) for sees in (False, True))
    here, there = start_of((0.3, 0.3, 0.1), 32), start_of((0.7, 0.6, 0.1), 32)
    assert torch.equal(blind(slices, here), blind(slices, there))
    assert not torch.equal(seeing(slices, here), seeing(slices, there))
    assert seeing(slices, here).shape == (2, 32, 32)


def test_alone_it_has_the_parameters_of_the_lsns_speed():
    alone = SpeedAlone(DISC, sees_start=True)
    part = LSN(DISC, sees_start=True).speed
    shapes = [{n: p.shape for n, p in module.named_parameters()} for module in (alone.speed, part)]
    assert shapes[0] == shapes[1]
    probability = alone(torch.zeros((2, 1, 32, 32)))
    assert probability.shape == (2, 1, 32, 32)
    assert ((probability > 0) & (probability < 1)).all()


def test_alone_it_takes_the_options_of_the_lsns_speed():
    masks = np.zeros((2, 32, 32), np.uint8)
    masks[:, 8:16, 4:12] = 1
    given = {
        "steps": 56,
        "channels": 4,
        "dilations": [1, 2],
        "sees_start": True,
        "disc_radius": 0.1,
    }
    options = SpeedAlone.options_from(given, masks)
    assert options.keys() == {"disc", "channels", "dilations", "sees_start"}
    assert options["disc"] == (12 / 32, 8 / 32, 0.1)
    SpeedAlone(**options)


def test_the_first_weights_are_those_of_he_or_torchs_own():
    """He et al. (2015): a standard deviation of sqrt(2 / fan in), and no bias."""
    torch.manual_seed(0)
    he = SpeedNetwork(64, (1, 2), sees_start=False).convolutions[1]
    assert float(he.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert not he.bias.any()
    torch.manual_seed(3)
    first = SpeedNetwork(4, (1,), False, initial_weights="torch").convolutions[0]
    torch.manual_seed(3)
    plain = torch.nn.Conv2d(1, 4, 3, padding=1)
    assert torch.equal(first.weight, plain.weight)
    assert torch.equal(first.bias, plain.bias)
    with pytest.raises(UpwindError, match=r"lsn\.initial_weights: 'zero'; choose from"):
        SpeedNetwork(4, (1,), False, initial_weights="zero")


def test_training_works_in_place_with_the_same_bits():
    torch.manual_seed(0)
    network = SpeedNetwork(4, (1, 2), sees_start=True)
    slices, start = torch.rand((2, 1, 16, 16)), start_of(DISC, 16)

    def computed():
        network.zero_grad()
        speed = network(slices, start)
        speed.square().sum().backward()
        return speed, [parameter.grad for parameter in network.parameters()]

    network.eval()
    apart, gradients_apart = computed()
    network.train()
    in_place, gradients_in_place = computed()
    assert torch.equal(apart, in_place)
    assert all(map(torch.equal, gradients_apart, gradients_in_place))
