"""Engines by name, and that they end in the same segmentations."""

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data.labels import read_liver
from upwind.data.volumes import Grid, Volume, read_volume
from upwind.levelset import comparison
from upwind.levelset.engines import convert3d, narrow_band
from upwind.levelset.engines.engine import Weights
from upwind.levelset.engines.registry import ENGINES, engine_named
from upwind.levelset.equation import scheme
from upwind.levelset.itk_snap.bubble import bubble_in
from upwind.levelset.itk_snap.evolution import dice
from upwind.levelset.itk_snap.region import region_around
from upwind.levelset.itk_snap.search import propose
from upwind.levelset.itk_snap.trials import EDGE_EQUATIONS, Trial, trial_speed
from upwind.phantom.write import write_patient
from upwind.settings.levelset import OperatorSettings

LITS_MINI = Path(__file__).resolve().parents[3].parent / "shared/lits_mini"
UNIT = Weights(propagation=1.0, advection=0.0, curvature=0.0)
INSTALLED = [
    name
    for name in ENGINES
    if name != "c3d" or importlib.util.find_spec(convert3d.PACKAGE) is not None
]
OTHERS = [
    pytest.param(
        "c3d",
        marks=pytest.mark.skipif("c3d" not in INSTALLED, reason="picsl_c3d is not installed"),
    ),
    "torch",
]


def distances(n=40):
    axes = np.ogrid[:n, :n, :n]
    return np.sqrt(sum((a - (n - 1) / 2) ** 2 for a in axes))


def radius(level_set):
    return float((3 * np.clip(level_set + 0.5, 0, 1).sum() / (4 * np.pi)) ** (1 / 3))


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("speed", [1.0, 0.25, -1.0])
def test_36_iterations_move_a_sphere_by_6_voxels_whatever_its_speed(name, speed):
    r = distances(48)
    moved = engine_named(name)(np.full_like(r, speed), 12 - r, UNIT, 36)
    assert moved.dtype == np.float32
    assert radius(moved) == pytest.approx(12 + np.sign(speed) * 6, abs=0.4)


@pytest.mark.parametrize("name", OTHERS)
def test_a_speed_that_curvature_balances_brings_the_contour_to_rest(name):
    r = distances(48)
    rest = 8 + np.sqrt(44)  # (16 - r) / 10 = 2 / r
    for start in (rest - 1.5, rest + 1.5):
        found = engine_named(name)((16 - r) / 10, start - r, Weights(1.0, 0.0, 1.0), 200)
        assert radius(found) == pytest.approx(rest, abs=0.35)


@pytest.mark.parametrize("form", EDGE_EQUATIONS.values(), ids=EDGE_EQUATIONS)
def test_advection_draws_the_torch_engine_to_a_valley(form):
    r = distances(36)
    g = 1 - 0.9 * np.exp(-((r - 10) ** 2) / 18)
    for start in (7, 13):
        found = narrow_band.evolve(g, start - r, Weights(0.0, 2.0, 0.0, **form), 60)
        assert radius(found) == pytest.approx(10, abs=0.4)


def test_the_advection_field_is_the_gradient_along_x_y_z_of_the_speed_under_a_gaussian():
    z, y, x = np.mgrid[:20, :22, :24].astype(np.float32)
    speed = x + 2 * y + 3 * z + np.sin(x)
    inner = (slice(6, -6),) * 3
    for sigma, flatter in ((0.0, np.sin(1.0)), (1.0, np.exp(-0.5))):
        found = narrow_band._gradient(speed, sigma)
        expected = (1 + flatter * np.cos(x), np.full_like(x, 2), np.full_like(x, 3))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one[inner], other[inner], atol=2e-3)


def test_a_curvature_times_the_speed_slows_with_it():
    # Curvature alone, of weight 1: r^2 = r0^2 - 4 g t. An iteration lasts 1/6 voxel at the fastest
    # point, so a speed of a half everywhere changes nothing; only where it is less, it is slower.
    r = distances(48)
    everywhere = {}
    for c in (0, 1):
        weights = Weights(0.0, 0.0, 1.0, curvature_exponent=c)
        everywhere[c] = narrow_band.evolve(np.full_like(r, 0.5), 14 - r, weights, 30)
        x = np.arange(48)[None, None]
        half = np.where(x < 24, 1.0, 0.25) * np.ones_like(r)
        moved = (14 - r > 0) & ~(narrow_band.evolve(half, 14 - r, weights, 30) > 0)
        fast, slow = moved[..., :20].sum(), moved[..., 28:].sum()
        assert slow == fast if c == 0 else slow < 0.4 * fast
    np.testing.assert_allclose(everywhere[0], everywhere[1], atol=1e-3)
    with pytest.raises(ValueError, match="at least 0"):
        narrow_band.evolve(8 - r, 14 - r, Weights(curvature_exponent=1), 1)


