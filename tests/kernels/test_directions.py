"""The test for clusters where it is known whether there are any."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from upwind.common.holm import holm
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.direction_climbing import closeness
from upwind.kernels.directions import (
    STATISTICS,
    clouds,
    direction_tables,
    directions_of,
    favoured,
    isotropic_share,
    shared,
    shortened,
    unit,
)
from upwind.kernels.layers import Layer
from upwind.kernels.stencils import STENCILS

SETTINGS = AnalysisSettings()
LEVEL = 0.05


def unit_stencils(*names):
    return unit(np.array([STENCILS[name].ravel() for name in names]))


def signed_stencils(random, count):
    """Each a signed multiple of one of three stencils, with noise."""
    three = unit_stencils("edge_right", "laplacian", "mean")
    signs = random.choice([-1, 1], size=(count, 1))
    return signs * three[random.integers(3, size=count)] + 0.3 * random.normal(size=(count, 9))


def a_fifth_apart(random, count):
    """A fifth of the kernels ten standard deviations away from the others."""
    kernels = random.normal(size=(count, 9))
    kernels[: count // 5] += 10 * unit_stencils("laplacian")
    return kernels


def three_equal(random, count):
    """Three equal clusters, four standard deviations from each other."""
    return random.normal(size=(count, 9)) + np.sqrt(8) * np.eye(9)[random.integers(3, size=count)]


def some_sobel(random, count):
    """Sobel's kernel, of either sign and with little noise, is one kernel in twenty."""
    kernels = random.normal(size=(count, 9))
    few = count // 20
    signs = 3 * random.choice([-1, 1], size=(few, 1))
    kernels[:few] = signs * unit_stencils("edge_right") + 0.2 * random.normal(size=(few, 9))
    return kernels


def gaussian(random, count):
    return random.normal(size=(count, 9)) @ np.diag(np.linspace(0.3, 2, 9)) + 0.5


def of_many_scales(random, count):
    """Student's t with three degrees of freedom, far from its mean."""
    scale = np.sqrt(random.chisquare(3, size=(count, 1)) / 3)
    return 0.7 + random.normal(size=(count, 9)) @ np.diag(np.linspace(0.3, 2, 9)) / scale


def one_long_axis(share, freedom=np.inf):
    """Gaussian or Student's t; one axis, that no weight is along, has the share of the variance."""

    def draw(random, count):
        deviations = np.sqrt([share, *[(1 - share) / 8] * 8])
        turned = np.linalg.qr(random.normal(size=(9, 9)))[0]
        scale = 1 if np.isinf(freedom) else random.chisquare(freedom, size=(count, 1)) / freedom
        return random.normal(size=(count, 9)) * deviations @ turned / np.sqrt(scale)

    return draw


def uniform(random, count):
    return random.uniform(-1, 1, size=(count, 9))


def tables(kernels, settings=SETTINGS):
    tests, shares = direction_tables([Layer(1, "a", kernels.reshape(-1, 1, 3, 3))], settings)
    return tests.set_index("statistic"), shares.set_index("stencil")


def found(tests):
    return set(tests.index[tests["holm_p"] < LEVEL])


@pytest.mark.parametrize(
    ("kernels", "statistics"),
    [
        (signed_stencils, {"axes", "poles"}),
        (a_fifth_apart, {"points"}),
        (three_equal, {"axes", "poles", "points"}),
    ],
)
def test_clusters_that_are_there_are_found(kernels, statistics):
    tests, _ = tables(kernels(np.random.default_rng(0), 512))
    assert found(tests) >= statistics
    assert tests["z"].max() > 10


def test_a_few_sobel_kernels_are_found_at_sobels_kernel_and_nowhere_else():
    tests, shares = tables(some_sobel(np.random.default_rng(0), 512))
    assert shares.loc["edge_right", "share"] == pytest.approx(25 / 512, abs=0.002)
    assert shares.loc["edge_right", "reference"] < 0.01
    assert shares.loc["edge_right", "holm_p"] < 1e-6
    assert (shares.drop("edge_right")["holm_p"] > LEVEL).all()
    assert found(tests) == set()  # too few to be what kernels crowd around


@pytest.mark.parametrize("signs", [[1], [-1, 1]])
@pytest.mark.parametrize("noise", [0, 0.02, 0.1])
@pytest.mark.parametrize("name", ["edge_right", "laplacian", "mean", "gaussian"])
def test_one_stencil_in_every_kernel_is_a_direction_they_share(name, noise, signs):
    random = np.random.default_rng(0)
    lengths = random.choice(signs, size=(256, 1)) * (1 + 0.3 * random.normal(size=(256, 1)))
    kernels = lengths * unit_stencils(name) + noise * random.normal(size=(256, 9))
    _, shares = tables(kernels, AnalysisSettings(references=4))
    assert name in shared(shares, LEVEL).index
    assert shares.loc[name, "isotropic"] < 1e-4


