"""Seconds of the level set engines on the same problem, on one CPU thread, engine beside engine.

Phantom patients in ITK-SNAP's region and edge mode with its defaults. Every engine runs in a
process of its own, imported and compiled before; rounds in turn, the best counts. `make bench` runs
it.
"""

import argparse
import importlib.util
import tempfile
from pathlib import Path

from upwind.data.volumes import read_volume
from upwind.data.voxels import read_positive
from upwind.levelset.comparison import compare
from upwind.levelset.engines.registry import ENGINES
from upwind.phantom.write import write_patient
from upwind.settings.levelset import OperatorSettings


def main() -> None:
    """Print a row for each patient, mode and engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[0, 3])
    parser.add_argument("--spacing", type=float, default=4.0, help="of the working grid, mm")
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    installed = [n for n in ENGINES if n != "c3d" or importlib.util.find_spec("picsl_c3d")]
    for patient in given.patients:
        print_patient(patient, installed, given)


def print_patient(patient: int, installed: list[str], given: argparse.Namespace) -> None:
    """The best of all rounds of each engine, and how it compares with SimpleITK."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "volume.nii.gz"), Path(folder, "segmentation.nii.gz")
        write_patient(patient, 0, *paths)
        volume = read_volume(paths[0])
        label = read_positive(paths[1], volume.grid.affine)
    settings = OperatorSettings(spacing_mm=given.spacing)
    rounds = [
        compare(patient, volume, label, settings, installed, given.iterations)
        for _ in range(given.rounds)
    ]
    for rows in zip(*rounds, strict=True):
        best = min(rows, key=lambda row: row["seconds"])
        if best["engine"] == "simpleitk":
            first = best["seconds"]
        print(
            f"patient {patient}  {best['voxels']:7d} voxels  {best['mode']:6s} "
            f"{best['engine']:9s} {best['seconds']:6.2f} s  x {first / best['seconds']:5.2f}  "
            f"{best['memory_mb'] or 0:6.1f} MB  DSC with SimpleITK {best['dsc_simpleitk']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