def test_near_the_contour_the_band_is_the_plain_scheme():
    # The steps between two redistancings: the plain scheme computes every voxel, the band its own.
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    r = distances(32)
    speed = generator.uniform(-1, 1, r.shape).astype(np.float32)
    weights = Weights(1.0, 0.0, 0.2)
    motion = narrow_band._motion(speed, weights)
    limit = narrow_band._stability_limit(motion)
    start = np.pad((9 - r).astype(np.float32), 1, mode="edge")
    band = narrow_band.Band(r.shape, narrow_band.BAND)
    band.rebuild(start)
    u = start.copy()
    rate, bending = np.zeros_like(speed), np.zeros_like(speed)
    for _ in range(narrow_band.STEPS):
        narrow_band.rates(u, motion, (1, 1, 1), band.ranges, rate, bending)
        narrow_band.add_step(u, rate, np.float32(limit), band.ranges)
    zero = torch.zeros((1, *r.shape))
    fields = scheme.Fields3D(torch.from_numpy(speed)[None], zero, zero, zero, zero + 0.2)
    stencils = scheme.finite_differences(torch.float32, (1, 1, 1))
    first = torch.from_numpy(start[None, 1:-1, 1:-1, 1:-1].copy())
    plain = scheme.evolve(first, fields, stencils, limit, narrow_band.STEPS)
    near = np.abs(9 - r) < 1.5
    found, expected = u[1:-1, 1:-1, 1:-1][near], plain[0].numpy()[near]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", INSTALLED)
def test_the_same_bits_twice_and_what_has_no_contour_stays(name):
    evolve, r = engine_named(name), distances(24)
    speed = np.random.default_rng(1).uniform(-0.2, 1, r.shape)
    first = evolve(speed, 5 - r, Weights(), 20)
    np.testing.assert_array_equal(evolve(speed, 5 - r, Weights(), 20), first)
    nothing = np.full(r.shape, -3.0)
    np.testing.assert_array_equal(evolve(speed, nothing, Weights(), 5), nothing)
    assert not (evolve(np.full_like(r, -1.0), 3 - r, UNIT, 60) > 0).any()
    with pytest.raises(ValueError, match="differ in shape"):
        evolve(speed, (5 - r)[1:], Weights(), 5)


def in_mode(mode, image_path, label_path):
    """Speed, bubble and weights of a mode of ITK-SNAP with its defaults, at 4 mm."""
    volume = read_volume(image_path)
    label = read_liver(label_path, volume.grid)
    region = region_around(label, volume.grid.spacing, 15.0, 4.0)
    image = region.to_working(volume.values(region.box[2])[region.box[:2]])
    bubble = bubble_in(region.to_working(label[region.box]) >= 0.5, 0.6)
    trial = Trial(mode)
    return trial_speed(trial, image, bubble > 0)[1], bubble, trial.weights


def assert_agreement(mode, speed, bubble, weights, iterations=400, least=0.97):
    able = [name for name in INSTALLED if mode in ENGINES[name].modes]
    masks = [engine_named(name)(speed, bubble, weights, iterations) > 0 for name in able]
    assert masks[0].sum() > 3 * (bubble > 0).sum()  # it has grown
    for one, other in itertools.combinations(masks, 2):
        assert dice(one, other) >= least


# The phantom's weak edges do not hold a contour in edge mode: from 100 iterations on it leaks, to
# twice the liver's volume after 400, where engines are 0.95 and 0.94 alike.
@pytest.mark.parametrize(
    ("mode", "iterations", "least"), [("region", 400, 0.97), ("edge", 100, 0.98)]
)
@pytest.mark.parametrize("patient", [0, 3])
def test_engines_agree_on_the_phantom(tmp_path, patient, mode, iterations, least):
    paths = tmp_path / "volume.nii.gz", tmp_path / "segmentation.nii.gz"
    write_patient(patient, 0, *paths)
    assert_agreement(mode, *in_mode(mode, *paths), iterations, least)