def test_a_layer_is_not_said_to_share_a_direction_for_its_covariance():
    """An axis that dominates puts kernels at the mean kernel, and no more than in a cloud."""
    random = np.random.default_rng(0)
    kernels = random.normal(size=(512, 9)) + 3 * random.normal(size=(512, 1)) * unit_stencils(
        "mean"
    )
    _, shares = tables(kernels)
    assert shares.loc["mean", "share"] > 0.015
    assert shares.loc["mean", "holm_p_isotropic"] < 1e-9
    assert favoured(shares, LEVEL).empty
    assert shared(shares, LEVEL).empty


@pytest.mark.parametrize("weights", [9, 25])
def test_the_isotropic_share_by_drawing(weights):
    drawn = unit(np.random.default_rng(0).normal(size=(400_000, weights)))[:, 0]
    expected = (np.abs(drawn) > 0.95).mean()
    assert isotropic_share(weights) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("kernels", [gaussian, of_many_scales, uniform])
@pytest.mark.parametrize("count", [16, 256, 1024])
def test_nothing_is_found_where_there_is_nothing(kernels, count):
    tests, shares = tables(kernels(np.random.default_rng(1), count))
    assert found(tests) == set()
    assert (shares["holm_p"] > LEVEL).all()


@pytest.mark.parametrize("share", [0.8, 0.95])
@pytest.mark.parametrize("freedom", [np.inf, 5])
@pytest.mark.parametrize("count", [512, 2048])
def test_one_dominant_axis_makes_no_clusters(share, freedom, count):
    settings = AnalysisSettings(references=10)
    tests, _ = tables(one_long_axis(share, freedom)(np.random.default_rng(2), count), settings)
    assert found(tests) == set()
    assert (tests["z"] < 4).all()


@pytest.mark.parametrize("kernels", [gaussian, of_many_scales, uniform])
def test_of_sets_without_clusters_few_have_a_small_p(kernels):
    """40 sets, three statistics."""
    settings = AnalysisSettings(references=10)
    sets = [kernels(np.random.default_rng(seed), 40) for seed in range(40)]
    tests = [tables(one, settings)[0] for one in sets]
    assert np.mean([(one["p"] < LEVEL).mean() for one in tests]) < 0.08
    # And the test does look: half of Gaussian sets lie above the middle of their clouds.
    if kernels is gaussian:
        assert 0.35 < np.mean([(one["z"] > 0).mean() for one in tests]) < 0.65


def test_distant_kernels_are_moved_to_twice_the_median_distance_and_no_other():
    kernels = of_many_scales(np.random.default_rng(2), 300)
    kernels[:3] = 100 * kernels[:3] + 50
    moved = shortened(kernels)
    distances = mahalanobis(moved)
    assert distances.max() == pytest.approx(2 * np.median(distances), rel=0.01)
    inside = distances < 1.9 * np.median(distances)
    assert inside.sum() > 200
    assert np.array_equal(moved[inside], kernels[inside])
    # Towards the mean, on a straight line.
    ours, theirs = (unit(x[~inside] - moved.mean(axis=0)) for x in (kernels, moved))
    assert (np.sum(ours * theirs, axis=1) > 0.9999).all()
    assert (shortened(0 * kernels) == 0).all()


def test_few_kernels_are_shortened_to_twice_the_median_length():
    lengths = np.array([0.0, 1.0, 2.0, 2.0, 3.0, 50.0])
    kernels = lengths[:, None] * np.eye(9)[:1]
    assert np.linalg.norm(shortened(kernels), axis=1).tolist() == [0, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("count", [16, 32])
def test_long_kernels_of_a_small_layer_are_no_clusters(count):
    sets = [of_many_scales(np.random.default_rng(seed), count) for seed in range(30)]
    least = [tables(one)[0]["holm_p"].min() for one in sets]
    assert np.mean(np.array(least) < LEVEL) < 0.1


def test_what_is_moved_does_not_depend_on_the_scales_of_axes():
    random = np.random.default_rng(3)
    kernels, change = of_many_scales(random, 200), random.normal(size=(9, 9))
    np.testing.assert_allclose(shortened(kernels @ change), shortened(kernels) @ change, atol=1e-7)


def test_clouds_have_mean_covariance_and_lengths_of_the_kernels():
    kernels = of_many_scales(np.random.default_rng(2), 300)
    for drawn in clouds(kernels, 3, seed=0):
        np.testing.assert_allclose(drawn.mean(axis=0), kernels.mean(axis=0), atol=1e-10)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(kernels.T), atol=1e-9)
        ours, theirs = (np.sort(mahalanobis(x)) for x in (kernels, drawn))
        assert np.corrcoef(ours, theirs)[0, 1] > 0.98


