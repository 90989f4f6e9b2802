"""CT numbers (HU) of tissues in the four usual contrast phases, with their sources.

A patient's value is ``native + dose * enhancement[phase]``: the native (unenhanced) value varies
between patients with a standard deviation, the enhancement with the iodine dose per body weight.

Sources
    [Hounsfield 1980] Computed medical imaging, Med Phys 7:283 (scale; air, water).
    [Piekarski 1980] Liver and spleen CT numbers in the normal adult, Radiology 137:727.
    [Lamba 2014] CT numbers of soft tissues on unenhanced abdominal CT, AJR 203:1013.
    [Yoshizumi 1999] Abdominal fat: standardized measurement at CT, Radiology 211:283.
    [Aubrey 2014] Skeletal muscle radiation attenuation, Acta Physiol 210:489.
    [Schneider 1996] Calibration of CT Hounsfield units, Phys Med Biol 41:111 (lung, bone).
    [Pickhardt 2013] Opportunistic screening for osteoporosis, Ann Intern Med 158:588.
    [Baron 1994] Use of contrast material for CT of the liver, AJR 163:323.
    [Foley 2000] Multiphase hepatic CT with a multirow detector scanner, AJR 175:679.
    [McNulty 2001] Multidetector CT of the pancreas, Radiology 220:97.
    [Yuh 1999] Phases of renal enhancement, AJR 173:747.
    [Bae 2010] Intravenous contrast medium and scan timing at CT, Radiology 256:32.

The figures are rounded, typical values within the ranges that these papers and radiology
textbooks report; they are not a transcription of any one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np


class Phase(StrEnum):
    """Contrast phase of the scan."""

    NATIVE = "native"
    ARTERIAL = "late arterial"
    PORTAL = "portal venous"
    DELAYED = "delayed"


class Tissue(IntEnum):
    """What a point of the phantom is made of."""

    AIR = 0
    COUCH = 1
    SKIN = 2
    FAT = 3
    MUSCLE = 4
    CORTICAL_BONE = 5
    MARROW = 6
    CARTILAGE = 7
    DISC = 8
    SPINAL_CANAL = 9
    LUNG = 10
    LUNG_VESSEL = 11
    MYOCARDIUM = 12
    HEART_BLOOD = 13
    AORTA = 14
    VENA_CAVA = 15
    PORTAL_TRUNK = 16
    LIVER = 17
    HEPATIC_VEIN = 18
    PORTAL_BRANCH = 19
    TUMOUR = 20
    TUMOUR_CORE = 21
    GALLBLADDER = 22
    SPLEEN = 23
    RENAL_CORTEX = 24
    RENAL_MEDULLA = 25
    PANCREAS = 26
    GUT_WALL = 27
    GUT_FLUID = 28
    GUT_GAS = 29
    FAECES = 30


@dataclass(frozen=True)
class Attenuation:
    """CT number of one tissue. ``native``: mean over patients, HU; ``spread``: its standard
    deviation between patients, HU; the others: mean enhancement by phase, HU."""

    native: float
    spread: float
    arterial: float = 0.0
    portal: float = 0.0
    delayed: float = 0.0

    def enhancement(self, phase: Phase) -> float:
        """Mean enhancement over the native value in ``phase``, HU."""
        return {
            Phase.NATIVE: 0.0,
            Phase.ARTERIAL: self.arterial,
            Phase.PORTAL: self.portal,
            Phase.DELAYED: self.delayed,
        }[phase]


# Columns: native, spread between patients, enhancement late arterial, portal venous, delayed.
TABLE: Mapping[Tissue, Attenuation] = {
    Tissue.AIR: Attenuation(-1000, 0),  # Hounsfield 1980
    Tissue.COUCH: Attenuation(60, 50),  # carbon-fibre shell, a few mm thick
    Tissue.SKIN: Attenuation(10, 10, 5, 15, 15),  # soft tissue, thinner than a pixel
    Tissue.FAT: Attenuation(-104, 5),  # Yoshizumi 1999 (adipose tissue -190 to -30)
    Tissue.MUSCLE: Attenuation(52, 5, 6, 12, 12),  # Aubrey 2014, Lamba 2014
    Tissue.CORTICAL_BONE: Attenuation(750, 120),  # Schneider 1996
    Tissue.MARROW: Attenuation(165, 40, 5, 15, 12),  # Pickhardt 2013 (trabecular L1)
    Tissue.CARTILAGE: Attenuation(95, 15, 3, 6, 8),  # costal cartilage, uncalcified
    Tissue.DISC: Attenuation(75, 10, 0, 5, 8),  # intervertebral disc, native 50 to 100
    Tissue.SPINAL_CANAL: Attenuation(28, 5, 2, 5, 5),  # cord and cerebrospinal fluid
    Tissue.LUNG: Attenuation(-820, 30),  # Schneider 1996 (inflated lung)
    Tissue.LUNG_VESSEL: Attenuation(40, 4, 170, 115, 75),  # Bae 2010
    Tissue.MYOCARDIUM: Attenuation(45, 4, 65, 60, 45),  # Bae 2010
    Tissue.HEART_BLOOD: Attenuation(41, 4, 190, 115, 75),  # Bae 2010
    Tissue.AORTA: Attenuation(41, 4, 255, 115, 75),  # Bae 2010, Foley 2000
    Tissue.VENA_CAVA: Attenuation(40, 4, 70, 100, 75),  # mixed with renal return; Bae 2010
    Tissue.PORTAL_TRUNK: Attenuation(40, 4, 80, 130, 80),  # Foley 2000
    Tissue.LIVER: Attenuation(58, 6, 14, 52, 34),  # Piekarski 1980, Baron 1994, Foley 2000
    Tissue.HEPATIC_VEIN: Attenuation(40, 4, 20, 120, 78),  # Foley 2000
    Tissue.PORTAL_BRANCH: Attenuation(40, 4, 80, 130, 80),  # Foley 2000
    Tissue.TUMOUR: Attenuation(40, 6, 14, 30, 27),  # hypovascular metastasis; Baron 1994
    Tissue.TUMOUR_CORE: Attenuation(25, 6, 2, 6, 10),  # necrosis
    Tissue.GALLBLADDER: Attenuation(9, 5),  # bile, 0 to 20
    Tissue.SPLEEN: Attenuation(49, 4, 75, 70, 42),  # Piekarski 1980, Foley 2000
    Tissue.RENAL_CORTEX: Attenuation(31, 3, 150, 150, 115),  # Yuh 1999
    Tissue.RENAL_MEDULLA: Attenuation(31, 3, 45, 125, 115),  # Yuh 1999
    Tissue.PANCREAS: Attenuation(41, 5, 66, 56, 36),  # McNulty 2001, Lamba 2014
    Tissue.GUT_WALL: Attenuation(38, 5, 40, 48, 38),  # enhancing wall of stomach and bowel
    Tissue.GUT_FLUID: Attenuation(18, 10),  # water and food; oral contrast is added by patient
    Tissue.GUT_GAS: Attenuation(-960, 20),  # Hounsfield 1980
    Tissue.FAECES: Attenuation(5, 30),  # soft tissue mixed with gas and fat
}

# Fatty liver (steatosis) lowers the native liver by up to about 45 HU [Piekarski 1980]; about a
# quarter of adults have some.
STEATOSIS_PREVALENCE = 0.25
STEATOSIS_HU = (12.0, 40.0)


def draw_attenuation(rng: np.random.Generator, phase: Phase) -> dict[Tissue, float]:
    """One patient's CT number (HU) of every tissue in ``phase``."""
    dose = float(rng.uniform(0.8, 1.2))
    values = {
        tissue: entry.native
        + entry.spread * float(np.clip(rng.normal(), -2, 2))
        + dose * entry.enhancement(phase)
        for tissue, entry in TABLE.items()
    }
    # Blood is one fluid: unenhanced vessels share the patient's haematocrit.
    shared = values[Tissue.AORTA] - dose * TABLE[Tissue.AORTA].enhancement(phase)
    for tissue in BLOOD:
        values[tissue] = shared + dose * TABLE[tissue].enhancement(phase)
    steatosis = float(rng.uniform(*STEATOSIS_HU))
    if rng.random() < STEATOSIS_PREVALENCE:
        values[Tissue.LIVER] -= steatosis
    return values


BLOOD = (
    Tissue.LUNG_VESSEL,
    Tissue.HEART_BLOOD,
    Tissue.AORTA,
    Tissue.VENA_CAVA,
    Tissue.PORTAL_TRUNK,
    Tissue.HEPATIC_VEIN,
    Tissue.PORTAL_BRANCH,
)
