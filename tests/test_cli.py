import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from upwind.cli import app


@pytest.fixture
def folder(tmp_path):
    values = np.arange(6 * 6 * 4, dtype=np.int16).reshape(6, 6, 4)
    label = (values > 100).astype(np.uint8)
    for number in (1, 2):
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / f"volume-{number}.nii.gz")
        nib.save(nib.Nifti1Image(label, np.eye(4)), tmp_path / f"segmentation-{number}.nii.gz")
    return tmp_path


def upwind(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_check_prints_the_table(folder):
    result = upwind("check", folder)
    assert result.exit_code == 0
    assert "6×6×4" in result.stdout
    assert "2 cases: 2 usable, 0 bad" in result.stdout


def test_check_lists_all_problems_and_exits_with_1(folder):
    (folder / "segmentation-1.nii.gz").unlink()
    (folder / "volume-2.nii.gz").write_bytes(b"")
    result = upwind("check", folder, "--kind", "lits")
    assert result.exit_code == 1
    assert "volume-1.nii.gz has no label" in result.stdout
    assert "volume-2.nii.gz cannot be read" in result.stdout


def test_check_as_json(folder):
    result = upwind("check", folder, "--json")
    assert result.exit_code == 0
    reports = json.loads(result.stdout)
    assert [report["number"] for report in reports] == [1, 2]
    assert reports[0]["liver_ml"] == pytest.approx(43 / 1000)


def test_error_is_one_message_on_stderr(tmp_path):
    result = upwind("check", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: The data folder")
    assert "Traceback" not in result.stderr


def test_unknown_kind_is_refused(folder):
    result = upwind("check", folder, "--kind", "chaos")
    assert result.exit_code == 2
    assert "msd" in result.stderr


def test_help_does_not_load_the_heavy_libraries():
    code = (
        "import sys, upwind.cli\n"
        "heavy = {'torch', 'numpy', 'nibabel', 'pandas', 'SimpleITK', 'snakemake'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
