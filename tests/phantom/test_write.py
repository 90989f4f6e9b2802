"""Whole patients: files to the byte, geometry, anatomy against published volumes."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from upwind.data.volumes import read_volume
from upwind.phantom.hounsfield import Tissue
from upwind.phantom.patients import draw_patient
from upwind.phantom.write import (
    Phantom,
    make_phantom,
    slice_stack,
    tissue_volumes,
    write_patient,
)

SEED = 1
LIVER = (
    Tissue.LIVER,
    Tissue.HEPATIC_VEIN,
    Tissue.PORTAL_BRANCH,
    Tissue.TUMOUR,
    Tissue.TUMOUR_CORE,
)


def digest(folder: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())]


def write(number: int, folder: Path) -> tuple[Path, Path]:
    paths = folder / f"volume-{number}.nii.gz", folder / f"segmentation-{number}.nii.gz"
    write_patient(number, SEED, *paths)
    return paths


@pytest.fixture(scope="module")
def coarse() -> list[Phantom]:
    """Twenty patients on a coarse grid: the same anatomy, a twentieth of the points."""
    phantoms = []
    for number in range(20):
        patient = draw_patient(number, SEED)
        scan = replace(patient.scan, pixels=56, thickness=8.0)
        phantoms.append(make_phantom(replace(patient, scan=scan)))
    return phantoms


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("phantom")
    write(11, folder)
    return folder, 11


def test_files_are_the_same_to_the_byte_on_any_number_of_threads(written, tmp_path):
    folder, number = written
    code = (
        "from upwind.phantom.write import write_patient as w;"
        f"w({number}, {SEED}, r'{tmp_path}/volume-{number}.nii.gz',"
        f" r'{tmp_path}/segmentation-{number}.nii.gz')"
    )
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "3")
    subprocess.run([sys.executable, "-c", code], env=os.environ | threads, check=True)
    assert digest(tmp_path) == digest(folder)
    # Nothing else is left in the folder.
    assert len(list(tmp_path.iterdir())) == 2


def test_files_carry_lits_names_types_and_one_grid(written):
    folder, number = written
    image = nib.load(folder / f"volume-{number}.nii.gz")
    label = nib.load(folder / f"segmentation-{number}.nii.gz")
    assert image.get_data_dtype() == np.int16
    assert label.get_data_dtype() == np.uint8
    assert image.shape == label.shape
    np.testing.assert_array_equal(image.affine, label.affine)
    assert np.any(np.abs(image.affine[:3, 3]) > 1)
    assert min(sorted(image.shape)[1:]) >= 128
    assert set(np.unique(np.asanyarray(label.dataobj))) == {0, 1, 2}
    assert np.asanyarray(image.dataobj).min() >= -1024


@pytest.mark.parametrize("codes", ["LPS", "ASR", "PSL", "LPI"])
def test_stored_orientation_does_not_move_the_patient(codes, tmp_path, monkeypatch):
    patient = draw_patient(1, SEED)
    patient = replace(
        patient, scan=replace(patient.scan, pixels=40, thickness=8.0, orientation=codes)
    )
    monkeypatch.setattr("upwind.phantom.write.draw_patient", lambda number, seed: patient)
    image, label = write(1, tmp_path)
    expected = make_phantom(patient)
    volume = read_volume(image)
    assert volume.grid.orientation == codes
    np.testing.assert_array_equal(volume.array, expected.hu)
    np.testing.assert_array_equal(read_volume(label).array, expected.labels)
    # A voxel's place in the world is the same whichever way the array is stored.
    canonical = nib.as_closest_canonical(nib.load(image))
    np.testing.assert_allclose(canonical.affine, expected.affine, atol=1e-3)


def test_organ_volumes_lie_in_published_ranges(coarse):
    livers = [sum(p.volumes[t] for t in LIVER) for p in coarse]
    # Adults: mean about 1500 ml, most of 900 to 2500 (Vauthey et al., Liver Transpl 2002;8:233;
    # Geraghty et al., Abdom Imaging 2004;29:482).
    assert min(livers) > 900
    assert max(livers) < 2500
    assert np.mean(livers) == pytest.approx(1500, abs=200)
    assert np.std(livers) > 150
    # Mean about 215 ml, normal 107 to 315 (Prassopoulos et al., Eur Radiol 1997;7:246), and
    # beyond in both directions in patients.
    spleens = [p.volumes[Tissue.SPLEEN] for p in coarse]
    assert min(spleens) > 80
    assert max(spleens) < 400
    # 202 (36) ml in men, 154 (33) ml in women, each (Cheong et al., CJASN 2007;2:38).
    kidneys = [p.volumes[Tissue.RENAL_CORTEX] + p.volumes[Tissue.RENAL_MEDULLA] for p in coarse]
    assert min(kidneys) > 2 * 88
    assert max(kidneys) < 2 * 274
    assert all(p.volumes[Tissue.GALLBLADDER] < 80 for p in coarse)


def test_half_of_the_patients_have_tumours_within_the_liver(coarse):
    assert [bool(np.any(p.labels == 2)) for p in coarse] == [n % 2 == 1 for n in range(20)]
    for phantom in coarse:
        liver = sum(phantom.volumes[t] for t in LIVER)
        tumour = phantom.volumes[Tissue.TUMOUR] + phantom.volumes[Tissue.TUMOUR_CORE]
        assert tumour < 0.25 * liver


def test_the_liver_is_one_organ_on_the_right_with_slices_without_it_above_and_below(coarse):
    for phantom in coarse:
        liver = phantom.labels > 0
        parts, count = ndimage.label(liver)
        sizes = np.bincount(parts.ravel())[1:]
        assert count >= 1
        assert sizes.max() > 0.98 * liver.sum()
        middle = (liver.shape[0] - 1) / 2
        across = np.flatnonzero(liver.any(axis=(1, 2)))
        assert ndimage.center_of_mass(liver)[0] > middle + 5
        assert across.min() < middle  # the left lobe crosses the midline
        with_liver = np.flatnonzero(liver.any(axis=(0, 1)))
        assert with_liver[0] >= 1
        assert with_liver[-1] <= liver.shape[2] - 2


def test_no_two_patients_are_alike(coarse):
    assert len({p.hu.tobytes() for p in coarse}) == 20
    assert len({p.affine[0, 0] for p in coarse}) == 20
    assert len({p.hu.shape[2] for p in coarse}) >= 5


def test_slice_stacks_are_those_of_thick_slice_scans():
    counts = [slice_stack(draw_patient(n, s))[0] for n in range(100) for s in range(3)]
    assert min(counts) >= 18
    assert max(counts) <= 45


def test_labels_agree_with_the_true_volumes(coarse):
    for phantom in coarse:
        voxel = abs(np.linalg.det(phantom.affine[:3, :3])) / 1000
        truth = sum(phantom.volumes[t] for t in LIVER)
        assert np.count_nonzero(phantom.labels) * voxel == pytest.approx(truth, rel=0.05)


def test_tissue_volumes_count_points():
    tissue = np.array([[[Tissue.LIVER, Tissue.LIVER, Tissue.FAT]]], np.uint8)
    volumes = tissue_volumes(tissue, 500.0)
    assert volumes[Tissue.LIVER] == 1.0
    assert volumes[Tissue.FAT] == 0.5
    assert sum(volumes.values()) == 1.5
