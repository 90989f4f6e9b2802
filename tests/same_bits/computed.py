"""What the workflow computes, each part small: ``computed.py PART`` prints a JSON object of hashes.

It is run on several processors, whose answers must be the same (``test_processors.py``).
"""

import hashlib
import json
import os
import sys

from upwind.common.same_bits import hold

hold(os.environ)
# qemu 7.2 ends at NumPy's sort for AVX2, which gathers. Sorted numbers have the same bits without;
# the other loops for AVX2 are in the part `arrays`, which sorts nothing.
if sys.argv[1] != "arrays":
    os.environ["NPY_DISABLE_CPU_FEATURES"] += " X86_V3"

import numpy as np  # noqa: E402

SIZE = 32
LSN_STEPS = 10


def digest(*arrays):
    """SHA-256 of arrays' bytes, its first digits."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def digest_of_tensors(tensors):
    """Of all that a network holds, by name."""
    return digest(*(value.numpy() for value in tensors.values()))


def digest_of_table(table):
    """Of a table as it would be written."""
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()[:16]


def arrays():
    """NumPy's and SciPy's own loops, of those that the package calls."""
    from scipy import fft, ndimage, special, stats

    rng = np.random.default_rng(0)
    x = rng.normal(size=10007)
    positive, square, tall = np.abs(x) + 1e-6, rng.normal(size=(200, 200)), x[:4500].reshape(-1, 9)
    volume = rng.normal(size=(20, 24, 28))
    found = {}
    for kind in (np.float64, np.float32):
        y, p, name = x.astype(kind), positive.astype(kind), np.dtype(kind).name
        found |= {
            f"elementary functions, {name}": digest(
                np.exp(y), np.sin(y), np.cos(y), np.tanh(y), np.log(p), np.log2(p), np.sqrt(p)
            ),
            f"powers and angles, {name}": digest(np.hypot(y, p), np.arctan2(y, p), p**1.3),
            f"sums, {name}": digest(y.sum(), y.mean(), y.std(), np.cumsum(y)),
            f"products of matrices, {name}": digest(
                *(a @ a for a in (square.astype(kind), square[:9, :9].astype(kind))),
                tall.astype(kind).T @ tall.astype(kind),
            ),
        }
    gram = tall.T @ tall
    return found | {
        "einsum": digest(np.einsum("ij,ij->i", tall, tall), np.einsum("ij,kj->ik", tall, tall)),
        "svd": digest(*np.linalg.svd(tall, full_matrices=False)),
        "eigenvectors": digest(*np.linalg.eigh(gram)),
        "least squares": digest(np.linalg.lstsq(tall, x[: len(tall)])[0]),
        "inverse": digest(np.linalg.inv(gram), np.linalg.norm(tall, axis=1)),
        "random numbers": digest(x, rng.exponential(size=99), rng.integers(0, 9, 99)),
        "fft": digest(fft.dctn(volume), fft.rfft2(volume), np.fft.rfft2(volume[0])),
        "filters": digest(
            ndimage.gaussian_filter(volume, 1.7),
            ndimage.gaussian_filter(volume.astype(np.float32), 1.7),
            ndimage.zoom(volume, 0.7, order=1),
        ),
        "distances": digest(ndimage.distance_transform_edt(volume > -1)),
        "statistics": digest(
            special.ndtri(np.linspace(0.01, 0.99, 50)), stats.norm.cdf(x[:50]), special.erf(x)
        ),
    }


def networks():
    """Two epochs of either network, in a batch of 16 slices and one of one: torch computes a small
    batch otherwise than a large one. Masks of slices; kernels of the trained UNet."""
    from upwind.kernels.layers import Layer
    from upwind.networks.weights import Recipe
    from upwind.segmentation.predict import segment_slices
    from upwind.training.examples import Examples
    from upwind.training.runs import run_fold
    from upwind.training.settings import TrainingSettings

    rng = np.random.default_rng(0)
    masks = np.zeros((20, SIZE, SIZE), np.uint8)
    masks[:, 8:22, 4:18] = 1
    noise = rng.normal(scale=40, size=masks.shape)
    images = (100 * masks + noise - 20).astype(np.int16)
    some, others = Examples(images[:17], masks[:17]), Examples(images[17:], masks[17:])
    settings = TrainingSettings(epochs=2, batch_size=16, window=(-160, 240), device="cpu")
    steps = {"steps": LSN_STEPS, "disc_radius": 0.2}
    found, trained = {}, {}
    for name, options in (("unet", {}), ("lsn", steps)):
        recipe = Recipe(name, SIZE, settings.window, options=options)
        run = run_fold(recipe, some, others, settings, 0, name)
        trained[name] = run.network
        found |= {
            f"{name}: weights": digest_of_tensors(run.network.state_dict()),
            f"{name}: averaged weights": digest_of_tensors(run.averaged),
            f"{name}: curves": digest_of_table(run.curves.drop(columns="seconds")),
            f"{name}: masks": digest(segment_slices(run.network, images, run.recipe)),
        }
        falling = run_fold(recipe, some, others, settings.changed(rate="falls"), 0, name)
        found[f"{name}: weights, the rate falling"] = digest_of_tensors(
            falling.network.state_dict()
        )
    convolutions = enumerate(trained["unet"].layers()[:4], start=1)
    layers = [Layer(n, f"layer {n}", c.weight.detach().numpy()) for n, c in convolutions]
    return found | _kernels(layers[1:])


def _kernels(layers):
    from upwind.kernels.clustering import cluster

    found = vars(cluster(layers, restarts=3))
    return {f"clustering: {name}": digest_of_table(table) for name, table in found.items()}


def volumes():
    """A level set by both engines that are always there, and scores."""
    from upwind.levelset.engines.engine import Weights
    from upwind.levelset.engines.registry import engine_named
    from upwind.scores.metrics import overlap, surface_scores

    ball = np.sqrt(sum((axis - 12.0) ** 2 for axis in np.ogrid[:24, :26, :28]))
    rng = np.random.default_rng(0)
    speed = np.tanh(9 - ball + rng.normal(scale=0.5, size=ball.shape)).astype(np.float32)
    start, weights = (5 - ball).astype(np.float32), Weights()
    ends = {name: engine_named(name)(speed, start, weights, 30) for name in ("simpleitk", "torch")}
    scores = surface_scores(*(end > 0 for end in ends.values()), (1.0, 1.5, 2.0))
    return {
        **{f"level set by {name}": digest(end) for name, end in ends.items()},
        "scores": digest(*scores.values(), *overlap(*(u > 0 for u in ends.values())).values()),
    }


if __name__ == "__main__":
    print(json.dumps({"arrays": arrays, "networks": networks, "volumes": volumes}[sys.argv[1]]()))
