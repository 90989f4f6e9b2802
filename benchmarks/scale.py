"""Peak memory and seconds of every step on a volume of LiTS' largest size, as multiples of the
volume as it is stored, and what a run of all of LiTS needs by these measurements.

The volume is synthetic (int16, 512 x 512 x 1000 voxels, 524 MB); each step is a process of its own,
as in the workflow, on one CPU thread. `make bench` runs it: about a quarter of an hour and 2 GB of
disk in a temporary folder, which is removed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lits_run
import yaml
from synthetic import write_case

REPOSITORY = Path(__file__).resolve().parents[1]
IN_PLANE, DEPTH = 512, 1000
TARGET = 3.0  # multiples of the volume at most, libraries included
# The LSN takes more than a second a slice here: the volume is read and written whole, and this many
# of its slices go through the network. So many are held out, too.
FEW_SLICES = 20
LEVEL_SET_TRIALS = 3  # of the 20 that a case has


def settings() -> dict:
    """The configuration of the LiTS run."""
    from snakemake.utils import update_config

    from upwind.settings.check import check_config

    files = [REPOSITORY / "config" / name for name in ("config.yaml", "lits.yaml")]
    merged, lits = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    update_config(merged, lits)
    return check_config(merged)


# Steps: each imports what its job does and returns the work itself, which may say more about it --


def check(folder: Path, ending: str) -> Callable[[], object]:
    """The check of a case."""
    from upwind.common.files import write_json
    from upwind.data.check import check_case
    from upwind.data.naming import CaseFiles

    case = CaseFiles(0, *_pair(folder, ending))
    return lambda: write_json(folder / "case.json", check_case(case).to_dict())


def slice_(folder: Path, ending: str) -> Callable[[], object]:
    """Slices of 256 pixels."""
    from upwind.data.slices import slice_case, write_slices

    size = settings()["image_size"]
    return lambda: write_slices(_slices(folder), slice_case(0, *_pair(folder, ending), size))


def unet(folder: Path, ending: str) -> Callable[[], object]:
    """The UNet on every slice."""
    from upwind.segmentation.folds import segment_unseen

    network, recipe, device = network_for("unet")
    timed = _timed(network)

    def work() -> dict[str, float]:
        segment_unseen(timed, recipe, [_slices(folder)], [0], folder / "unet/unseen", device)
        return {"network_seconds": timed.seconds / timed.slices}

    return work


def lsn(folder: Path, ending: str) -> Callable[[], object]:
    """The LSN on some slices of the volume."""
    import numpy as np

    from upwind.segmentation.folds import segment_heldout

    network, recipe, device = network_for("lsn")
    timed, chosen = _timed(network), {0: np.arange(FEW_SLICES)}

    def work() -> dict[str, float]:
        segment_heldout(timed, recipe, [_slices(folder)], chosen, folder / "lsn/heldout", device)
        return {"network_seconds": timed.seconds / timed.slices}

    return work


def level_set(folder: Path, ending: str) -> Callable[[], object]:
    """ITK-SNAP's level set with few trials."""
    from upwind.data.volumes import read_volume, write_mask
    from upwind.data.voxels import read_positive
    from upwind.levelset.itk_snap.operator import operate
    from upwind.settings.levelset import OperatorSettings, operator_options

    options = operator_options(settings()["levelset"])
    budget = OperatorSettings(**options | {"trials": LEVEL_SET_TRIALS})
    image, label = _pair(folder, ending)

    def work() -> dict[str, float]:
        volume = read_volume(image)
        liver = read_positive(label, volume.grid.affine)
        result = operate(volume, liver, budget, [0, 0])
        write_mask(folder / "level_set.nii.gz", result.mask, volume.grid)
        in_trials = sum(row["seconds"] for row in result.trials)
        return {"in_trials": in_trials, "trials": len(result.trials)}

    return work


def score(folder: Path, ending: str) -> Callable[[], object]:
    """Scores of a plausible segmentation of the whole volume."""
    return _unseen(folder, ending, "found")


def score_everywhere(folder: Path, ending: str) -> Callable[[], object]:
    """Scores of a segmentation that is liver everywhere."""
    return _unseen(folder, ending, "everywhere")


def score_heldout(folder: Path, ending: str) -> Callable[[], object]:
    """Scores of some slices of a volume, which is read whole for them."""
    import numpy as np

    from upwind.scores.folds import heldout_rows

    raw, chosen = _raw(folder, ending), {0: np.arange(FEW_SLICES)}
    return lambda: _write_scores(folder, heldout_rows(folder / "found", chosen, raw))


def segment_command(folder: Path, ending: str) -> Callable[[], object]:
    """`upwind segment` with the UNet."""
    import torch

    from upwind.networks.weights import save_weights
    from upwind.segmentation.ensemble import load_ensemble
    from upwind.segmentation.files import segment_files
    from upwind.segmentation.targets import Target

    network, recipe, _ = network_for("unet")
    save_weights(folder / "weights.safetensors", network, recipe)
    target = Target(_pair(folder, ending)[0], folder / "mask.nii.gz")
    ensemble = load_ensemble([folder / "weights.safetensors"])
    return lambda: list(segment_files([target], ensemble, False, torch.device("cpu")))


STEPS = {
    "check": check,
    "slice": slice_,
    "predict: UNet": unet,
    "predict: LSN": lsn,
    "predict: level set": level_set,
    "score": score,
    "score: liver everywhere": score_everywhere,
    "score: held-out slices": score_heldout,
    "upwind segment": segment_command,
}


