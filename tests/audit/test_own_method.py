"""A network, a method without training and a figure, each added by files of its own, in this test
alone, and methods of all kinds that the configuration alone names: they are planned, trained,
scored, tabulated, drawn, reported and audited beside the paper's.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread
from safetensors import safe_open

from upwind.results import read_results

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = Path("results/tiny")
# What a new network is: a definition, its settings, its code.
NETWORK = {
    "methods/tiny.py": '''
"""A small network."""

from upwind.methods.method import Column, Method, Network

METHOD = Method(
    key="tiny",
    title="Tiny network",
    order=50,
    knows="CT",
    has="weights of 10 numbers",
    columns=(Column("tiny", "Tiny"),),
    settings="upwind.settings.tiny:TinySettings",
    network=Network("upwind.networks.tiny:Tiny", seconds_per_megapixel=0.1),
)
''',
    "settings/tiny.py": '''
"""The section ``tiny``."""

from upwind.settings.model import Count
from upwind.settings.networks import NetworkSettings


class TinySettings(NetworkSettings):
    """A small network."""

    epochs: Count = 1
    """Passes.

    Source: ours."""
''',
    "networks/tiny.py": '''
"""A convolution and nothing else."""

import torch
from torch import nn


class Tiny(nn.Module):
    """Slices to probabilities."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1)

    @staticmethod
    def options_from(options, masks):
        """None."""
        return dict(options)

    def forward(self, slices):
        """By one convolution."""
        return torch.sigmoid(self.convolution(slices))
''',
}
# What a method without training is: a definition, its settings, its function.
THRESHOLD = {
    "methods/threshold.py": '''
"""Every voxel that is bright enough."""

from upwind.methods.method import Method

METHOD = Method(
    key="threshold",
    title="Threshold",
    order=60,
    knows="CT",
    has="nothing",
    segment="upwind.segmentation.threshold:segment",
    settings="upwind.settings.threshold:ThresholdSettings",
)
''',
    "settings/threshold.py": '''
"""The section ``threshold``."""

from upwind.settings.model import Settings


class ThresholdSettings(Settings):
    """A threshold."""

    hu: float = 60.0
    """HU from which a voxel is liver.

    Source: ours."""
''',
    "segmentation/threshold.py": '''
"""Bright voxels."""


def segment(volume, settings):
    """Voxels above the threshold."""
    return volume.values() > settings["hu"]
''',
}
# What a new figure is: its function, its rule, its script, its caption.
FIGURE = {
    "src/upwind/figures/patients.py": '''
"""How many patients were scored."""

from upwind.figures import style


@style.styled
def draw_patients(scores):
    """A bar for each method."""
    figure = style.new_figure(3, 2, layout="constrained")
    counts = scores.groupby("method")["case"].nunique()
    figure.subplots().bar(counts.index, counts)
    return figure
''',
    "workflow/rules/patients.smk": """
rule draw_patients:
    input:
        scores=f"{RESULTS}/scores.csv",
    output:
        **figure("patients", "Scores", "Patients that were scored"),
    log:
        f"{LOGS}/draw_patients.log",
    conda:
        "../../envs/figures.yaml"
    resources:
        **resources_for("table"),
    script:
        "../scripts/draw_patients.py"
""",
    "workflow/scripts/draw_patients.py": '''
"""How many patients were scored."""

import pandas as pd

from upwind.common.jobs import logged
from upwind.figures.patients import draw_patients
from upwind.figures.style import save

with logged(snakemake.log[0]):
    save(draw_patients(pd.read_csv(snakemake.input.scores)), *snakemake.output)
