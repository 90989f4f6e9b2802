import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from upwind.training.loss import SUM_FLOOR, squared_dsc_loss


def batch(*slices):
    return torch.tensor(slices, dtype=torch.float64)[:, None]


def test_loss_by_hand():
    # First slice: sum((y - p)^2) = 0.25 + 0.01 + 0 + 0.16 = 0.42; sum(y^2) = 2;
    # sum(p^2) = 0.25 + 0.01 + 1 + 0.16 = 1.42. Second: 4 apart of 0 + 4.
    p = batch([[0.5, 0.1], [1.0, 0.4]], [[1.0, 1.0], [1.0, 1.0]])
    y = batch([[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    first = (0.42 + 1e-5) / (2 + 1.42 + 2e-5)
    second = (4 + 1e-5) / (4 + 2e-5)
    assert float(squared_dsc_loss(p, y)) == pytest.approx((first + second) / 2, rel=1e-12)
    assert SUM_FLOOR == 1e-5


def test_perfect_and_empty_slices_are_defined():
    y = batch([[1.0, 0.0], [1.0, 1.0]])
    assert float(squared_dsc_loss(y, y)) == pytest.approx(1e-5 / (6 + 2e-5))
    empty = torch.zeros_like(y)
    assert float(squared_dsc_loss(empty, empty)) == 0.5  # 1e-5 of 2e-5


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_on_masks_it_is_one_minus_dsc(seed):
    generator = torch.Generator().manual_seed(seed)
    p, y = torch.randint(0, 2, (2, 4, 1, 6, 5), generator=generator).double()
    p[:, :, 0, 0] = 1.0  # no empty mask
    overlap, sizes = (p * y).sum((1, 2, 3)), p.sum((1, 2, 3)) + y.sum((1, 2, 3))
    expected = (1 - 2 * overlap / sizes).mean()
    assert float(squared_dsc_loss(p, y)) == pytest.approx(float(expected), abs=1e-5)


def test_gradient_by_hand_and_by_finite_differences():
    generator = torch.Generator().manual_seed(0)
    p = torch.rand((3, 1, 4, 5), generator=generator, dtype=torch.float64).requires_grad_()
    y = (torch.rand((3, 1, 4, 5), generator=generator) > 0.5).double()
    squared_dsc_loss(p, y).backward()
    # d/dp of A / T with A = sum((y-p)^2) + e, T = sum(y^2) + sum(p^2) + 2e, a third of each slice.
    q, over = p.detach(), (1, 2, 3)
    apart = ((y - q) ** 2).sum(over, keepdim=True) + 1e-5
    total = (y**2).sum(over, keepdim=True) + (q**2).sum(over, keepdim=True) + 2e-5
    expected = (2 * (q - y) / total - apart * 2 * q / total**2) / 3
    torch.testing.assert_close(p.grad, expected, rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(lambda v: squared_dsc_loss(v, y), p)


def test_every_slice_counts_the_same_whatever_its_liver():
    generator = torch.Generator().manual_seed(1)
    p = torch.rand((2, 1, 8, 8), generator=generator)
    y = torch.zeros((2, 1, 8, 8))
    y[0, 0, :7] = 1
    y[1, 0, 0, 0] = 1
    alone = [float(squared_dsc_loss(p[i : i + 1], y[i : i + 1])) for i in range(2)]
    assert float(squared_dsc_loss(p, y)) == pytest.approx(sum(alone) / 2, rel=1e-6)