def _pair(folder: Path, ending: str) -> tuple[Path, Path]:
    return folder / f"volume-0.{ending}", folder / f"segmentation-0.{ending}"


def _slices(folder: Path) -> Path:
    return folder / "case-0.safetensors"


def network_for(name: str):
    """An untrained network with LiTS' settings, its recipe, and the device."""
    import torch

    from upwind.networks.weights import Recipe, build
    from upwind.training.device import use_device

    if name == "lsn":
        import upwind.levelset.equation.fused  # noqa: F401  (which the first slice would import)
    torch.manual_seed(0)
    given = settings()
    options = {key: value for key, value in given[name].items() if key != "epochs"}
    if radius := options.pop("disc_radius", None):
        options["disc"] = (0.45, 0.35, radius)
    recipe = Recipe(name, given["image_size"], tuple(given["intensity"]["window"]), options=options)
    return build(recipe), recipe, use_device("cpu", 1)


def _timed(network):
    """The network, which sums the seconds of CPU it takes and the slices it sees."""
    from torch import nn

    class Timed(nn.Module):
        seconds, slices = 0.0, 0

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, slices):
            start = time.process_time()
            found = self.network(slices)
            self.seconds += time.process_time() - start
            self.slices += len(slices)
            return found

    return Timed()


def _unseen(folder: Path, ending: str, segmentations: str) -> Callable[[], object]:
    from upwind.scores.folds import unseen_rows

    raw = _raw(folder, ending)
    return lambda: _write_scores(folder, unseen_rows(folder / segmentations, [0], raw))


def _raw(folder: Path, ending: str):
    from upwind.scores.raw import RawCases

    return RawCases.of([0], *([path] for path in _pair(folder, ending)))


def _write_scores(folder: Path, rows) -> None:
    from upwind.common.files import write_csv
    from upwind.scores.cases import scores_table

    write_csv(folder / "scores.csv", scores_table(rows))


# The processes, and the table of what they took --------------------------------------------------


def main() -> None:
    """Print both tables, or take one step (used by the tables' own processes)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=DEPTH, help="slices of the volume")
    parser.add_argument("--one", nargs=3, metavar=("STEP", "FOLDER", "ENDING"))
    given = parser.parse_args()
    if given.one:
        step, folder, ending = given.one
        print(json.dumps(take(step, Path(folder), ending)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measured = measure_all(folder, given.depth)
        lits_run.print_needs(measured, sizes_of(folder, given.depth), settings())


def measure_all(folder: Path, depth: int) -> dict[str, dict[str, float]]:
    """Print the table of steps, first of an uncompressed, then of a compressed volume; what each
    step took of the compressed one."""
    shape = (IN_PLANE, IN_PLANE, depth)
    stored = 2 * IN_PLANE * IN_PLANE * depth
    print(f"A volume of {IN_PLANE} x {IN_PLANE} x {depth} voxels, int16: {stored / 1e6:.0f} MB")
    print(f"{'':36s}  libraries     peak  x volume   seconds  of CPU")
    measured = {}
    for ending in ("nii", "nii.gz"):
        write_case(folder, shape, ending)
        for step in STEPS:
            if step.startswith("predict: ") and step != "predict: level set" and ending == "nii":
                continue  # reads the slices, whatever they were made from
            took = measured[step] = run_one(step, folder, ending)
            print(
                f"{step:28s} {ending:7s} {took['base'] / 1e6:7.0f} MB {took['peak'] / 1e6:5.0f} MB "
                f"{took['peak'] / stored:9.2f} {took['seconds']:9.1f} {took['cpu']:7.1f}"
                + (
                    ""
                    if took["peak"] <= TARGET * stored or depth < DEPTH
                    else f"  above {TARGET:g} x"
                ),
                flush=True,
            )
        for path in folder.glob(f"*-0.{ending}") if ending == "nii" else ():
            path.unlink()
    return measured


def run_one(step: str, folder: Path, ending: str) -> dict[str, float]:
    """Take a step in a process of its own."""
    command = [sys.executable, __file__, "--one", step, str(folder), ending]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def take(step: str, folder: Path, ending: str) -> dict[str, float]:
    """Take a step in this process: bytes of memory of its libraries (``base``) and at its ``peak``,
    the seconds of its work, also those of CPU, and what it says of itself."""
    work = STEPS[step](folder, ending)
    base, start, cpu = _memory("VmRSS"), time.perf_counter(), time.process_time()
    said = work()
    took = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    more = said if isinstance(said, dict) else {}
    return {"base": base, "peak": _memory("VmHWM")} | took | more


def _memory(key: str) -> int:
    # Rather than getrusage's ru_maxrss, which a process inherits from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))


def sizes_of(folder: Path, depth: int) -> dict[str, float]:
    """Bytes a slice of each kind of file, and of a network's weights."""
    files = {
        "volume": folder / "volume-0.nii.gz",
        "label": folder / "segmentation-0.nii.gz",
        "slices": _slices(folder),
        "segmentation": folder / "found/segmentation-0.nii.gz",
    }
    sizes = {name: path.stat().st_size / depth for name, path in files.items()}
    return sizes | {"weights": (folder / "weights.safetensors").stat().st_size, "depth": depth}


if __name__ == "__main__":
    main()