def mahalanobis(points):
    centred = points - points.mean(axis=0)
    return np.sqrt(np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(points.T)), centred))


def test_clouds_stay_in_the_kernels_subspace():
    flat = np.random.default_rng(0).normal(size=(50, 2)) @ np.random.default_rng(1).normal(
        size=(2, 9)
    )
    (drawn,) = clouds(flat, 1, seed=0)
    assert np.linalg.matrix_rank(drawn, tol=1e-8) == 2


def test_closeness_to_one_axis_and_to_one_direction_by_linear_algebra():
    y = unit(np.random.default_rng(0).normal(size=(60, 9)) + 0.5)
    largest = np.linalg.eigvalsh(y.T @ y / 60)[-1]
    assert closeness(y, 1, axial=True, seed=0) == pytest.approx(largest, rel=1e-4)
    assert closeness(y, 1, axial=False, seed=0) == pytest.approx(np.linalg.norm(y.mean(axis=0)))


def test_closeness_minds_signs_only_where_it_is_told():
    y = signed_stencils(np.random.default_rng(0), 300)
    y = unit(np.sign(np.random.default_rng(1).normal(size=(300, 1))) * y)
    assert closeness(y, 3, axial=True, seed=0) == pytest.approx(
        closeness(np.abs(y[:, :1]) / y[:, :1] * y, 3, axial=True, seed=0), rel=1e-3
    )
    exact = unit_stencils("edge_right", "laplacian", "mean")[np.arange(30) % 3]
    assert closeness(exact, 3, axial=False, seed=0) == pytest.approx(1)
    assert closeness(-exact, 3, axial=True, seed=0) == pytest.approx(1)


def test_lengths_do_not_matter_to_axes_and_poles():
    random = np.random.default_rng(3)
    kernels = signed_stencils(random, 100)
    stretched = kernels * random.uniform(0.1, 10, size=(100, 1))
    np.testing.assert_allclose(unit(kernels), unit(stretched))
    assert len(unit(np.vstack([kernels, np.zeros((2, 9))]))) == 100


def test_shares_by_counting_and_fishers_test_by_scipy():
    kernels = some_sobel(np.random.default_rng(4), 200)
    _, shares = tables(kernels)
    kernels = shortened(kernels)
    drawn = np.concatenate(list(clouds(kernels, SETTINGS.references, SETTINGS.seed)))
    cosine = {
        name: [
            np.abs(x @ stencil.ravel()) / np.linalg.norm(x, axis=1) / np.linalg.norm(stencil)
            for x in (kernels, drawn)
        ]
        for name, stencil in directions_of((3, 3)).items()
    }
    for name, (ours, theirs) in cosine.items():
        near, chance = (ours > 0.95).sum(), (theirs > 0.95).sum()
        table = [[near, 200 - near], [chance, len(drawn) - chance]]
        assert shares.loc[name, "share"] == near / 200
        assert shares.loc[name, "p"] == pytest.approx(
            stats.fisher_exact(table, alternative="greater").pvalue
        )
        assert shares.loc[name, "low"] <= near / 200 <= shares.loc[name, "high"]


def test_correction_is_over_all_layers_and_small_layers_are_left_out():
    random = np.random.default_rng(5)
    layers = [
        Layer(1, "few", random.normal(size=(4, 1, 3, 3))),
        *(Layer(n, str(n), random.normal(size=(8, 5, 3, 3))) for n in (2, 3)),
    ]
    settings = AnalysisSettings(references=4)
    for table, each in zip(direction_tables(layers, settings), (3, 7), strict=True):
        assert table["layer"].tolist() == [2] * each + [3] * each
        for p in {"p", "p_isotropic"} & set(table):
            assert table[f"holm_{p}"].tolist() == holm(table[p].tolist())
    assert set(direction_tables(layers, settings)[0]["statistic"]) == set(STATISTICS)
    assert all(table.empty for table in direction_tables(layers[:1], settings))


def test_the_same_numbers_on_any_number_of_threads():
    layers = [Layer(1, "a", gaussian(np.random.default_rng(0), 60).reshape(-1, 1, 3, 3))]
    one, three = (direction_tables(layers, SETTINGS, threads) for threads in (1, 3))
    for ours, theirs in zip(one, three, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
