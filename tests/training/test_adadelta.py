import copy

import numpy as np
import pytest
import torch

from upwind.training.adadelta import Adadelta

LR, RHO, EPSILON = 0.7, 0.95, 1e-7


def weights(shapes=((16, 1, 3, 3), (16,), ())):
    """Random weights with gradients, the same each time."""
    torch.manual_seed(0)
    made = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    for weight in made:
        weight.grad = torch.randn_like(weight)
    return made


def steps(optimiser, parameters, count):
    for number in range(count):
        for weight in parameters:
            weight.grad = torch.sin(weight.detach() + number)
        optimiser.step()


def test_the_first_step_is_zeilers_formula():
    weight = torch.nn.Parameter(torch.tensor([2.0, -1.0]))
    weight.grad = torch.tensor([0.5, 0.0])
    Adadelta([weight], LR, RHO, EPSILON).step()
    moved = LR * 0.5 * np.sqrt(EPSILON) / np.sqrt((1 - RHO) * 0.25 + EPSILON)
    assert weight.tolist() == pytest.approx([2 - moved, -1], rel=1e-7)


def test_it_is_torchs_own_but_for_rounding():
    ours, theirs = weights(), weights()
    steps(Adadelta(ours, LR, RHO, EPSILON), ours, 50)
    steps(torch.optim.Adadelta(theirs, LR, RHO, EPSILON, foreach=True), theirs, 50)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_every_operation_is_one_that_ieee_754_rounds():
    """In NumPy, whose square root is the processor's instruction, a step has the same bits."""
    (weight,) = weights([(1000,)])
    before, gradient = weight.detach().numpy().copy(), weight.grad.numpy()
    rho, rest, epsilon = (np.float32(number) for number in (RHO, 1 - RHO, EPSILON))
    Adadelta([weight], 1.0, RHO, EPSILON).step()
    squares = np.float32(0) * rho + rest * gradient * gradient
    root = np.float32(1) / np.sqrt((squares + epsilon) / epsilon)
    np.testing.assert_array_equal(weight.detach().numpy(), before - root * gradient)


def test_a_weight_without_gradient_stays_and_has_no_state():
    moving, fixed = weights([(3,), (3,)])
    fixed.grad = None
    before = fixed.detach().clone()
    optimiser = Adadelta([moving, fixed], LR, RHO, EPSILON)
    optimiser.step()
    assert torch.equal(fixed, before)
    assert list(optimiser.state_dict()["state"]) == [0]


def test_its_state_goes_on_from_torchs_own():
    ours = weights()
    theirs = copy.deepcopy(ours)
    first = torch.optim.Adadelta(theirs, LR, RHO, EPSILON, foreach=True)
    steps(first, theirs, 3)
    second = Adadelta(ours, LR, RHO, EPSILON)
    second.load_state_dict(
        {**second.state_dict(), "state": copy.deepcopy(first.state_dict()["state"])}
    )
    for a, b in zip(ours, theirs, strict=True):
        a.data.copy_(b)
    steps(first, theirs, 3)
    steps(second, ours, 3)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_layouts_are_kept():
    weight = torch.nn.Parameter(torch.randn(4, 4, 3, 3).to(memory_format=torch.channels_last))
    weight.grad = torch.randn_like(weight)
    optimiser = Adadelta([weight], LR, RHO, EPSILON)
    optimiser.step()
    for value in optimiser.state[weight].values():
        assert value.is_contiguous(memory_format=torch.channels_last)
