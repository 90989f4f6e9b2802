"""Fixtures of tests that read runs: a hand-made experiment with records, and a finished run of the
workflow."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from upwind.methods import catalogue, to_json
from upwind.provenance.hashing import FileState, files_in, state_of
from upwind.provenance.records import Record, record_path, write_record
from upwind.results import Result, ResultList

REPOSITORY = Path(__file__).resolve().parents[1]
HOME, DATA = "results/x", "data/made"
# Every rule, as little of each as there can be.
SETTINGS = {
    "experiment": "tiny",
    "folds": 2,
    "image_size": 32,
    "dataset": {"patients": 2, "root": "data/phantom"},
    "unet": {"epochs": 1},
    "lsn": {"epochs": 1, "steps": 10},
    "levelset": {
        "trials": 1,
        "spacing_mm": 8.0,
        "blind": {"patients": 2, "trials": 1, "spacing_mm": 12.0, "max_iterations": 60},
    },
    "kernels": {"spectrum_size": 64, "references": 3, "starts": 2, "sample": 200},
    "comparison": {"resamples": 100},
}
CONFIG = {"experiment": "x", "dataset": {"root": DATA}, "training": {"failed_below": 0.5}}


class Project:
    """A folder in which jobs wrote files and records, as the workflow would."""

    home, data = HOME, DATA

    def __init__(self, root):
        self.root = root

    @property
    def results(self):
        return self.root / HOME

    def write(self, path, text):
        """Write a file; return its path."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return path

    def state(self, path):
        return state_of(self.root / path)

    def states(self, paths) -> dict[str, FileState]:
        files = [file for path in paths for file in files_in([self.root / path])]
        return {str(file.relative_to(self.root)): state_of(file) for file in files}

    def job(self, rule, inputs=(), outputs=(), folder=HOME, declared=None, **others):
        """Leave the record of a job that read ``inputs`` and wrote ``outputs`` (text by path)."""
        for path, text in dict(outputs).items():
            self.write(path, text)
        log = self.write(f"{HOME}/logs/{rule}.log", f"log of {rule}")
        fields = {
            "rule": rule,
            "wildcards": {},
            "inputs": self.states(inputs),
            "outputs": self.states(outputs),
            "logs": self.states([log]),
            "declared": sorted(declared or outputs),
            "order_only": [],
            "params": {},
            "code": {},
            "packages": {},
            "git": {"commit": "c" * 40, "dirty": False},
            "machine": {"python": "3"},
            "started": "2026-01-01T00:00:00+00:00",
            "ended": "2026-01-01T00:00:01+00:00",
        }
        record = Record(**fields | others)
        write_record(self.record(rule, folder, record.wildcards), record)
        return record

    def record(self, rule, folder=HOME, wildcards=None):
        """Where the record of a job lies."""
        return record_path(self.root / folder, rule, wildcards or {})


@pytest.fixture
def project(tmp_path):
    """Raw label, and a made volume -> slices -> weights -> masks in a folder -> scores -> table."""
    made = Project(tmp_path)
    volume, label = f"{DATA}/volume-0.nii", "raw/labels/segmentation-0.nii"
    made.write(label, "a label")
    slices, weights = f"{HOME}/slices/case-0.st", f"{HOME}/networks/unet/0/weights.st"
    masks, scores = f"{HOME}/segmentations/unet/0", f"{HOME}/scores.csv"
    cases = f"{HOME}/cases.csv"
    made.job("make", outputs={volume: "a volume"}, folder=DATA)
    made.job(
        "write_config",
        outputs={f"{HOME}/config.yaml": yaml.safe_dump(CONFIG)},
        params={"config": CONFIG},
    )
    made.job("collect", outputs={cases: "case\n0\n"})
    made.job("slice", [volume, label, cases], {slices: "slices"}, order_only=[cases])
    made.job("train", [slices], {weights: "weights"}, params={"seed": 0, "unet": {"epochs": 2}})
    files = {f"{masks}/segmentation-{case}.nii": f"mask {case}" for case in (0, 1)}
    made.job("segment", [weights, slices], files, declared=[masks])
    made.write(f"{masks}/.snakemake_timestamp", "")
    made.job("score", [masks, label], {scores: "scores"})
    made.job("tabulate", [scores], {f"{HOME}/table1.csv": "table"})
    return made


SCORES = {
    "itk_snap": {0: (0.9, 0.8), 1: (0.7, 0.6)},
    "unet": {0: (0.875, 0.625), 1: (0.5, 0.25)},
    "lsn": {0: (0.75, 0.5), 1: (0.25, 0.125)},
}


