"""Where slices are kept, and that it does not matter to what the network is given."""

import numpy as np
import pytest
import torch

from upwind.data.intensity import rescale
from upwind.training import feeding
from upwind.training.examples import Examples
from upwind.training.feeding import PlacedSlices, batches, fits_on_gpu, place
from upwind.training.settings import TrainingSettings

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(epochs=1, batch_size=4)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def examples(n, seed=0, size=8):
    rng = np.random.default_rng(seed)
    images = rng.integers(-1024, 3000, (n, size, size)).astype(np.int16)
    return Examples(images, rng.integers(0, 2, (n, size, size)).astype(np.uint8))


@pytest.mark.parametrize(
    ("needed", "free", "fits"),
    [(0, 0, True), (50, 100, True), (51, 100, False), (1, 0, False), (5 * 10**9, 24 * 10**9, True)],
)
def test_slices_take_half_of_the_free_memory_at_most(needed, free, fits):
    assert fits_on_gpu(needed, free) is fits


def test_the_share_is_what_is_stated():
    assert fits_on_gpu(75, 100, share=0.75)
    assert not fits_on_gpu(76, 100, share=0.75)


class Gpu:
    """Stands for a CUDA device where there is none."""

    type = "cuda"


@pytest.mark.parametrize(("free", "on_gpu"), [(2 * 7 * 64 * 3, True), (2 * 7 * 64 * 3 - 1, False)])
def test_parts_go_to_the_gpu_together_or_stay_together(free, on_gpu, monkeypatch):
    homes, gpu = [], Gpu()

    class Tensor:
        def to(self, home):
            homes.append(home)
            return self

    monkeypatch.setattr(feeding.torch, "from_numpy", lambda array: Tensor())
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**12))
    place([examples(5), examples(2)], gpu)
    assert homes == [gpu if on_gpu else CPU] * 4


def test_on_the_cpu_nothing_is_copied():
    part = examples(3)
    (placed,) = place([part], CPU)
    part.images[0, 0, 0] = 77
    assert placed.images[0, 0, 0] == 77
    assert len(placed) == 3


def test_batches_are_the_ordered_slices_rescaled():
    part = examples(10)
    order = torch.tensor([9, 0, 3, 3, 7, 1])
    (placed,) = place([part], CPU)
    (first, masks), (second, _) = batches(placed, SETTINGS, order)
    assert [len(first), len(second)] == [4, 2]
    expected = rescale(part.images[[9, 0, 3, 3]].astype(np.float32), SETTINGS.window)
    np.testing.assert_array_equal(first[:, 0].numpy(), expected)
    np.testing.assert_array_equal(masks[:, 0].numpy(), part.masks[[9, 0, 3, 3]])
    assert first.dtype == masks.dtype == torch.float32
    assert first.is_contiguous(memory_format=torch.channels_last)


def test_going_on_skips_the_batches_that_are_done():
    (placed,) = place([examples(10)], CPU)
    order = torch.randperm(10)
    every = list(batches(placed, SETTINGS, order))
    rest = list(batches(placed, SETTINGS, order, first=2))
    assert len(rest) == 1
    assert all(torch.equal(a, b) for a, b in zip(every[2], rest[0], strict=True))
    assert list(batches(placed, SETTINGS, order, first=3)) == []


def test_slices_in_the_hosts_memory_give_the_same_batches(monkeypatch):
    """The path for a GPU that is too small, with a device that is not the slices' own."""
    empty = torch.empty
    monkeypatch.setattr(  # pinned memory needs a GPU
        feeding.torch, "empty", lambda *a, pin_memory, **k: empty(*a, **k)
    )
    part = examples(10)
    kept = PlacedSlices(torch.from_numpy(part.images), torch.from_numpy(part.masks), CPU)
    order = torch.randperm(10)
    direct = list(batches(kept, SETTINGS, order))
    meta = torch.device("meta")
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: self)
    sent = list(batches(PlacedSlices(kept.images, kept.masks, meta), SETTINGS, order))
    for one, other in zip(direct, sent, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@needs_gpu
def test_on_a_gpu_both_ways_give_the_batches_of_the_cpu(monkeypatch):
    part, order = examples(50), torch.randperm(50)
    gpu = torch.device("cuda")
    (on_cpu,), (on_gpu,) = place([part], CPU), place([part], gpu)
    monkeypatch.setattr(feeding, "fits_on_gpu", lambda needed, free: False)
    (in_host,) = place([part], gpu)
    assert on_gpu.images.is_cuda
    assert not in_host.images.is_cuda
    for batch in zip(
        *(batches(s, SETTINGS, order) for s in (on_cpu, on_gpu, in_host)), strict=True
    ):
        for tensors in zip(*batch, strict=True):
            first, *others = (tensor.cpu() for tensor in tensors)
            assert all(torch.equal(first, other) for other in others)
