"""What runs again after an edit: never a job more, never one fewer.

One small experiment is run once, in a copy of the repository. Each edit is then made on it,
compared with what Snakemake plans, and taken back; a part is really run. With pytest-xdist use
``--dist loadfile``.
"""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENTS, FOLDS = 4, 2
SETTINGS = {
    "experiment": "tiny",
    "folds": FOLDS,
    "image_size": 32,
    "dataset": {"patients": PATIENTS, "root": "data/phantom"},
    "unet": {"epochs": 1},
    "lsn": {"epochs": 1, "steps": 4},
    "levelset": {
        "trials": 1,
        "spacing_mm": 10.0,
        "blind": {"patients": 2, "trials": 1, "spacing_mm": 12.0, "max_iterations": 60},
    },
    "kernels": {"spectrum_size": 64, "references": 3, "starts": 2, "sample": 200},
    "comparison": {"resamples": 100},
}
RESULTS = "results/tiny"

# Jobs that follow from what is named. Every fold has its network; the kernels' UNet is one more.
TABLES = Counter(tabulate=1, compare_methods=1, draw_scores=1, draw_gallery=1)
SCORES = Counter(gather_scores=1) + TABLES
SEGMENTED = Counter(segment_fold=FOLDS, score_network=FOLDS) + SCORES
JUDGED = Counter(collect_verdicts=1, draw_curves=1, tabulate=1)
KERNELS = Counter(
    cluster_kernels=1, draw_figure2=1, draw_figure2_all_layers=1, draw_figure2_icons=1
)
MEASURES = Counter(measure_kernels=1, draw_content=1, draw_figure2_icons=1)
CLUSTER_TENDENCY = Counter(measure_cluster_tendency=1, draw_cluster_tendency=1)
UNET = Counter(train=FOLDS + 1, train_variant=1, draw_figure1=1) | JUDGED | SEGMENTED
UNET |= KERNELS | MEASURES | CLUSTER_TENDENCY
STENCILS = Counter(describe_stencils=1, draw_stencils=1)
LSN = Counter(train=FOLDS) | JUDGED | STENCILS | MEASURES | SEGMENTED
BOTH = UNET | LSN | Counter(train=2 * FOLDS + 1)
BOTH |= Counter(segment_fold=2 * FOLDS, score_network=2 * FOLDS)
SEARCHES = Counter(draw_searches=1)
OPERATOR = Counter(operate_level_set=PATIENTS, score_untrained=1) + SEARCHES + SCORES
BLIND = Counter(tune_level_set=FOLDS, segment_blind=FOLDS, score_untrained=1) + SEARCHES + SCORES
LEVEL_SET = OPERATOR | BLIND | Counter(score_untrained=2)
SPLIT = Counter(split_fold=FOLDS + 1, gather_splits=1)
FIGURES = Counter(
    draw_figure1=1,
    draw_figure2=1,
    draw_figure2_all_layers=1,
    draw_figure2_icons=1,
    draw_cluster_tendency=1,
    draw_content=1,
    draw_stencils=1,
    draw_curves=1,
    draw_scores=1,
    draw_gallery=1,
    draw_searches=1,
    draw_convergence=1,
)
CONVERGENCE = Counter(measure_convergence=1, draw_convergence=1)
CONFIG = Counter(write_config=1)
NOTHING = Counter()


