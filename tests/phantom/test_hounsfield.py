"""CT numbers: what radiology takes for granted about tissues and phases."""

import numpy as np
import pytest

from upwind.phantom.hounsfield import BLOOD, TABLE, Phase, Tissue, draw_attenuation


def mean(tissue: Tissue, phase: Phase) -> float:
    return TABLE[tissue].native + TABLE[tissue].enhancement(phase)


def test_every_tissue_has_a_ct_number():
    assert set(TABLE) == set(Tissue)


def test_the_scale_is_hounsfields():
    assert mean(Tissue.AIR, Phase.NATIVE) == -1000
    assert -130 <= mean(Tissue.FAT, Phase.PORTAL) <= -90
    assert 0 <= mean(Tissue.GALLBLADDER, Phase.PORTAL) <= 20


def test_the_native_liver_is_denser_than_the_spleen():
    # About 8 to 10 HU (Piekarski et al., Radiology 1980;137:727).
    assert 7 <= mean(Tissue.LIVER, Phase.NATIVE) - mean(Tissue.SPLEEN, Phase.NATIVE) <= 11


def test_the_liver_peaks_in_the_portal_venous_phase_and_the_aorta_before():
    liver = [mean(Tissue.LIVER, phase) for phase in Phase]
    aorta = [mean(Tissue.AORTA, phase) for phase in Phase]
    assert np.argmax(liver) == list(Phase).index(Phase.PORTAL)
    assert 100 <= max(liver) <= 120
    assert np.argmax(aorta) == list(Phase).index(Phase.ARTERIAL)


@pytest.mark.parametrize("phase", list(Phase))
def test_tumours_are_darker_than_the_liver_and_neighbours_overlap_with_it(phase):
    liver = mean(Tissue.LIVER, phase)
    assert mean(Tissue.TUMOUR, phase) < liver - 10
    nearest = min(
        abs(mean(t, phase) - liver) for t in (Tissue.SPLEEN, Tissue.MUSCLE, Tissue.MYOCARDIUM)
    )
    assert nearest < 20


def test_unenhanced_blood_is_one_fluid_and_contrast_tells_vessels_apart():
    native = draw_attenuation(np.random.default_rng(4), Phase.NATIVE)
    assert len({round(native[tissue], 6) for tissue in BLOOD}) == 1
    arterial = draw_attenuation(np.random.default_rng(4), Phase.ARTERIAL)
    assert arterial[Tissue.AORTA] > arterial[Tissue.PORTAL_TRUNK] > arterial[Tissue.HEPATIC_VEIN]


def test_about_a_quarter_of_the_patients_have_fatty_livers():
    livers = [
        draw_attenuation(np.random.default_rng(n), Phase.NATIVE)[Tissue.LIVER] for n in range(400)
    ]
    # 40 HU and less is the usual criterion; mild steatosis stays above it.
    assert 0.05 < np.mean(np.array(livers) < 40) < 0.25
    assert min(livers) > -5
