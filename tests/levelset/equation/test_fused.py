"""The fused steps against the plain definition, forwards and backwards."""

import os
import subprocess
import sys
import tracemalloc

import pytest
import torch

from upwind.levelset.equation import fused, scheme

NAMES = ("u", *scheme.Fields._fields, "stencils")


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def example(shape, dtype, seed=0):
    """u, the four fields and disturbed stencils: everything that a gradient can flow to."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=generator, dtype=torch.float64)

    speed, velocity_x, velocity_y = (torch.tanh(normal(*shape)) for _ in range(3))
    curvature = torch.rand(shape, generator=generator, dtype=torch.float64) * 0.2
    stencils = scheme.finite_differences(torch.float64) + 0.05 * normal(9, 3, 3)
    tensors = (normal(*shape), speed, velocity_x, velocity_y, curvature, stencils)
    return [tensor.to(dtype).requires_grad_() for tensor in tensors]


def run(evolve, tensors, steps, dt=0.2):
    """u after the steps, and the gradients of a sum with fixed random weights."""
    tensors = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    u, *fields, stencils = tensors
    later = evolve(u, scheme.Fields(*fields), stencils, dt, steps)
    weights = torch.randn(later.shape, generator=torch.Generator().manual_seed(1)).to(later.dtype)
    gradients = torch.autograd.grad((later * weights).sum(), tensors)
    return later.detach(), gradients


def relative(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("shape", [(2, 12, 12), (3, 9, 14), (1, 15, 6), (2, 1, 5)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_fused_equals_the_plain_scheme_with_every_gradient(shape, dtype, tolerance):
    tensors = example(shape, dtype)
    ours, our_gradients = run(fused.evolve, tensors, steps=6)
    theirs, their_gradients = run(scheme.evolve, tensors, steps=6)
    assert ours.dtype == dtype
    assert relative(ours, theirs) < tolerance
    for name, mine, reference in zip(NAMES, our_gradients, their_gradients, strict=True):
        assert mine.shape == reference.shape, name
        assert mine.dtype == dtype, name
        # A gradient in single precision sums over pixels and steps.
        assert relative(mine, reference) < (tolerance if dtype == torch.float64 else 1e-4), name


def test_forty_steps_of_a_disc_as_in_the_network():
    shape = (2, 32, 32)
    _, *fields, _ = example(shape, torch.float32)
    smooth = [torch.nn.functional.avg_pool2d(f, 5, 1, 2) for f in fields]
    u = scheme.signed_distance_to_disc(32, (12, 20), 6.0).expand(shape)
    tensors = (u, *smooth, scheme.finite_differences())
    ours, our_gradients = run(fused.evolve, tensors, steps=40, dt=0.5)
    theirs, their_gradients = run(scheme.evolve, tensors, steps=40, dt=0.5)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    for name, mine, reference in zip(NAMES, our_gradients, their_gradients, strict=True):
        assert relative(mine, reference) < 1e-3, name


@pytest.mark.parametrize("evolve", [fused.evolve, scheme.evolve], ids=["fused", "plain"])
def test_where_nothing_moves_gradients_are_those_of_moving_backwards(evolve):
    """At a speed or velocity of 0 the scheme has a kink. Both paths, CPU's and GPU's, take the side
    below 0: the derivative by the velocity is the backward difference, by the speed the gradient of
    shrinkage. On whole numbers these are exact."""
    numbers = torch.randint(-9, 10, (2, 7, 6), generator=torch.Generator().manual_seed(0))
    u, zero = numbers.double(), torch.zeros(2, 7, 6, dtype=torch.float64)
    fields = [zero.clone().requires_grad_() for _ in scheme.Fields._fields]
    stencils = scheme.finite_differences(torch.float64)
    later = evolve(u, scheme.Fields(*fields), stencils, 0.5, 1)
    by_speed, by_x, by_y, _ = torch.autograd.grad(later.sum(), fields)
    assert torch.equal(by_x, 0.5 * u.diff(dim=2, prepend=u[:, :, :1]))
    assert torch.equal(by_y, 0.5 * u.diff(dim=1, prepend=u[:, :1]))
    shrinking = scheme.Fields(zero - 1, zero, zero, zero)
    smaller = scheme.step(u, shrinking, stencils, 0.5)
    torch.testing.assert_close(by_speed, u - smaller, rtol=1e-14, atol=1e-14)


def test_gradcheck_in_double_precision():
    u, *fields, stencils = example((2, 4, 5), torch.float64, seed=3)

    def evolve(u, speed, velocity_x, velocity_y, curvature, stencils):
        fields = scheme.Fields(speed, velocity_x, velocity_y, curvature)
        return fused.evolve(u, fields, stencils, 0.2, 3)

    assert torch.autograd.gradcheck(evolve, (u, *fields, stencils), eps=1e-7, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_do_not_depend_on_the_number_of_threads(dtype):
    tensors = example((5, 16, 11), dtype)
    torch.set_num_threads(1)
    one, one_gradients = run(fused.evolve, tensors, steps=8)
    torch.set_num_threads(2)
    two, two_gradients = run(fused.evolve, tensors, steps=8)
    assert torch.equal(one, two)
    for name, a, b in zip(NAMES, one_gradients, two_gradients, strict=True):
        assert torch.equal(a, b), name


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch():
    u, *fields, stencils = (t.detach() for t in example((3, 8, 8), torch.float32))
    together = fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, 5)
    alone = fused.evolve(u[1:2], scheme.Fields(*(f[1:2] for f in fields)), stencils, 0.2, 5)
    assert torch.equal(together[1:2], alone)


def test_inputs_are_left_alone_and_no_step_changes_nothing():
    tensors = [t.detach() for t in example((2, 6, 6), torch.float32)]
    before = [t.clone() for t in tensors]
    u, *fields, stencils = tensors
    fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, 4)
    for tensor, kept in zip(tensors, before, strict=True):
        assert torch.equal(tensor, kept)
    assert torch.equal(fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, 0), u)


def test_expanded_and_transposed_tensors_give_the_same_as_their_copies():
    _, *fields, stencils = (t.detach() for t in example((2, 6, 6), torch.float64))
    views = scheme.Fields(*(f.transpose(1, 2).contiguous().transpose(1, 2) for f in fields))
    disc = scheme.signed_distance_to_disc(6, (2, 3), 2.0, torch.float64)
    ours = fused.evolve(disc.expand(2, 6, 6), views, stencils, 0.2, 3)
    copies = fused.evolve(disc.repeat(2, 1, 1), scheme.Fields(*fields), stencils, 0.2, 3)
    assert torch.equal(ours, copies)


@pytest.mark.parametrize("which", range(6))
def test_what_is_not_a_number_is_not_hidden(which):
    tensors = [t.detach().clone() for t in example((2, 6, 6), torch.float32)]
    tensors[which].view(-1)[0] = float("nan")
    u, *fields, stencils = tensors
    later = fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, 3)
    assert later[0].isnan().any()
    if NAMES[which] != "stencils":
        assert torch.isfinite(later[1]).all()


def test_tensors_that_do_not_fit_each_other_are_refused():
    u, *fields, stencils = (t.detach() for t in example((2, 6, 6), torch.float32))
    with pytest.raises(ValueError, match="shape"):
        fused.evolve(u[:, :4], scheme.Fields(*fields), stencils, 0.2, 3)
    with pytest.raises(ValueError, match="shape"):
        fused.evolve(u, scheme.Fields(*fields), stencils[:8], 0.2, 3)
    with pytest.raises(ValueError, match="dtype"):
        fused.evolve(u.double(), scheme.Fields(*fields), stencils, 0.2, 3)


@pytest.mark.parametrize("steps", [1, fused._BLOCK, 2 * fused._BLOCK + 3])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_few_steps_are_kept_and_every_bit_is_the_same(mode, steps, monkeypatch):
    u, *fields, stencils = example((2, 9, 14), torch.float32)
    expected = fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, steps).detach()
    kept, forward = [], fused._forward

    def counting(first, last, history, *given):
        kept.append(len(history) - 1)
        forward(first, last, history, *given)

    monkeypatch.setattr(fused, "_forward", counting)
    with mode():
        found = fused.evolve(u, scheme.Fields(*fields), stencils, 0.2, steps)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert max(kept) <= fused._BLOCK
    assert sum(kept) == 2 * steps  # of two images


@pytest.mark.parametrize("kept_steps", [1, 2, 5, 12, 40])
def test_few_kept_steps_change_no_bit(kept_steps):
    tensors = example((2, 9, 14), torch.float32)

    def frugal(u, fields, stencils, dt, steps):
        return fused.evolve(u, fields, stencils, dt, steps, kept_steps)

    found, by = run(frugal, tensors, steps=37)
    expected, by_all = run(fused.evolve, tensors, steps=37)
    assert torch.equal(found, expected)
    for name, one, other in zip(NAMES, by, by_all, strict=True):
        assert torch.equal(one, other), name


def peak_images(steps, kept_steps):
    """Most memory that the steps and the way back take at once, in images."""
    tensors = example((1, 40, 40), torch.float32)

    def evolve(*given):
        return fused.evolve(*given, kept_steps)

    run(evolve, tensors, steps=2)  # compiles
    tracemalloc.start()
    run(evolve, tensors, steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (42 * 42 * 4)


def test_kept_steps_bound_the_memory_whatever_the_number_of_steps():
    few, many = (peak_images(steps, 16) for steps in (64, 1024))
    assert many == pytest.approx(few, rel=0.1)
    assert few < 16 + fused._BLOCK + 40  # the fields' gradients and what a step needs
    assert peak_images(1024, None) > 1024


TRAIN = """
import hashlib
import torch
from upwind.levelset.equation import fused, scheme
generator = torch.Generator().manual_seed(0)
draw = lambda: (2 * torch.rand((3, 32, 32), generator=generator) - 1)
u = scheme.signed_distance_to_disc(32, (15, 14), 5.0).expand(3, -1, -1).clone()
fields = scheme.Fields(*(f.requires_grad_() for f in (draw(), draw(), draw(), draw().abs())))
stencils = scheme.finite_differences().requires_grad_()
out = fused.evolve(u, fields, stencils, 0.1, 20)
found = [out, *torch.autograd.grad(out.square().mean(), [*fields, stencils])]
print(hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in found)).hexdigest())
"""


def test_the_same_bits_when_compiled_now_and_when_loaded_from_an_earlier_run(tmp_path):
    """The first training on a machine compiles, the others load what it compiled."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", TRAIN]
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert list(tmp_path.rglob("*.nbi"))
    assert runs[0] == runs[1]