class Project:
    """A copy of the repository in which the experiment is run, by ``python``, and edited."""

    def __init__(self, folder, python):
        self.folder, self.python = folder, python
        for name in ("workflow", "src", "config", "envs"):
            shutil.copytree(
                REPOSITORY / name,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
            )
        self.configure({})
        self._kept = {}

    def configure(self, settings):
        """The experiment's settings, with ``settings`` ('unet.epochs': 2) instead of its own."""
        merged = yaml.safe_load(yaml.safe_dump(SETTINGS))
        for name, value in settings.items():
            *sections, key = name.split(".")
            place = merged
            for section in sections:
                place = place.setdefault(section, {})
            place[key] = value
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(merged))

    def command(self, *arguments):
        """Snakemake's command line."""
        command = [self.python, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments]
        return [*command, "--configfile", "tiny.yaml"]

    def snakemake(self, *arguments, packages=None):
        """Run Snakemake as a user does; ``packages`` is a folder of packages to be seen first."""
        environment = os.environ | ({"PYTHONPATH": str(packages)} if packages else {})
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )

    def planned(self, **options):
        """Number of jobs of each rule that Snakemake would run."""
        return self.jobs(self.snakemake("-n", **options))

    def run(self):
        """Number of jobs of each rule that Snakemake ran, successfully."""
        return self.jobs(self.snakemake())

    def jobs(self, result):
        """Jobs by rule in what Snakemake said, 'all' left out; the run must have succeeded."""
        print(re.findall(r"^(?:rule|checkpoint|localrule) .*|^ +reason:.*", result.stdout, re.M))
        assert result.returncode == 0, result.stdout[-4000:]
        if "Nothing to be done" in result.stdout:
            return NOTHING
        table = result.stdout.split("Job stats:", 1)[1].split("total", 1)[0]
        rows = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
        return Counter({rule: int(count) for rule, count in rows if rule != "all"})

    def path(self, name):
        """A file of the project, kept so that :meth:`restore` can bring it back."""
        path = self.folder / name
        if name not in self._kept:
            status = path.stat() if path.exists() else None
            self._kept[name] = (path.read_bytes(), status) if status else None
        return path

    def replace(self, name, old, new):
        """Replace the first ``old`` in a file by ``new``."""
        path = self.path(name)
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def restore(self):
        """Take every edit back, dates included."""
        self.configure({})
        for name, kept in self._kept.items():
            path = self.folder / name
            if kept is None:
                path.unlink(missing_ok=True)
            else:
                content, status = kept
                path.write_bytes(content)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self._kept.clear()


@pytest.fixture(scope="module")
def finished(tmp_path_factory, python):
    """The project after its first run."""
    project = Project(tmp_path_factory.mktemp("project"), python)
    project.run()
    assert project.planned() == NOTHING
    return project


@pytest.fixture
def project(finished):
    """The finished project, brought back after the test."""
    yield finished
    finished.restore()


def train_jobs(network, fold):
    """What follows when one network of one fold is trained again."""
    after = Counter(train=1) | JUDGED
    if network == "unet" and fold == "all":
        return after | KERNELS | MEASURES | CLUSTER_TENDENCY | Counter(draw_figure1=1)
    return after | CLUSTER_TENDENCY | Counter(segment_fold=1, score_network=1) | SCORES


SETTINGS_EDITS = {
    "unet.epochs": (2, UNET + CONFIG),
    "lsn.steps": (5, LSN + CONFIG),
    "lsn.upwind_stencils": ("free", LSN + CONFIG),
    "training.learning_rate": (0.5, BOTH + CONFIG),
    "training.rate": ("falls", BOTH + CONFIG),
    "training.same_bits": (False, BOTH + CONFIG),
    "training.failed_below": (0.4, JUDGED + CONFIG),
    "training.checkpoint_seconds": (7, CONFIG),
    "intensity.window": ([-150, 400], BOTH + CONFIG),
    "prediction.threshold": (
        0.4,
        Counter(segment_fold=2 * FOLDS, score_network=2 * FOLDS) + SCORES + CONFIG,
    ),
    "kernels.clusters": (4, (KERNELS | CLUSTER_TENDENCY) + CONFIG),
    "kernels.seed": (1, (KERNELS | CLUSTER_TENDENCY | MEASURES) + CONFIG),
    "kernels.starts": (3, CLUSTER_TENDENCY + CONFIG),
    "kernels.spectrum_size": (80, MEASURES + CONFIG),
    "kernels.second_seed": (2, (MEASURES | Counter(train_variant=1)) + CONFIG),
    "comparison.resamples": (120, Counter(compare_methods=1, tabulate=1) + CONFIG),
    "levelset.trials": (2, OPERATOR + CONFIG),
    "levelset.sampler": ("random", LEVEL_SET + CONFIG),
    "levelset.blind.trials": (2, BLIND + CONFIG),
    "levelset.engine": ("torch", LEVEL_SET + CONFIG),
    "heldout_share": (0.2, SPLIT + BOTH + CONFIG),
    "split_seed": (1, SPLIT + BOTH + CONFIG),
    # The second seed's own training does not ask what the first is.
    "seed": (2, (BOTH | LEVEL_SET) - Counter(train_variant=1) + CONFIG),
    "image_size": (48, Counter(slice_case=PATIENTS) + SPLIT + BOTH + CONFIG),
}


