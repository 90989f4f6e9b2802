"""Noise, slice thickness, labels and stored values of the simulated scanner."""

import numpy as np
import pytest

from upwind.phantom import physics
from upwind.phantom.hounsfield import Tissue
from upwind.phantom.scene import SUBSLICES


def test_noise_has_unit_deviation_no_mean_and_the_spectrum_of_a_ct():
    noise = physics.correlated_noise(np.random.default_rng(0), (128, 128, 16))
    assert np.std(noise) == pytest.approx(1, abs=1e-4)
    assert np.mean(noise) == pytest.approx(0, abs=1e-3)
    power = np.mean(np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2, axis=2)
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    bins = np.arange(0.01, 0.5, 0.03)
    radial = [power[(frequency >= low) & (frequency < low + 0.03)].mean() for low in bins]
    peak = bins[int(np.argmax(radial))] + 0.015
    assert peak == pytest.approx(physics.NOISE_PEAK, abs=0.07)
    # Low frequencies are poor in noise (ramp filter), unlike white noise.
    assert radial[0] < 0.35 * max(radial)


def test_neighbouring_slices_share_a_little_noise():
    noise = physics.correlated_noise(np.random.default_rng(1), (64, 64, 64))
    between = np.corrcoef(noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel())[0, 1]
    assert 0.01 < between < 0.3


def test_noise_falls_with_the_root_of_the_thickness_and_grows_with_the_patient():
    width = physics.TYPICAL_WIDTH_MM
    assert physics.noise_level(12, 5, width) == pytest.approx(12)
    assert physics.noise_level(12, 10, width) == pytest.approx(12 / np.sqrt(2))
    assert physics.noise_level(12, 5, width + 60) > 12


def test_averaging_subslices_keeps_means_and_mixes_at_edges():
    hu = np.full((16, 16, 4 * SUBSLICES), -100.0, np.float32)
    hu[:, :, 2 * SUBSLICES + 1 :] = 100.0
    slices = physics.slices_from_subslices(hu, blur=0.7)
    assert slices.shape == (16, 16, 4)
    assert slices[8, 8, 0] == pytest.approx(-100, abs=1)
    # The third slice is two thirds beyond the edge: -100 + 200 * 2 / 3, but for the profile.
    assert slices[8, 8, 2] == pytest.approx(100 / 3, abs=10)
    assert np.mean(slices) == pytest.approx(np.mean(hu), abs=2)


def test_labels_go_to_the_majority_of_a_voxel():
    tissue = np.full((4, 1, SUBSLICES), Tissue.FAT, np.uint8)
    tissue[1, 0] = [Tissue.LIVER, Tissue.PORTAL_BRANCH, Tissue.FAT]
    tissue[2, 0] = [Tissue.TUMOUR, Tissue.TUMOUR_CORE, Tissue.LIVER]
    tissue[3, 0] = [Tissue.TUMOUR, Tissue.LIVER, Tissue.FAT]
    np.testing.assert_array_equal(physics.labels_from_subslices(tissue)[:, 0, 0], [0, 1, 2, 1])


def test_stored_values_are_rounded_clipped_and_padded_outside_a_round_field():
    hu = np.full((9, 9, 1), 10.6, np.float32)
    hu[4, 4, 0], hu[4, 5, 0] = 9000, -5000
    stored = physics.to_stored(hu, round_field=True)
    assert stored.dtype == np.int16
    assert stored[4, 4, 0] == 3071
    assert stored[4, 5, 0] == -1024
    assert stored[0, 0, 0] == physics.PADDING_HU
    assert stored[4, 2, 0] == 11
    assert physics.to_stored(hu, round_field=False)[0, 0, 0] == 11
