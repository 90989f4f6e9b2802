"""Make a patient of the phantom and write it as LiTS names and stores its cases."""

import os
from dataclasses import dataclass

import numpy as np
from nibabel import orientations

from upwind.data.volumes import write_stored
from upwind.phantom import bones, liver, physics, torso, viscera
from upwind.phantom.hounsfield import Tissue, draw_attenuation
from upwind.phantom.patients import MAX_SLICES, SPACINGS_MM, Patient, draw_patient
from upwind.phantom.scene import SUBSLICES, Scene
from upwind.phantom.trunk import body_extent, measure_trunk

_CANONICAL = orientations.axcodes2ornt(("R", "A", "S"))


@dataclass(frozen=True)
class Phantom:
    """One patient: ``hu`` (int16) and ``labels`` (uint8: 0 background, 1 liver, 2 tumour), both
    canonical (x, y, z); ``affine`` in mm; ``volumes``: true volume of every tissue in ml, within
    the scan."""

    hu: np.ndarray
    labels: np.ndarray
    affine: np.ndarray
    volumes: dict[Tissue, float]


def write_patient(
    number: int,
    seed: int,
    volume_path: str | os.PathLike[str],
    segmentation_path: str | os.PathLike[str],
) -> None:
    """Write patient ``number`` (from 0) of the phantom ``seed``: CT (int16 HU) and label (uint8).

    The files depend on (seed, number) alone, to the byte, so patients can be made in any order
    and in parallel. Numbers below 0 raise ValueError.
    """
    patient = draw_patient(number, seed)
    phantom = make_phantom(patient)
    _write(volume_path, phantom.hu, phantom.affine, patient.scan.orientation)
    _write(segmentation_path, phantom.labels, phantom.affine, patient.scan.orientation)


def make_phantom(patient: Patient) -> Phantom:
    """Build ``patient``'s body, scan it, and label it."""
    axes, affine = _grid(patient)
    table = draw_attenuation(patient.generator("attenuation"), patient.phase)
    scene = Scene(axes, table, patient.generator("deformation"), patient.habitus.roll)
    paint_anatomy(patient, scene)

    scan = patient.scan
    half, low, high = body_extent(patient)
    pixel, thickness = float(affine[0, 0]), float(affine[2, 2])
    hu = physics.slices_from_subslices(scene.hu, scan.blur)
    level = physics.noise_level(scan.noise, thickness, 2 * half)
    half_axes = (half / pixel, (high - low) / 2 / pixel)
    hu = physics.add_noise(hu, patient.generator("noise"), level, half_axes)
    return Phantom(
        hu=physics.to_stored(hu, scan.round_field),
        labels=physics.labels_from_subslices(scene.tissue),
        affine=affine,
        volumes=tissue_volumes(scene.tissue, pixel * pixel * thickness / SUBSLICES),
    )


def paint_anatomy(patient: Patient, scene: Scene) -> None:
    """Paint the body from the outside inwards; what is painted later lies in front."""
    body, trunk = scene.everywhere(), measure_trunk(patient, scene)
    torso.paint_couch(patient, scene)
    torso.paint_wall(patient, scene, trunk, body)
    bones.paint_ribs(patient, scene, trunk, body)
    bones.paint_spine(patient, scene)
    torso.paint_chest(patient, scene, trunk, body)
    viscera.paint_bowel(patient, scene, trunk)
    viscera.paint_pancreas(patient, scene, trunk)
    viscera.paint_stomach(patient, scene, trunk)
    viscera.paint_spleen(patient, scene, trunk)
    box, distance = liver.paint_liver(patient, scene, trunk)
    viscera.paint_kidneys(patient, scene, trunk)
    viscera.paint_gallbladder(patient, scene, trunk)
    viscera.paint_great_vessels(patient, scene)
    distance = liver.without_neighbours(scene, box, distance)
    liver.paint_vessels(patient, scene, box, distance)
    liver.paint_tumours(patient, scene, box, distance)


def tissue_volumes(tissue: np.ndarray, point_mm3: float) -> dict[Tissue, float]:
    """Volume in ml of every tissue in an array of :class:`Tissue` with points of ``point_mm3``."""
    counts = np.bincount(tissue.reshape(-1), minlength=len(Tissue))
    return {item: float(counts[item]) * point_mm3 / 1000 for item in Tissue}


def slice_stack(patient: Patient) -> tuple[int, float]:
    """Number of slices and their thickness (mm). A scan too long for ``MAX_SLICES`` is made in
    the next thicker slices."""
    scan = patient.scan
    length = scan.top - liver.liver_bottom(patient) + scan.bottom
    fitting = (t for t in SPACINGS_MM if t >= scan.thickness and length / t <= MAX_SLICES)
    thickness = next(fitting, scan.thickness)
    return int(np.ceil(length / thickness)), thickness


def _grid(patient: Patient) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Axes of the subslices in the patient's coordinates (mm), and the canonical affine."""
    scan = patient.scan
    half, low, high = body_extent(patient)
    field = 2 * max(half, (high - low) / 2) * scan.margin
    pixel = round(field / scan.pixels, 4)
    count, thickness = slice_stack(patient)
    x, y = ((np.arange(scan.pixels) - (scan.pixels - 1) / 2) * pixel for _ in range(2))
    z = scan.top - (np.arange(count * SUBSLICES)[::-1] + 0.5) * thickness / SUBSLICES
    axes = (x + scan.shift[0], y + (low + high) / 2 + scan.shift[1], z)
    affine = np.diag([pixel, pixel, thickness, 1.0])
    affine[:3, 3] = scan.origin
    return axes, affine


def _write(
    path: str | os.PathLike[str], canonical: np.ndarray, affine: np.ndarray, codes: str
) -> None:
    turn = orientations.ornt_transform(_CANONICAL, orientations.axcodes2ornt(tuple(codes)))
    stored = np.ascontiguousarray(orientations.apply_orientation(canonical, turn))
    turned = affine @ orientations.inv_ornt_aff(turn, canonical.shape)
    write_stored(path, stored, turned)