@pytest.mark.parametrize("name", SETTINGS_EDITS)
def test_a_setting(project, name):
    value, expected = SETTINGS_EDITS[name]
    project.configure({name: value})
    assert project.planned() == expected


CODE_EDITS = {
    "a comment in the training loop": (
        "src/upwind/training/loop.py",
        "\nimport ",
        "\n# What it needs.\nimport ",
        NOTHING,
    ),
    "a docstring of the loss": (
        "src/upwind/training/loss.py",
        '"""The loss: ',
        '"""Loss: ',
        NOTHING,
    ),
    "the loss": ("src/upwind/training/loss.py", "SUM_FLOOR = 1e-5", "SUM_FLOOR = 2e-5", BOTH),
    "the upwind scheme": (
        "src/upwind/levelset/equation/scheme.py",
        "math.isqrt",
        "1 * math.isqrt",
        LSN + CONVERGENCE,
    ),
    "the UNet": ("src/upwind/networks/unet.py", "16", "8 * 2", UNET),
    "the level set's operator": (
        "src/upwind/levelset/itk_snap/operator.py",
        "\nimport ",
        "\nDRAWS = 3\nimport ",
        OPERATOR,
    ),
    "the engine that was chosen": (
        "src/upwind/levelset/engines/simpleitk.py",
        "_UPPER_THRESHOLD = 1e3",
        "_UPPER_THRESHOLD = 2e3",
        LEVEL_SET,
    ),
    "an engine that was not chosen": (
        "src/upwind/levelset/engines/narrow_band.py",
        "STEPS = 3",
        "STEPS = 4",
        NOTHING,
    ),
    "the blind level set": (
        "src/upwind/levelset/itk_snap/blind.py",
        "\nimport ",
        "\nDRAWS = 3\nimport ",
        BLIND,
    ),
    "the search": (
        "src/upwind/levelset/itk_snap/search.py",
        "\nimport ",
        "\nDRAWS = 3\nimport ",
        LEVEL_SET,
    ),
    "the extended table": (
        "src/upwind/tables/extended.py",
        "\nimport ",
        "\nWIDTH = 3\nimport ",
        Counter(tabulate=1),
    ),
    "the score": (
        "src/upwind/scores/metrics.py",
        "\nimport ",
        "\nEXACT = True\nimport ",
        Counter(score_network=2 * FOLDS, score_untrained=2) + SCORES,
    ),
    "a method's name": (
        "src/upwind/methods/unet.py",
        'title="UNet"',
        'title="U-Net"',
        Counter(describe_methods=1, tabulate=1, draw_scores=1, draw_gallery=1, draw_curves=1),
    ),
    "the table's layout": (
        "src/upwind/tables/table1.py",
        "\nimport ",
        "\nWIDTH = 3\nimport ",
        Counter(tabulate=1),
    ),
    "the clusters": (
        "src/upwind/kernels/clustering.py",
        "\nimport ",
        "\nCLUSTERS = 3\nimport ",
        KERNELS | CLUSTER_TENDENCY,
    ),
    "a measure of kernels": (
        "src/upwind/kernels/spectrum.py",
        "LIMIT = 0.1",
        "LIMIT = 0.2",
        MEASURES,
    ),
    "a format of weights files": (
        "src/upwind/kernels/files/onnx.py",
        "\nimport ",
        "\nVERSION = 3\nimport ",
        NOTHING,
    ),
    "one figure": (
        "src/upwind/figures/curves.py",
        "\nimport ",
        "\nCOLOUR = 'C0'\nimport ",
        Counter(draw_curves=1),
    ),
    "the colours of all figures": (
        "src/upwind/figures/style.py",
        "\nimport ",
        "\nCOLOUR = 'C0'\nimport ",
        FIGURES,
    ),
    "a script": (
        "workflow/scripts/compare_methods.py",
        "\nwith ",
        "\nSTEP = 1\nwith ",
        Counter(compare_methods=1),
    ),
    "a comment in a script": (
        "workflow/scripts/compare_methods.py",
        "\nwith ",
        "\n# Once.\nwith ",
        NOTHING,
    ),
    "the layout of a rule": (
        "workflow/rules/tables.smk",
        "rule tabulate:",
        "\n\nrule tabulate:",
        NOTHING,
    ),
    "the release": ("src/upwind/__init__.py", '__version__ = "', '__version__ = "9', NOTHING),
    "the command line": (
        "src/upwind/cli/printing.py",
        "_PIPE_WIDTH = 120",
        "_PIPE_WIDTH = 100",
        NOTHING,
    ),
}