@pytest.mark.parametrize("mode", ["region", "edge"])
@pytest.mark.parametrize("case", [0, 1, 2, 4, 5])
def test_engines_agree_on_real_cases(case, mode):
    if not LITS_MINI.is_dir():
        pytest.skip("the real cases are not on this machine")
    paths = (LITS_MINI / f"{kind}-{case}.nii.gz" for kind in ("volume", "segmentation"))
    assert_agreement(mode, *in_mode(mode, *paths))


def test_the_table_of_engines():
    r = distances(30)
    hu = np.where(r < 9, 100, 0) + np.random.default_rng(0).normal(0, 5, r.shape)
    volume = Volume(hu.astype(np.int16), Grid(r.shape, np.diag([3.0, 3, 3, 1])), 1.0, 0.0)
    settings = OperatorSettings(spacing_mm=3.0, margin_mm=6.0)
    rows = comparison.compare(7, volume, r < 9, settings, ["simpleitk", "torch"], 60)
    assert [(row["mode"], row["engine"]) for row in rows] == [
        (mode, name) for mode in ("region", "edge") for name in ("simpleitk", "torch")
    ]
    for row in rows:
        assert list(row) == list(comparison.COLUMNS)
        assert (row["case"], row["iterations"], row["dsc_c3d"]) == (7, 60, None)
        assert row[f"dsc_{row['engine']}"] == 1.0
        assert row["seconds"] > 0
        assert row["dsc"] > 0.6
    assert rows[0]["dsc_torch"] == rows[1]["dsc_simpleitk"] > 0.9
    settings = settings.changed(engine="torch", edge_equation="itk_snap")
    *_, other, edge = comparison.compare(7, volume, r < 9, settings, ["simpleitk", "torch"], 60)
    assert (other["mode"], edge["mode"], edge["dsc_simpleitk"]) == ("region", "edge", None)
    assert edge["dsc"] != rows[3]["dsc"]


def test_an_equation_that_nobody_solves():
    for wrong in ({"curvature_exponent": 2}, {"advection_sigma": -1.0}):
        with pytest.raises(ValueError, match="0 or 1"):
            Weights(**wrong)


def test_names():
    with pytest.raises(UpwindError, match="no engine 'itk'; choose from simpleitk, c3d, torch"):
        engine_named("itk")
    with pytest.raises(ValueError, match=r"Input should be 'simpleitk', 'c3d' or 'torch'"):
        OperatorSettings(engine="itk")
    OperatorSettings(engine="torch", edge_equation="itk_snap")
    for name in ENGINES:
        assert OperatorSettings(engine=name).modes == ENGINES[name].modes
    assert OperatorSettings(engine="c3d").modes == ("region",)
    with pytest.raises(ValueError, match="it has to be geodesic with the engine simpleitk"):
        OperatorSettings(edge_equation="itk_snap")


def test_the_names_of_the_engines_come_without_their_libraries():
    """The workflow reads them whenever it starts, and in every job."""
    read = "import sys, upwind.levelset.engines.registry, upwind.settings.levelset; "
    libraries = "{'SimpleITK', 'numba', 'torch', 'scipy', 'picsl_c3d'}"
    command = [sys.executable, "-c", f"{read}assert not {libraries} & set(sys.modules)"]
    subprocess.run(command, check=True)


def test_convert3d_says_what_it_lacks(monkeypatch):
    r = distances(12)
    for changed in ({"advection": 2.0}, {"curvature_exponent": 1}, {"advection_sigma": 1.0}):
        weights = Weights(**changed)
        with pytest.raises(ValueError, match="no advection"):
            convert3d.evolve(r, 3 - r, weights, 1)
    monkeypatch.setitem(sys.modules, convert3d.PACKAGE, None)
    with pytest.raises(UpwindError, match="pip install picsl_c3d"):
        convert3d.evolve(r, 3 - r, Weights(), 1)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_an_engine_without_edge_mode_is_never_asked_for_it(sampler):
    settings = OperatorSettings(trials=8, engine="c3d", sampler=sampler)
    done = []
    for number in range(8):
        trial = propose(settings, 3, done)
        assert trial.mode == "region"
        assert trial not in [other for other, _ in done]
        done.append((trial, 0.5 + 0.01 * number))


def test_dice_of_nothing_with_nothing():
    empty = np.zeros((2, 2, 2), bool)
    assert comparison._between(empty, empty) == 1.0
    assert comparison._between(~empty, empty) == 0.0
    assert dice(~empty, ~empty) == 1.0
