"""What the scanner does to the body: slice thickness, point spread, noise, field of view."""

import numpy as np
from scipy import fft, ndimage

from upwind.phantom.hounsfield import Tissue
from upwind.phantom.scene import SUBSLICES

LIVER_TISSUES = (Tissue.LIVER, Tissue.HEPATIC_VEIN, Tissue.PORTAL_BRANCH)
TUMOUR_TISSUES = (Tissue.TUMOUR, Tissue.TUMOUR_CORE)
# Slices share some of their neighbours' rays: spread of the slice profile beyond the slice itself.
PROFILE_SLICES = 0.2
# The noise-power spectrum rises with frequency (ramp filter; Riederer et al., Phys Med Biol
# 1978;23:446) and is rolled off by the soft-tissue kernel: its peak, in cycles per pixel.
NOISE_PEAK = 0.22
# Attenuation of water near 70 keV, 1/mm: noise grows with the patient's width (Brooks and
# Di Chiro, Med Phys 1976;3:237); tube-current modulation takes back most of that growth.
WATER_PER_MM = 0.019
MODULATION = 0.75
TYPICAL_WIDTH_MM = 330.0
REFERENCE_SLICE_MM = 5.0
PADDING_HU = -1024
HU_RANGE = (-1024, 3071)


def slices_from_subslices(hu: np.ndarray, blur: float) -> np.ndarray:
    """Average subslices (x, y, z * SUBSLICES) into slices (x, y, z) with the slice sensitivity
    profile, and blur in the plane by a Gaussian point spread of ``blur`` pixels."""
    hu = ndimage.gaussian_filter1d(hu, PROFILE_SLICES * SUBSLICES, axis=2, mode="nearest")
    slices = hu.reshape(*hu.shape[:2], -1, SUBSLICES).mean(axis=3, dtype=np.float32)
    return ndimage.gaussian_filter(slices, (blur, blur, 0), mode="nearest")


def labels_from_subslices(tissue: np.ndarray) -> np.ndarray:
    """Labels (x, y, z), uint8: 1 where most of the voxel is liver (with its vessels and tumours),
    2 where most of it is tumour, else 0."""
    tumour = _count(np.isin(tissue, TUMOUR_TISSUES))
    liver = tumour + _count(np.isin(tissue, LIVER_TISSUES))
    labels = (2 * liver > SUBSLICES).astype(np.uint8)
    labels[2 * tumour > SUBSLICES] = 2
    return labels


def _count(mask: np.ndarray) -> np.ndarray:
    return mask.reshape(*mask.shape[:2], -1, SUBSLICES).sum(axis=3, dtype=np.uint8)


def noise_level(reference: float, thickness: float, width: float) -> float:
    """Standard deviation (HU) at the centre of a patient ``width`` mm wide in slices of
    ``thickness`` mm, from that of the typical patient in a 5 mm slice."""
    growth = np.exp((1 - MODULATION) * WATER_PER_MM * (width - TYPICAL_WIDTH_MM) / 2)
    return float(reference * growth * np.sqrt(REFERENCE_SLICE_MM / thickness))


def correlated_noise(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Noise of unit standard deviation with a CT-like spectrum in the plane (x, y) and a weak
    correlation along z."""
    white = rng.standard_normal(shape, dtype=np.float32)
    frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :])
    # NPS f exp(-f / peak) has its maximum at the peak.
    amplitude = np.sqrt(frequency * np.exp(-frequency / NOISE_PEAK)).astype(np.float32)
    spectrum = fft.rfft2(white, axes=(0, 1)) * amplitude[:, :, None]
    noise = fft.irfft2(spectrum, s=shape[:2], axes=(0, 1))
    noise = ndimage.gaussian_filter1d(noise, 0.35, axis=2, mode="wrap")
    return noise / np.std(noise, dtype=np.float64).astype(np.float32)


def add_noise(
    hu: np.ndarray, rng: np.random.Generator, level: float, half_axes: tuple[float, float]
) -> np.ndarray:
    """Add noise of standard deviation ``level`` at the centre, falling towards the skin (fewer
    rays cross thick paths there). ``half_axes``: those of the body, in pixels."""
    x, y = (np.linspace(-(n - 1) / 2, (n - 1) / 2, n) for n in hu.shape[:2])
    radius = np.hypot(x[:, None] / half_axes[0], y[None, :] / half_axes[1])
    profile = (0.55 + 0.45 * np.exp(-1.5 * radius**2)).astype(np.float32)
    return hu + level * profile[:, :, None] * correlated_noise(rng, hu.shape)


def to_stored(hu: np.ndarray, round_field: bool) -> np.ndarray:
    """Round to int16 within the scanner's range; outside a ``round_field`` of view, padding."""
    stored = np.clip(np.rint(hu), *HU_RANGE).astype(np.int16)
    if round_field:
        x, y = (np.linspace(-1, 1, n) for n in hu.shape[:2])
        stored[np.hypot(x[:, None], y[None, :]) > 1.0] = PADDING_HU
    return stored