@pytest.mark.parametrize("name", CODE_EDITS)
def test_code(project, name):
    file, old, new, expected = CODE_EDITS[name]
    project.replace(file, old, new)
    assert project.planned() == expected


def test_what_libraries_are_held_to_runs_everything_again(project):
    project.replace("src/upwind/common/same_bits.py", '"haswell"', '"skylake"')
    assert project.planned() == project.jobs(project.snakemake("-n", "--forceall"))


def test_a_module_that_nothing_reaches(project):
    project.path("src/upwind/training/unused.py").write_text("VALUE = 1\n")
    assert project.planned() == NOTHING


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("torch", BOTH + CONVERGENCE),
        ("matplotlib", FIGURES),
        ("simpleitk", LEVEL_SET),
        ("optuna", LEVEL_SET),
        ("rich", NOTHING),
        ("seaborn", NOTHING),
    ],
)
def test_a_packages_version(project, tmp_path, package, expected):
    folder = tmp_path / f"{package}-99.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.0\n")
    assert project.planned(packages=tmp_path) == expected


def test_a_label_of_the_report(project):
    project.replace("workflow/report/table1.rst", "Each cell", "Every cell")
    assert project.planned() == NOTHING


def test_a_case_more(project):
    project.configure({"dataset.patients": PATIENTS + 1})
    found = project.planned()
    one_more = Counter(make_phantom=1, check_case=1, slice_case=1, operate_level_set=1)
    assert one_more <= found
    assert {rule: found[rule] for rule in one_more} == one_more


def test_another_number_of_folds(project):
    project.configure({"folds": 4})
    found = project.planned()
    # The network of the kernels is trained on all patients, however these are folded.
    assert found["train"] == 2 * 4
    assert not found.keys() & {"check_case", "slice_case", "operate_level_set", "cluster_kernels"}


def test_the_same_folds_from_a_file(project):
    half = PATIENTS // FOLDS
    rows = "".join(f"{case},{case // half}\n" for case in range(PATIENTS))
    (project.folder / "split.csv").write_text("case,fold\n" + rows)
    project.configure({"folds": "split.csv"})
    found = project.planned()
    assert found["assign_folds"] == 1
    assert not found.keys() & {"train", "split_fold", "tune_level_set", "slice_case"}


def test_the_data_of_one_case(project):
    project.path("data/phantom/volume-1.nii.gz").write_bytes(b"another volume")
    found = project.planned()
    assert found["make_phantom"] == found["check_case"] == found["slice_case"] == 1
    assert found["operate_level_set"] == 1
    # And so is the blind level set's tuning; its segmentation of case 1 is fold 0's.
    assert (found["tune_level_set"], found["segment_blind"]) == (1, 2)
    # Cases 0 and 1 are unseen in fold 0, so only fold 1 and the network on all train on case 1.
    assert found["train"] == 3


DELETED = {
    "slices/case-0.safetensors": Counter(slice_case=1),
    "networks/unet/0/weights.safetensors": train_jobs("unet", 0),
    "networks/unet/all/weights.safetensors": train_jobs("unet", "all"),
    "scores/unet-0.csv": Counter(score_network=1) + SCORES,
    "kernels/axes.csv": KERNELS,
    "figure2.png": Counter(draw_figure2=1),
    "blind/0/parameters.json": Counter(tune_level_set=1, segment_blind=1, score_untrained=1)
    + SEARCHES
    + SCORES,
}


@pytest.mark.parametrize("how", ["deleted", "edited by hand", "without its record"])
@pytest.mark.parametrize("name", DELETED)
def test_an_intermediate(project, name, how):
    path = project.path(f"{RESULTS}/{name}")
    if how == "deleted":
        path.unlink()
    elif how == "edited by hand":
        # To an older date, as a copy from elsewhere has.
        path.write_bytes(path.read_bytes() + b"\n")
        os.utime(path, (1, 1))
    else:
        record = next(
            file
            for file in (project.folder / RESULTS / "records").rglob("*.json")
            if f'"{RESULTS}/{name}"' in file.read_text().split('"declared"')[1].split("]")[0]
        )
        project.path(record.relative_to(project.folder)).unlink()
    expected = DELETED[name]
    found = project.planned()
    if name.startswith("slices"):
        # Split and training of the folds that use the case follow.
        assert found["slice_case"] == 1
        assert found["train"] == 3
        assert found["split_fold"] == 2
    else:
        assert found == expected