def score_table(methods, folds=(0, 1)):
    """Text of a file of scores: two unseen cases a fold, the LSN also on held-out slices."""
    lines = ["method,fold,case,subset,dsc"]
    for method in methods:
        for fold in folds:
            for case, dsc in zip((2 * fold, 2 * fold + 1), SCORES[method][fold], strict=True):
                lines.append(f"{method},{fold},{case},unseen,{dsc}")
                if method == "lsn":
                    lines.append(f"lsn,{fold},{3 - case},heldout,{dsc / 2}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def experiment(tmp_path):
    """From made volumes of four cases to Table I, over two folds and all three methods."""
    made = Project(tmp_path)
    code = {"code": {"train.py": "e" * 64, "upwind.common": "f" * 64}}
    code |= {"packages": {"numpy": "2.4.6"}}
    for case in range(4):
        files = {f"{DATA}/{kind}-{case}.nii": f"{kind} {case}" for kind in ("volume", "label")}
        made.job("make_phantom", (), files, DATA, wildcards={"case": str(case)}, logs={}, **code)
        made.job(
            "slice_case",
            [*files],
            {f"{HOME}/slices/case-{case}.st": f"slices {case}"},
            wildcards={"case": str(case)},
            logs={},
            params={"code": "a" * 64, "image_size": 32},
            **code,
        )
    slices = [f"{HOME}/slices/case-{case}.st" for case in range(4)]
    made.job("assign_folds", slices, {f"{HOME}/folds.csv": "case,fold\n"}, **code)
    for method, epochs in (("unet", 2), ("lsn", 3)):
        for fold in (0, 1):
            _network(made, method, str(fold), slices, epochs, code)
    labels = [f"{DATA}/label-{case}.nii" for case in range(4)]
    text = {f"{HOME}/scores/itk_snap.csv": score_table(["itk_snap"])}
    made.job("score_untrained", labels, text, wildcards={"method": "itk_snap"})
    by_method = [f"{HOME}/scores/{m}-{f}.csv" for m in ("unet", "lsn") for f in (0, 1)]
    by_method.append(f"{HOME}/scores/itk_snap.csv")
    made.job("gather_scores", by_method, {f"{HOME}/scores.csv": score_table(SCORES)})
    weights = [f"{HOME}/networks/{m}/{f}/weights.st" for m in ("unet", "lsn") for f in (0, 1)]
    made.job("collect_verdicts", weights, {f"{HOME}/verdicts.csv": "method,fold,failed\n"})
    table = "fold,itk_snap,unet,lsn_test,lsn_validation\n0,0.85,0.75,0.3125,0.625\n"
    table += "1,0.65,0.375,0.09375,0.1875\navg,0.75,0.5625,0.203125,0.40625\n"
    table += "avg_without_1,0.85,0.75,0.3125,0.625\n"
    read = [f"{HOME}/scores.csv", f"{HOME}/verdicts.csv"]
    made.job("tabulate", read, {f"{HOME}/table1.csv": table}, params={"failed_below": 0.5})
    made.job("describe_methods", (), {f"{HOME}/methods.json": json.dumps(to_json(catalogue()))})
    results = ResultList(folders=[Result("slices", released=False, published=False)]).as_json()
    params = {"config": CONFIG, "results": results}
    made.job("write_config", (), {f"{HOME}/config.yaml": "x"}, params=params)
    return made


def _network(made, method, fold, slices, epochs, code):
    about = {"wildcards": {"network": method, "fold": fold}, "logs": {}, **code}
    weights = f"{HOME}/networks/{method}/{fold}/weights.st"
    params = {"code": "b" * 64, "seed": 0, "network": {"epochs": epochs}}
    unseen = {"0": (0, 1), "1": (2, 3)}[fold]
    seen = [slices[case] for case in range(4) if case not in unseen]
    made.job("train", seen, {weights: f"{method} {fold}"}, params=params, **about)
    masks = {f"{HOME}/segmentations/{method}/{fold}/segmentation-{c}.nii": "mask" for c in unseen}
    made.job("segment_fold", [weights, *slices, f"{HOME}/folds.csv"], masks, **about)
    labels = [f"{DATA}/label-{case}.nii" for case in range(4)]
    text = score_table([method], [int(fold)])
    made.job(
        "score_network", [*masks, *labels], {f"{HOME}/scores/{method}-{fold}.csv": text}, **about
    )


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory, python):
    """The folder in which the workflow ran to its end, once for all files of tests."""
    base = tmp_path_factory.getbasetemp()
    # With pytest-xdist each worker has a folder of its own in this one.
    shared = base.parent if base.name.startswith("popen-") else base
    folder = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            _run_workflow(folder, python)
            (folder / "done").touch()
    return folder


@pytest.fixture
def finished(finished_once, tmp_path):
    """A copy of that folder, to be changed at will."""
    return Path(shutil.copytree(finished_once, tmp_path / "copy", symlinks=True))


def _run_workflow(folder, python):
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SETTINGS))
    command = [python, "-m", "snakemake", "--snakefile", str(REPOSITORY / "workflow/Snakefile")]
    command += ["--directory", str(folder), "--cores", "2", "--configfile", "tiny.yaml"]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
