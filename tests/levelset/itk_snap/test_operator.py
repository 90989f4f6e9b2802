"""The simulated operator: what it sees, what it keeps, and that it can be repeated."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from upwind.common.errors import UpwindError
from upwind.data.volumes import Grid, Volume, read_volume
from upwind.levelset.engines.engine import Weights
from upwind.levelset.engines.simpleitk import evolve
from upwind.levelset.itk_snap.bubble import bubble_in
from upwind.levelset.itk_snap.evolution import dice, evolve_until_best
from upwind.levelset.itk_snap.journal import Journal
from upwind.levelset.itk_snap.operator import operate
from upwind.levelset.itk_snap.trials import Trial, trial_speed
from upwind.settings.levelset import OperatorSettings

QUICK = OperatorSettings(trials=2, spacing_mm=4.0, max_iterations=200)


def ellipsoid(shape, spacing, centre, radii):
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    terms = zip(axes, spacing, centre, radii, strict=True)
    return sum(((axis * s - c) / r) ** 2 for axis, s, c, r in terms) < 1


def two_tissues(shape=(60, 55, 24), spacing=(2.0, 2.0, 5.0), noise=12.0):
    """A liver-like ellipsoid (110 HU) in fat (-80 HU) with noise, and its label."""
    label = ellipsoid(shape, spacing, (58.0, 56.0, 60.0), (42.0, 34.0, 38.0))
    noisy = np.random.default_rng(1).normal(scale=noise, size=shape)
    image = np.where(label, 110, -80) + noisy
    return image.round().astype(np.int16), label


def as_volume(array, spacing):
    return Volume(array, Grid(array.shape, np.diag([*spacing, 1.0])), 1.0, 0.0)


def test_two_tissues_are_segmented():
    spacing = (2.0, 2.0, 5.0)
    image, label = two_tissues(spacing=spacing)
    result = operate(as_volume(image, spacing), label, QUICK, seed=0)
    assert result.mask.dtype == bool
    assert result.mask.shape == image.shape
    assert result.dsc > 0.95
    assert result.dsc == pytest.approx(dice(result.mask, label))
    assert [row["mode"] for row in result.trials] == ["region", "edge"]
    assert result.chosen == int(np.argmax([row["dsc"] for row in result.trials]))


@pytest.mark.parametrize("codes", ["LPS", "SAR"])
def test_orientation_of_the_file_does_not_matter(tmp_path, codes):
    # The same anatomy stored in another order and direction of axes gives the same mask.
    spacing = (2.0, 2.5, 5.0)
    image, label = two_tissues((50, 44, 24), spacing)
    settings = QUICK.changed(spacing_mm=6.0, max_iterations=60)
    straight = operate(as_volume(image, spacing), label, settings, seed=0)
    ras = nib.Nifti1Image(image, np.diag([*spacing, 1.0]))
    turned = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(codes)
    )
    nib.save(ras.as_reoriented(turned), tmp_path / "ct.nii")
    volume = read_volume(tmp_path / "ct.nii")
    assert volume.grid.orientation == codes
    np.testing.assert_array_equal(operate(volume, label, settings, seed=0).mask, straight.mask)


def test_scaled_values_are_read_as_hu():
    spacing = (2.0, 2.0, 5.0)
    image, label = two_tissues(spacing=spacing)
    one = QUICK.changed(trials=1)
    plain = operate(as_volume(image, spacing), label, one, seed=0).trials[0]
    stored = Volume(image + 1024, Grid(image.shape, np.diag([*spacing, 1.0])), 1.0, -1024.0)
    scaled = operate(stored, label, one, seed=0).trials[0]
    assert scaled["lower_hu"] == pytest.approx(plain["lower_hu"], abs=0.01)
    assert 70 < plain["lower_hu"] < 110 < plain["upper_hu"] < 150


def test_same_seed_same_result_other_seed_other_trials():
    image, label = two_tissues((40, 40, 20), (3.0, 3.0, 6.0))
    volume = as_volume(image, (3.0, 3.0, 6.0))
    settings = OperatorSettings(trials=4, spacing_mm=8.0, max_iterations=60)

    def without_time(result):
        timed = ("seconds", "spent_seconds")
        return [{k: v for k, v in row.items() if k not in timed} for row in result.trials]

    first, again, other = (operate(volume, label, settings, seed) for seed in ([7, 3], [7, 3], 8))
    assert without_time(first) == without_time(again)
    assert first.chosen == again.chosen
    np.testing.assert_array_equal(first.mask, again.mask)
    assert without_time(first)[:2] == without_time(other)[:2]
    assert without_time(first)[2:] != without_time(other)[2:]


def test_a_killed_operator_goes_on_and_ends_in_the_same_mask(tmp_path):
    image, label = two_tissues((40, 40, 20), (3.0, 3.0, 6.0))
    volume = as_volume(image, (3.0, 3.0, 6.0))
    settings = OperatorSettings(trials=5, spacing_mm=8.0, max_iterations=60)
    whole = operate(volume, label, settings, [7, 3])
    calls = []

    def dies_in_the_third_trial(speed, level_set, weights, iterations):
        calls.append((weights, speed.sum()))
        if len(set(calls)) == 3:
            raise SystemExit(143)
        return evolve(speed, level_set, weights, iterations)

    journal = Journal(tmp_path, {"data": 1})
    with pytest.raises(SystemExit):
        operate(volume, label, settings, [7, 3], dies_in_the_third_trial, journal)
    assert len(Journal(tmp_path, {"data": 1}).read()) == 2
    again = operate(volume, label, settings, [7, 3], journal=Journal(tmp_path, {"data": 1}))
    # And once more, when everything is in the journal: the mask is made from its best trial.
    kept = operate(volume, label, settings, [7, 3], journal=Journal(tmp_path, {"data": 1}))
    for other in (again, kept):
        np.testing.assert_array_equal(other.mask, whole.mask)
        assert other.chosen == whole.chosen
        assert [row["dsc"] for row in other.trials] == [row["dsc"] for row in whole.trials]
    assert kept.trials == again.trials


def test_bubble_lies_in_the_deepest_point():
    # A large ball and a small one: the centre is the large one's, the radius 0.6 of its depth.
    shape = (60, 40, 40)
    large = ellipsoid(shape, (1, 1, 1), (38, 20, 21), (14.5, 14.5, 14.5))
    small = ellipsoid(shape, (1, 1, 1), (10, 20, 20), (8.5, 8.5, 8.5))
    bubble = bubble_in(large | small, 0.6)
    assert np.unravel_index(np.argmax(bubble), shape) == (38, 20, 21)
    # The nearest voxel outside has the least squared distance above 14.5^2: 211 = 9^2 + 9^2 + 7^2.
    assert bubble.max() == pytest.approx(0.6 * np.sqrt(211), abs=1e-5)
    assert not (bubble > 0)[~large].any()
    # A signed distance: the difference of two voxels on a ray is their distance.
    assert bubble[48, 20, 21] - bubble[55, 20, 21] == pytest.approx(7, abs=1e-4)


def test_bubble_stays_in_a_volume_that_cuts_the_organ():
    # A slab that fills the array up to its border: deepest in its middle, not at the border.
    bubble = bubble_in(np.ones((21, 31, 41), bool), 1.0)
    assert np.unravel_index(np.argmax(bubble), bubble.shape)[0] == 10
    assert bubble.max() == 11


def test_thresholds_come_from_the_bubble_and_start_it_growing():
    generator = np.random.default_rng(0)
    image = generator.normal(100, 10, (30, 30, 30)).astype(np.float32)
    image[:10] = 500
    bubble = np.zeros(image.shape, bool)
    bubble[12:28, 5:25, 5:25] = True
    row, speed = trial_speed(Trial(), image, bubble)
    assert row["lower_hu"] == pytest.approx(80, abs=1)
    assert row["upper_hu"] == pytest.approx(120, abs=1)
    assert row["edge_scale"] is None
    assert (speed[bubble] > 0).mean() > 0.9
    assert (speed[:10] < -0.9).all()


def test_noiseless_tissue_has_thresholds_apart():
    image, label = two_tissues(noise=0.0)
    result = operate(as_volume(image, (2.0, 2.0, 5.0)), label, QUICK, seed=0)
    assert result.trials[0]["upper_hu"] - result.trials[0]["lower_hu"] == pytest.approx(4.0)


def scripted_engine(radii):
    """An engine that returns spheres of the given radii, one per call."""
    left = list(radii)

    def evolve(speed, level_set, weights, iterations):
        return sphere(left.pop(0))

    return evolve


def sphere(radius, n=41):
    axes = np.ogrid[:n, :n, :n]
    return radius - np.sqrt(sum((axis - n // 2) ** 2 for axis in axes))


@pytest.mark.parametrize(
    ("patience", "radii", "best"),
    [
        (1, (8, 12, 13), 2),  # passes 11 on the way to 13: stops there, keeps 12
        (1, (8, 7, 10), 1),  # a step back ends it, though a later look would have been better
        (2, (8, 7, 10, 13, 14), 3),  # patience sees it
        (1, (4, 3), 0),  # never better than the bubble itself
    ],
)
def test_stops_by_the_ground_truth_and_keeps_the_best_look(patience, radii, best):
    start, target = sphere(5), sphere(11) > 0
    settings = OperatorSettings(chunk=10, max_iterations=1000, patience=patience)
    engine = scripted_engine(radii)  # one call too many would find the script empty
    run = evolve_until_best(start, start, Weights(), target, settings, engine)
    kept = [5, *radii][best]
    assert run.iterations == 10 * best
    assert run.dsc == dice(sphere(kept) > 0, target)
    np.testing.assert_array_equal(run.level_set, sphere(kept))


def test_a_creeping_contour_is_stopped_but_its_last_gain_is_kept():
    start, target = sphere(9), sphere(15) > 0
    before, after = (dice(sphere(r) > 0, target) for r in (9, 9.1))
    assert 0 < after - before < 0.05
    settings = OperatorSettings(chunk=10, max_iterations=1000, patience=1, least_gain=0.05)
    run = evolve_until_best(start, start, Weights(), target, settings, scripted_engine([9.1]))
    assert (run.iterations, run.dsc) == (10, after)


def test_iterations_end_at_the_limit_with_a_shorter_last_chunk():
    asked = []

    def engine(speed, level_set, weights, iterations):
        asked.append(iterations)
        return level_set + 1

    settings = OperatorSettings(chunk=20, max_iterations=50)
    evolve_until_best(sphere(3), sphere(3), Weights(), sphere(15) > 0, settings, engine)
    assert asked == [20, 20, 10]


def test_dice_by_hand():
    mask, target = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)
    assert dice(mask, target) == pytest.approx(2 * 2 / 6)
    assert dice(~target, target) == 0.0


def test_empty_and_too_thin_labels_are_refused():
    image, label = two_tissues()
    volume = as_volume(image, (2.0, 2.0, 5.0))
    with pytest.raises(UpwindError, match="no liver voxel"):
        operate(volume, np.zeros_like(label), QUICK, seed=0)
    thin = np.zeros_like(label)
    thin[20, 20, 10] = True
    with pytest.raises(UpwindError, match=r"spacing_mm"):
        operate(volume, thin, QUICK.changed(spacing_mm=8.0), seed=0)


def test_label_of_another_shape_is_refused():
    image, label = two_tissues()
    with pytest.raises(ValueError, match="differ in shape"):
        operate(as_volume(image, (2.0, 2.0, 5.0)), label[:-1], QUICK, seed=0)


def test_real_liver():
    """A real CT of the shared set, at a coarse spacing: the default trials reach a fair DSC."""
    shared = Path(__file__).resolve().parents[3].parent / "shared" / "lits_mini"
    if not shared.is_dir():
        pytest.skip(f"no real cases in {shared}")
    volume = read_volume(shared / "volume-5.nii.gz")
    label = read_volume(shared / "segmentation-5.nii.gz").values() > 0
    settings = OperatorSettings(trials=1, spacing_mm=6.0, max_iterations=300)
    result = operate(volume, label, settings, seed=0, engine=evolve)
    assert result.dsc > 0.8