def test_a_copy_of_the_project(project, tmp_path):
    """cp -r changes dates alone: no reason to run anything, of files of any size (of small ones
    Snakemake looks at the content itself)."""
    planning = "-n", "--max-checksum-file-size", "0"
    copy = tmp_path / "copy"
    shutil.copytree(project.folder, copy, copy_function=shutil.copy, symlinks=True)
    there = Project.__new__(Project)
    there.folder, there.python = copy, project.python
    assert there.jobs(there.snakemake(*planning)) == NOTHING
    os.utime(copy / "data/phantom/volume-1.nii.gz")
    assert there.jobs(there.snakemake(*planning)) == NOTHING


def test_an_edit_behind_a_job_whose_content_does_not_matter(project):
    """operate_level_set waits for all cases to be checked and does not ask what came of it; that
    these are collected again must not hide that its own settings changed."""
    project.replace("workflow/scripts/collect_cases.py", "\nwith ", "\nSTEP = 1\nwith ")
    project.configure({"levelset.trials": 2})
    found = project.planned()
    assert (found["collect_cases"], found["operate_level_set"]) == (1, PATIENTS)
    assert "slice_case" not in found


def test_edits_that_are_really_run(project):
    project.configure({"comparison.resamples": 120})
    project.replace("src/upwind/figures/curves.py", "\nimport ", "\nCOLOUR = 'C0'\nimport ")
    expected = Counter(compare_methods=1, tabulate=1, draw_curves=1) + CONFIG
    assert project.planned() == expected
    assert project.run() == expected
    assert project.planned() == NOTHING
    project.restore()
    assert project.run() == expected
    assert project.planned() == NOTHING


def test_a_failed_job_then_repaired(project):
    """The trap: an intermediate job fails after an edit; the edit is taken back; the final results
    of before are still there."""
    before = (project.folder / RESULTS / "table1.csv").read_bytes()
    project.configure({"prediction.threshold": 0.9})
    project.replace(
        "workflow/scripts/gather_scores.py", "\nwith ", "\nraise RuntimeError('broken')\nwith "
    )
    result = project.snakemake("--keep-going")
    assert result.returncode == 1
    assert "RuntimeError: broken" in result.stdout
    project.replace("workflow/scripts/gather_scores.py", "raise RuntimeError('broken')\n", "")
    # The settings stay: everything after the failure is still to be made.
    assert project.planned() == SCORES
    project.run()
    assert (project.folder / RESULTS / "table1.csv").read_bytes() != before
    project.restore()
    project.run()
    assert (project.folder / RESULTS / "table1.csv").read_bytes() == before
    assert project.planned() == NOTHING


def outputs_in_the_making(folder):
    """Outputs that exist while their job still runs: Snakemake marks them until it has ended."""
    markers = (folder / ".snakemake/incomplete").glob("*")
    paths = {base64.b64decode(marker.name, altchars=b"-_").decode() for marker in markers}
    return {path for path in paths if (folder / path).exists()}


def test_a_run_that_is_interrupted_ten_times(project):
    """Killed with its jobs, each time while another job is in the middle of its outputs. No more
    than `--unlock` and the same command is needed to go on, and no half is kept."""
    results = project.folder / RESULTS
    before = {path: (results / path).read_bytes() for path in ("scores.csv", "kernels/kernels.csv")}
    for name in ("segmentations/unet", "segmentations/lsn", "scores", "kernels"):
        shutil.rmtree(results / name)
    met = set()
    for _ in range(10):
        run = subprocess.Popen(
            [sys.executable, *project.command()[1:]],  # so that its jobs are of its process group
            cwd=project.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while run.poll() is None and not outputs_in_the_making(project.folder) - met:
            time.sleep(0.01)
        assert run.poll() is None, "the run ended before it could be interrupted"
        met |= outputs_in_the_making(project.folder)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert project.snakemake("--unlock").returncode == 0
    project.run()
    assert {path: (results / path).read_bytes() for path in before} == before
    assert project.planned() == NOTHING
