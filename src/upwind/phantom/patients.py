"""Who lies in the scanner and how: the parameters of one patient, drawn from (seed, number)."""

from dataclasses import dataclass

import numpy as np

from upwind.phantom.hounsfield import Phase

# LiTS is mostly portal venous, the phase in which liver tumours are looked for; the others occur.
PHASES = (
    (Phase.PORTAL, 0.5),
    (Phase.ARTERIAL, 0.2),
    (Phase.DELAYED, 0.15),
    (Phase.NATIVE, 0.15),
)
# Stored axes; LPS and RAS are the commonest in LiTS, the rest occur in converted data.
ORIENTATIONS = ("LPS", "RAS", "LAS", "RPS", "LPI", "ASR", "PSL")
ORIENTATION_SHARES = (0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05)
PIXELS = (128, 144, 160)
SPACINGS_MM = (5.0, 6.0, 7.0, 7.5, 8.0)
MAX_SLICES = 45  # a longer scan takes thicker slices


@dataclass(frozen=True)
class Habitus:
    """Body size and posture. ``frame`` scales the skeleton and the organs; thicknesses and half
    axes in mm; ``roll``: rotation about the long axis, degrees."""

    frame: float
    cavity_width: float
    cavity_depth: float
    wall: float
    fat_side: float
    fat_front: float
    fat_back: float
    roll: float


@dataclass(frozen=True)
class Liver:
    """Liver shape. Sizes are relative to the typical liver; ``bumps`` in mm."""

    right: tuple[float, float, float]
    left: tuple[float, float, float]
    left_reach: float
    dome: float
    bumps: float
    fissure: float


@dataclass(frozen=True)
class Organs:
    """The other organs: relative sizes, and what is there at all."""

    spleen: float
    kidneys: tuple[float, float]
    kidney_shift: tuple[float, float]
    gallbladder: float
    stomach: float
    stomach_fill: float
    oral_contrast: float
    bowel_gas: float


@dataclass(frozen=True)
class Scan:
    """Geometry and quality of the scan. ``top``, ``bottom``: extent along z beyond the liver, mm;
    ``noise``: standard deviation at the centre of a typical patient in a 5 mm slice, HU."""

    pixels: int
    margin: float
    thickness: float
    top: float
    bottom: float
    shift: tuple[float, float]
    origin: tuple[float, float, float]
    orientation: str
    noise: float
    blur: float
    round_field: bool


@dataclass(frozen=True)
class Patient:
    """One patient of the phantom. ``has_tumours`` holds for every odd number, half of them."""

    seed: int
    number: int
    phase: Phase
    has_tumours: bool
    habitus: Habitus
    liver: Liver
    organs: Organs
    scan: Scan

    def generator(self, part: str) -> np.random.Generator:
        """Random numbers for one part of the patient, independent of those of other parts."""
        key = int.from_bytes(part.encode(), "little") % (2**63)
        return np.random.default_rng([self.seed, self.number, key])


def draw_patient(number: int, seed: int) -> Patient:
    """Patient ``number`` (from 0) of the phantom that ``seed`` makes: nothing else matters."""
    if number < 0 or seed < 0:
        raise ValueError(f"patient number and seed count from 0, got {number} and {seed}")
    rng = np.random.default_rng([seed, number])
    phases, shares = [phase for phase, _ in PHASES], [share for _, share in PHASES]
    return Patient(
        seed=seed,
        number=number,
        phase=phases[int(rng.choice(len(phases), p=shares))],
        has_tumours=number % 2 == 1,
        habitus=_draw_habitus(rng),
        liver=_draw_liver(rng),
        organs=_draw_organs(rng),
        scan=_draw_scan(rng),
    )


def _two(drawn: np.ndarray) -> tuple[float, float]:
    first, second = (float(v) for v in drawn)
    return first, second


def _three(drawn: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (float(v) for v in drawn)
    return first, second, third


def _draw_habitus(rng: np.random.Generator) -> Habitus:
    frame = float(rng.uniform(0.92, 1.07))
    # Subcutaneous and visceral fat go together, loosely.
    fat = float(rng.beta(1.6, 2.4))
    visceral = 0.7 * fat + 0.3 * float(rng.random())
    return Habitus(
        frame=frame,
        cavity_width=frame * (128 + 16 * visceral + float(rng.uniform(-4, 4))),
        cavity_depth=frame * (78 + 22 * visceral + float(rng.uniform(-4, 4))),
        wall=float(rng.uniform(12, 16)),
        fat_side=4 + 24 * fat,
        fat_front=5 + 30 * fat * float(rng.uniform(0.7, 1.2)),
        fat_back=6 + 22 * fat,
        roll=float(np.clip(rng.normal(0, 2.5), -6, 6)),
    )


def _draw_liver(rng: np.random.Generator) -> Liver:
    return Liver(
        right=_three(rng.uniform((0.9, 0.9, 0.82), (1.08, 1.06, 1.22))),
        left=_three(rng.uniform((0.8, 0.75, 0.75), (1.15, 1.25, 1.3))),
        left_reach=float(rng.uniform(-24, 22)),
        dome=float(rng.uniform(0.85, 1.15)),
        bumps=float(rng.uniform(1.2, 3.2)),
        fissure=float(rng.uniform(0.2, 3.0)),
    )


def _draw_organs(rng: np.random.Generator) -> Organs:
    return Organs(
        spleen=float(rng.uniform(0.85, 1.2)),
        kidneys=_two(rng.uniform(0.93, 1.06, size=2)),
        kidney_shift=_two(rng.uniform(-12, 10, size=2)),
        gallbladder=float(rng.uniform(0.7, 1.25)) if rng.random() < 0.85 else 0.0,
        stomach=float(rng.uniform(0.75, 1.2)),
        stomach_fill=float(rng.uniform(0.15, 0.9)),
        oral_contrast=float(rng.uniform(80, 260)) if rng.random() < 0.35 else 0.0,
        bowel_gas=float(rng.uniform(0.1, 0.6)),
    )


def _draw_scan(rng: np.random.Generator) -> Scan:
    return Scan(
        pixels=int(rng.choice(PIXELS)),
        margin=float(rng.uniform(1.06, 1.16)),
        thickness=float(rng.choice(SPACINGS_MM)),
        top=float(rng.uniform(14, 38)),
        bottom=float(rng.uniform(14, 40)),
        shift=_two(rng.uniform((-6, -4), (6, 8))),
        origin=_three(np.round(rng.uniform((-25, -60, -900), (25, 60, 300)), 1)),
        orientation=str(rng.choice(ORIENTATIONS, p=ORIENTATION_SHARES)),
        noise=float(rng.uniform(8, 20)),
        blur=float(rng.uniform(0.55, 0.85)),
        round_field=bool(rng.random() < 0.4),
    )