''',
    "workflow/report/patients.rst": "How many patients were scored.\n",
}
# What needs no code: masks that somebody else made, a network of MONAI, averaged weights,
# post-processing.
CONFIGURED = {
    "theirs": {"masks": "theirs/{case:03d}.nii.gz", "label": 5, "title": "Their tool"},
    "theirs_component": {"of": "theirs", "postprocess": "largest_component"},
    "basic_unet": {
        "network": "monai.networks.nets:BasicUNet",
        "options": {
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 2,
            "features": [4, 4, 4, 4, 4, 4],
            "dropout": 0.1,
        },
        "epochs": 1,
    },
    "unet_averaged": {"of": "unet", "weights": "averaged"},
    "unet_component": {"of": "unet", "postprocess": "largest_component"},
}
NETWORKS = {"tiny", "basic_unet"}
LEARNED = {*NETWORKS, "unet_averaged"}
NEW = {"threshold", *NETWORKS, *CONFIGURED}


def write_their_masks(folder):
    """The labels, as another tool would write them: 5 where liver is, 2 elsewhere, of one case in
    another order of its axes."""
    (folder / "theirs").mkdir()
    for case in (0, 1):
        label = nib.load(folder / f"data/phantom/segmentation-{case}.nii.gz")
        values = np.where(np.asarray(label.dataobj) > 0, 5, 2).astype(np.uint8)
        mask = nib.Nifti1Image(values, label.affine)
        turned = mask.as_reoriented(np.array([[1, 1], [0, -1], [2, -1]])) if case else mask
        nib.save(turned, folder / f"theirs/{case:03d}.nii.gz")


@pytest.fixture(scope="module")
def extended(finished_once, tmp_path_factory, python):
    """A finished run, and a checkout with two methods more than it was made with: what the run then
    plans, and what came of it."""
    folder = tmp_path_factory.mktemp("own") / "run"
    shutil.copytree(finished_once, folder, symlinks=True)
    checkout = folder.with_name("checkout")
    for name in ("src/upwind", "workflow", "config", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, checkout / name, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", checkout)
    for path, text in (NETWORK | THRESHOLD).items():
        (checkout / "src/upwind" / path).write_text(text.lstrip())
    for path, text in FIGURE.items():
        (checkout / path).write_text(text.lstrip())
    snakefile = (checkout / "workflow/Snakefile").read_text()
    line = 'include: "rules/figures.smk"\n'
    assert line in snakefile
    new = line + line.replace("figures.smk", "patients.smk")
    (checkout / "workflow/Snakefile").write_text(snakefile.replace(line, new))
    settings = yaml.safe_load((folder / "tiny.yaml").read_text())
    settings |= {
        "threshold": {"hu": 40},
        "methods": CONFIGURED,
        "table1": {"columns": ["itk_snap", "unet", "lsn_test", "lsn_validation", "tiny", "theirs"]},
        "replacements": {"folds": [0], "replacements": ["centroid"]},
        "atlas": {"pixels": 16, "most_slices": 2},
    }
    write_their_masks(folder)
    (folder / "own.yaml").write_text(yaml.safe_dump(settings))
    # Records say when a job ran, so that a training made again has another.
    before = {path: path.read_bytes() for path in (folder / RESULTS).glob("records/train*/*.json")}
    planned = snakemake(python, folder, checkout, "--dry-run")
    made = snakemake(python, folder, checkout, "all", "atlas")
    return folder, checkout, planned, made, before


def snakemake(python, folder, checkout, *arguments):
    command = [python, "-m", "snakemake", *arguments, "--nocolor", "--cores", "2"]
    command += ["--snakefile", str(checkout / "workflow/Snakefile"), "--configfile", "own.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout + done.stderr


def upwind(extended, *arguments):
    folder, checkout, *_ = extended
    program = "import sys; from upwind.cli import app; app(sys.argv[1:])"
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def table(extended, name):
    return pd.read_csv(extended[0] / RESULTS / name)


def jobs_in(planned):
    """Number of jobs of each rule in what a dry run said."""
    return Counter(re.findall(r"^ *(?:local)?(?:rule|checkpoint) (\w+):$", planned, re.MULTILINE))


def test_the_plan_trains_scores_and_shows_them_and_nothing_else(extended):
    _, _, planned, _, _ = extended
    jobs = jobs_in(planned)
    anew = {"describe_methods", "write_config", "gather_scores", "collect_verdicts", "tabulate"}
    anew |= {"compare_methods", "draw_scores", "draw_gallery", "draw_curves", "all"}
    anew |= {"draw_patients"}
    of_networks = {"train": 4, "segment_fold": 6, "score_network": 6}
    of_masks = {"check_masks": 1, "take_mask": 2, "postprocess_fold": 4}
    of_others = {"segment_case": 2, "score_untrained": 4}
    assert jobs == dict.fromkeys(anew, 1) | of_networks | of_masks | of_others
    assert set(re.findall(r"network=(\w+)", planned)) == LEARNED
    assert set(re.findall(r"(?:segmenter|method|given)=(\w+)", planned)) == NEW - LEARNED


def test_what_the_paper_trains_was_not_trained_again(extended):
    *_, before = extended
    assert {path: path.read_bytes() for path in before} == before
    assert any("unet" in path.name for path in before)


def test_all_are_scored_on_every_unseen_patient(extended):
    scores = table(extended, "scores.csv")
    for method in NEW:
        unseen = scores[(scores["method"] == method) & (scores["subset"] == "unseen")]
        assert unseen["case"].tolist() == [0, 1]
        heldout = scores.loc[scores["method"] == method, "subset"] == "heldout"
        assert heldout.any() == (method in LEARNED)
    theirs = scores[scores["method"].isin(["theirs", "theirs_component"])]
    assert (theirs["dsc"] == 1).all()  # the labels themselves, one turned


def test_all_stand_in_tables_and_the_comparison(extended):
    keys = list(table(extended, "extended.csv"))
    first = keys.index("unet")
    assert keys[first : first + 3] == ["unet", "unet_averaged", "unet_component"]
    assert keys[-5:] == ["tiny", "threshold", "basic_unet", "theirs", "theirs_component"]
    assert list(table(extended, "table1.csv"))[1:] == [
        "itk_snap", "unet", "lsn_test", "lsn_validation", "tiny", "theirs",
    ]  # fmt: skip
    markdown = (extended[0] / RESULTS / "extended.md").read_text()
    assert "| Tiny network | CT | weights of 10 numbers |" in markdown
    assert "| Threshold | CT | nothing |" in markdown
    assert "| Their tool | not stated | not stated |" in markdown
    assert "| UNet, largest component | CT | weights |" in markdown
    assert "| UNet, averaged weights | CT | weights |" in markdown
    assert {*NEW, "unet"} <= set(table(extended, "comparison.csv")["method"])
    pairs = table(extended, "comparison.csv")[["method", "other"]].itertuples(index=False)
    assert ("threshold", "tiny") in set(map(tuple, pairs))


def test_all_have_their_row_in_the_gallery(extended):
    record = json.loads((extended[0] / RESULTS / "records/draw_gallery/job.json").read_text())
    shown = {path.split("/")[3] for path in record["inputs"] if "/segmentations/" in path}
    assert shown >= NEW


def test_the_report_is_of_these_tables(extended):
    folder = extended[0] / RESULTS
    report = (folder / "report.html").stat()
    assert report.st_mtime_ns > (folder / "extended.html").stat().st_mtime_ns
    assert "Tiny network" in (folder / "extended.html").read_text()
    shown = (folder / "report.html").read_text()
    assert "Masks made elsewhere" in shown


def test_a_trace_leads_to_the_masks_that_somebody_else_made(extended):
    said = upwind(extended, "trace", str(RESULTS / "table1.csv"), "--cell", "theirs,0")
    assert "theirs/000.nii.gz" in said
    assert "take_mask" in said


def test_the_version_of_the_package_of_a_network_is_recorded_with_it(extended):
    monai = importlib.metadata.version("monai")
    folder = extended[0] / RESULTS
    (record,) = (folder / "records/train").glob("*0*basic_unet*.json")
    assert json.loads(record.read_text())["packages"]["monai"] == monai
    (others,) = (folder / "records/train").glob("*0*tiny*.json")
    assert "monai" not in json.loads(others.read_text())["packages"]
    weights = folder / "networks/basic_unet/0/weights.safetensors"
    with safe_open(weights, "pt") as file:
        header = json.loads(file.metadata()["upwind"])
    assert header["options"]["packages"] == {"monai": monai}
    assert header["options"]["network"] == "monai.networks.nets:BasicUNet"


def test_the_figure_is_in_the_run_its_report_and_its_releases(extended):
    folder = extended[0] / RESULTS
    assert imread(folder / "patients.png").size
    assert "Patients that were scored" in (folder / "report.html").read_text()
    assert "patients.png" in read_results(folder).paths
    (listed,) = [r for r in read_results(folder).files if r.path == "patients.png"]
    assert (listed.category, listed.caption, listed.released) == ("Scores", "patients", True)


def test_the_audit_holds_with_the_atlas_that_was_made_by_name(extended):
    """With it the study that it needs the table of, not the figures."""
    folder = extended[0]
    audited = json.loads(upwind(extended, "audit", str(RESULTS), "--deep", "--json"))
    assert audited["holds"], audited["findings"]
    assert not {finding["kind"] for finding in audited["findings"]} & {"left over", "left_over"}
    assert audited["counts"]["table1_cells"] % 6 == 0
    assert audited["counts"]["extended_cells"] % 11 == 0
    assert (folder / RESULTS / "atlas/index.html").exists()
    assert (folder / RESULTS / "studies/replacements.csv").exists()
    assert not (folder / RESULTS / "studies/replacements.png").exists()


# What an edit of a method makes run again: what names methods, and what compares their scores.
NAMES = ("describe_methods", "tabulate", "draw_scores", "draw_gallery", "draw_curves")
NAMED = Counter(NAMES)
COMPARED = Counter(
    ("gather_scores", "tabulate", "compare_methods", "draw_scores", "draw_gallery", "draw_patients")
)
CONFIG = Counter(write_config=1)
TAKEN = Counter(check_masks=1, take_mask=2, postprocess_fold=2, score_untrained=2)
TRAINED = Counter(train=2, segment_fold=2, score_network=2, collect_verdicts=1, draw_curves=1)
AFTER = {"of": "basic_unet", "postprocess": "largest_component"}
METHOD_EDITS = {
    "a title": ({"basic_unet.title": "Another"}, NAMED + CONFIG),
    "what a cluster is asked for": ({"basic_unet.seconds_per_megapixel": 9.0}, NAMED + CONFIG),
    "a network's options": ({"basic_unet.options.dropout": 0.2}, TRAINED + COMPARED + CONFIG),
    "the value that is liver": ({"theirs.label": 2}, TAKEN + COMPARED + CONFIG),
    "one more": (
        {"after": AFTER},
        (NAMED | COMPARED) + CONFIG + Counter(postprocess_fold=2, score_untrained=1),
    ),
    "one fewer": ({"theirs_component": None}, (NAMED | COMPARED) + CONFIG),
}


def planned_with(extended, python, edits):
    """What a dry run says after ``edits`` of the methods ('basic_unet.title': ...), taken back."""
    folder, checkout, *_ = extended
    file = folder / "own.yaml"
    before = file.read_text()
    settings = yaml.safe_load(before)
    for name, value in edits.items():
        *sections, key = name.split(".")
        place = settings["methods"]
        for section in sections:
            place = place[section]
        place[key] = value
    settings["methods"] = {key: one for key, one in settings["methods"].items() if one}
    file.write_text(yaml.safe_dump(settings))
    try:
        return snakemake(python, folder, checkout, "--dry-run")
    finally:
        file.write_text(before)


@pytest.mark.parametrize("name", METHOD_EDITS)
def test_an_edited_method_runs_again_and_no_other(extended, python, name):
    edits, expected = METHOD_EDITS[name]
    planned = planned_with(extended, python, edits)
    assert jobs_in(planned) == expected + Counter(all=1)
    if expected["train"]:
        assert set(re.findall(r"network=(\w+)", planned)) == {"basic_unet"}


def test_an_edited_mask_is_taken_and_scored_again_and_no_other(extended, python):
    path = extended[0] / "theirs/001.nii.gz"
    before, status = path.read_bytes(), path.stat()
    mask = nib.load(path)
    nib.save(nib.Nifti1Image(np.full(mask.shape, 5, np.uint8), mask.affine), path)
    try:
        planned = planned_with(extended, python, {})
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    taken = Counter(check_masks=1, take_mask=1, postprocess_fold=1, score_untrained=2)
    assert jobs_in(planned) == taken + COMPARED + Counter(all=1)
    assert set(re.findall(r"given=(\w+), case=(\w+)", planned)) == {("theirs", "1")}
