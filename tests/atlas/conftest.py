"""A small network with everything that its atlas is made of."""

import runpy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from upwind.atlas.network import Clustered, read_clustered
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.kernels.clustering import cluster
from upwind.kernels.unet import unet_layers
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights

REPOSITORY = Path(__file__).resolve().parents[2]
SIZE, CASES, DEPTH = 16, (3, 5, 8), 6
EFFECT = ("dsc", "change", "low", "high", "kernels", "relative_norm")
REPLACEMENTS = ("centroid", "nearest", "shuffled")


@dataclass(frozen=True)
class Made:
    """Files of a small experiment by name, and its cases."""

    folder: Path
    kernels: pd.DataFrame
    split: pd.DataFrame
    scores: pd.DataFrame
    replacements: pd.DataFrame

    @property
    def weights(self):
        return self.folder / "weights.safetensors"

    @property
    def slices(self):
        return [self.folder / f"case-{case}.safetensors" for case in CASES]

    def clustered(self):
        """Read anew: a test may change its weights."""
        return read_clustered(self.weights, self.kernels, 0.5)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Ten layers of an untrained UNet, and three patients of six slices with liver in five."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    options = {"level_filters": [4, 4], "bottom_filters": 8}
    network = UNet(**options)
    # Near the middle of the sigmoid, so that a change of weights changes the mask.
    torch.nn.init.zeros_(network.head.bias)
    recipe = Recipe("unet", SIZE, (-100.0, 400.0), options=options)
    save_weights(folder / "weights.safetensors", network, recipe)
    clustering = cluster(unet_layers(folder / "weights.safetensors"), restarts=2)
    rng = np.random.default_rng(0)
    for case in CASES:
        label = np.zeros((DEPTH, SIZE, SIZE), np.uint8)
        label[1:, 3:9, 2 : case + 4] = 1
        image = np.where(label > 0, 150, -20) + rng.normal(0, 30, label.shape)
        bearing = (np.arange(DEPTH) > 0).astype(np.uint8)
        slices = Slices(case, Grid((SIZE, SIZE, DEPTH), np.eye(4)), image.astype(np.int16), label,
                        bearing)  # fmt: skip
        write_slices(folder / f"case-{case}.safetensors", slices)
    parts = {z: "heldout" if z in (2, 4) else "train" for z in range(1, DEPTH)}
    rows = [("all", case, z, part) for case in CASES for z, part in parts.items()]
    dsc = [("unet", 0, case, "unseen", 0.9 - case / 100) for case in CASES]
    replaced = [
        (layer, name, 0.8 - n / 10, -0.05 - n / 10, -0.1 - n / 10, -n / 10, 16, 0.3 + n / 10, 5)
        for layer in (*map(str, range(1, 11)), "all")
        for n, name in enumerate(REPLACEMENTS)
    ]
    return Made(
        folder,
        clustering.kernels,
        pd.DataFrame(rows, columns=["fold", "case", "slice", "part"]),
        pd.DataFrame(dsc, columns=["method", "fold", "case", "subset", "dsc"]),
        pd.DataFrame(replaced, columns=["layer", "replacement", *EFFECT, "folds"]),
    )


@pytest.fixture
def constrained_and_free():
    """A UNet whose kernels are kept at mean zero, clustered, and a free one of the same kernels."""
    torch.manual_seed(1)
    options = {"level_filters": [4, 4], "bottom_filters": 8}
    networks = UNet(**options, kernels="mean_zero"), UNet(**options)
    for network in networks:
        torch.nn.init.zeros_(network.head.bias)
    networks[1].load_state_dict(networks[0].state_dict(), strict=False)
    recipe = Recipe("unet", SIZE, (-100.0, 400.0), options=options)
    rng = np.random.default_rng(1)
    shapes = [layer.weight.shape[:2] for layer in networks[0].layers()]
    clusters = [rng.integers(1, 3, shape) for shape in shapes]
    return [Clustered(network, recipe, network.layers(), clusters) for network in networks]


@pytest.fixture(scope="session")
def run_script(tmp_path_factory):
    """A function of a script's name and Snakemake's input, output and params that runs it."""

    def run(name, given, output, params):
        folder = tmp_path_factory.mktemp(name)
        job = SimpleNamespace(
            input=SimpleNamespace(**given),
            output=SimpleNamespace(**output),
            params=SimpleNamespace(**params),
            log=[str(folder / "log.txt")],
        )
        path = REPOSITORY / "workflow/scripts" / f"{name}.py"
        runpy.run_path(str(path), init_globals={"snakemake": job})

    return run


@pytest.fixture(scope="session")
def draw(made, run_script, tmp_path_factory):
    """A function of settings that makes the atlas with the workflow's own scripts: its text."""
    folder = tmp_path_factory.mktemp("drawn")
    tables = {}
    for name in ("kernels", "split", "scores", "replacements"):
        tables[name] = folder / f"{name}.csv"
        getattr(made, name).to_csv(tables[name], index=False)
    given = {"weights": made.weights, "slices": made.slices, **tables, "scores": [tables["scores"]]}
    given["effects"] = folder / "effects.csv"
    common = {"threshold": 0.5, "cpu_threads": 1}
    measured = {"removed": "zero", "most_slices": 4, "device": "cpu", "resamples": 100}
    run_script(
        "measure_clusters",
        given,
        {"effects": given["effects"]},
        {**common, **measured, "confidence": 0.95, "seed": 0},
    )
    settings = {"experiment": "tiny", "fold": "all", "case": "median", "slice": "middle"}

    def make(**own):
        page = folder / "index.html"
        run_script("draw_atlas", given, {"page": page}, {**common, "pixels": 64, **settings, **own})
        return page.read_text(encoding="utf-8")

    return make


@pytest.fixture(scope="session")
def atlas(draw, tmp_path_factory):
    """Path of a small atlas."""
    path = tmp_path_factory.mktemp("atlas") / "index.html"
    path.write_text(draw(), encoding="utf-8")
    return path
