"""`upwind kernels`, from a file to tables and figures."""

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from upwind.cli import app


@pytest.fixture
def weights(tmp_path):
    random = np.random.default_rng(0)
    tensors = {
        f"layer{n}.conv.weight": random.normal(size=(6, 4, 3, 3)).astype(np.float32)
        for n in range(1, 4)
    }
    tensors["layer4.fixed.weight"] = np.ones((3, 1, 3, 3), np.float32)
    save_file(tensors, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def upwind(*arguments):
    return CliRunner().invoke(app, ["kernels", *map(str, arguments)])


def test_tables_and_figures_of_any_network(weights, tmp_path):
    out = tmp_path / "out"
    result = upwind(weights, "-o", out, "--sample", 100)
    assert result.exit_code == 0, result.output
    assert "4 layers, 75 kernels of 3x3" in result.stderr
    assert "layer4.fixed has too few different kernels" in result.stderr
    assert "Order: of the names" in result.stderr
    assert "Clusters of layer 3/3, " in result.stderr
    assert result.stderr.rstrip().endswith("clustered")  # which says nothing of time left
    questions = [line.partition("?")[0] for line in result.stdout.splitlines()[:5]]
    assert questions == [
        "Are there clusters",
        "How much is derivative",
        "What are kernels nearest to",
        "Are they derivatives of Gaussians",
        "What was left out",
    ]
    assert result.stdout.splitlines()[4].endswith("? nothing")
    assert str(out / "index.html") in result.stdout.splitlines()[5]
    written = {path.name for path in out.iterdir()}
    assert {"kernels.csv", "nearest_shares.csv", "network.csv", "left_out.csv"} <= written
    content = pd.read_csv(out / "content.csv")
    assert content["name"].unique().tolist()[:2] == ["layer1.conv", "layer2.conv"]
    assert content["part"].unique().tolist() == ["all"]
    for name in ("overview", "content", "nearest", "clusters", "cluster_tendency"):
        assert matplotlib.image.imread(out / f"{name}.png").std() > 0.02
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    again = upwind(weights, "-o", out)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_other_sizes_have_a_folder_of_their_own(tmp_path):
    random = np.random.default_rng(0)
    shapes = {"a": (2, 12, 7, 7), "b": (1, 24, 3, 3, 3)}
    tensors = {
        f"{n}.weight": random.normal(size=shape).astype(np.float32) for n, shape in shapes.items()
    }
    save_file(tensors, tmp_path / "net.safetensors")
    out = tmp_path / "out"
    result = upwind(tmp_path / "net.safetensors", "-o", out, "--sample", 100)
    assert result.exit_code == 0, result.output
    assert "2 layers, 24 kernels of 7x7, 24 of 3x3x3" in result.stderr
    assert {path.name for path in out.glob("*.csv")} == {"network.csv", "left_out.csv"}
    seven, cube = ({path.name for path in (out / size).iterdir()} for size in ("7x7", "3x3x3"))
    assert seven - cube == {"gaussian.csv", "gaussian_layers.csv"}
    assert cube < seven
    assert "network.csv" not in seven
    kernels = pd.read_csv(out / "3x3x3/kernels.csv")
    weights = kernels.filter(regex=r"^w\d").to_numpy()
    scale = pd.read_csv(out / "3x3x3/layers.csv")["scale"][0]
    np.testing.assert_allclose(weights * scale, tensors["b.weight"].reshape(24, 27), rtol=1e-5)
    assert (pd.read_csv(out / "7x7/nearest.csv")["layer"] == 1).all()
    for name in ("overview", "clusters"):
        assert matplotlib.image.imread(out / f"7x7/{name}.png").std() > 0.02


def test_what_is_no_network_is_one_message(tmp_path):
    (tmp_path / "a.pt").write_text("nothing")
    result = upwind(tmp_path / "a.pt", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
    assert upwind(tmp_path / "a.pt", "-o", tmp_path / "a.pt").exit_code == 1
