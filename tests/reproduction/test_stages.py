from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from safetensors.numpy import save_file

from recorded_runs import DATA
from upwind.provenance.records import read_record, write_record
from upwind.reproduction.reading import opened
from upwind.reproduction.stages import STAGES, stage_hashes

SCORES = "method,fold,case,subset,dsc,hd95_mm\nunet,0,1,unseen,0.5,{}\nunet,1,2,unseen,{},3\n"


@pytest.fixture
def hashes(runs):
    """A function that writes networks, masks and scores into a run and hashes its stages."""

    def of(run, weight=1.0, voxel=1, hd95=3, dsc=0.5):
        save_file(
            {"w": np.array([weight], np.float32)},
            run.results / "networks/unet/0/weights.safetensors",
            {"seconds": str(id(run))},
        )
        mask = nib.Nifti1Image(np.full((2, 2, 2), voxel, np.uint8), np.eye(4))
        nib.save(mask, run.results / "segmentations/unet/0/segmentation-7.nii.gz")
        (run.results / "scores.csv").write_text(SCORES.format(hd95, dsc))
        for text_only in run.results.glob("segmentations/**/*.nii"):
            text_only.unlink()
        with opened(run.results) as side:
            return stage_hashes(side)

    return of


def test_the_same_numbers_have_the_same_hashes_however_files_are_packed(runs, hashes):
    one, other = (hashes(run) for run in runs)
    assert one == other
    assert tuple(one) == STAGES
    assert {stage: list(names) for stage, names in one.items()} == {
        "data": ["volumes"],
        "slices": [],
        "networks": ["unet/0"],
        "segmentations": ["unet/0"],
        "scores": ["unet/0", "unet/1"],
    }


@pytest.mark.parametrize(
    ("change", "unlike"),
    [
        ({"weight": 2.0}, [("networks", "unet/0")]),
        ({"voxel": 0}, [("segmentations", "unet/0")]),
        ({"dsc": 0.75}, [("scores", "unet/1")]),
        ({"hd95": 4}, []),
    ],
)
def test_each_stage_by_itself(runs, hashes, change, unlike):
    one, other = hashes(runs[0]), hashes(runs[1], **change)
    assert [(s, n) for s, names in one.items() for n in names if names[n] != other[s][n]] == unlike


def test_other_volumes(runs, hashes):
    one = hashes(runs[0])

    def told(files):
        state = next(iter(files.values()))
        new = type(state)("0" * 64, 1, 0)
        return {k: new if k.endswith("volume-0.nii") else v for k, v in files.items()}

    runs[1].edit("slice_case/case=0", inputs=told)
    assert hashes(runs[1])["data"] != one["data"]


def test_volumes_are_the_same_where_the_records_of_what_made_them_are_not(runs, hashes):
    one = hashes(runs[0])
    made = sorted((runs[1].root / DATA / "records/make_phantom").glob("*.json"))
    assert made
    for path in made:
        record = read_record(path)
        state = next(iter(record.outputs.values()))
        write_record(path, replace(record, inputs={f"{DATA}/phantom.txt": state}))
    assert hashes(runs[1])["data"] == one["data"]
