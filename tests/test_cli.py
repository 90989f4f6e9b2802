import json
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from rich.text import Text
from scipy import ndimage
from typer.main import get_command
from typer.testing import CliRunner

import upwind as package
import upwind.cli as upwind_cli
from upwind.cli import app
from upwind.cli.printing import display
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights


@pytest.fixture
def folder(tmp_path):
    values = np.arange(6 * 6 * 4, dtype=np.int16).reshape(6, 6, 4)
    label = (values > 100).astype(np.uint8)
    for number in (1, 2):
        image = nib.Nifti1Image(values + np.int16(number), np.eye(4))
        nib.save(image, tmp_path / f"volume-{number}.nii.gz")
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


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, UNet(), Recipe("unet", 16, (-100.0, 400.0)))
    return path


def test_segment_writes_a_mask_on_the_grid_of_the_ct(tmp_path, weights):
    affine = np.array([[0, -2, 0, 7], [0.9, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]], float)
    ct = np.random.default_rng(0).normal(50, 100, (20, 24, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(ct, affine), tmp_path / "ct.nii.gz")
    mask = tmp_path / "mask.nii.gz"
    result = upwind("segment", tmp_path / "ct.nii.gz", "--weights", weights, "-o", mask)
    assert result.exit_code == 0, result.output
    written = nib.load(mask)
    assert written.shape == ct.shape
    np.testing.assert_allclose(written.affine, affine)
    assert set(np.unique(written.dataobj)) <= {0, 1}
    millilitres = np.count_nonzero(written.dataobj) * 2 * 0.9 * 4 / 1000
    assert f"{millilitres:.0f} ml of liver" in result.stdout


def test_segment_keeps_a_mask_that_is_there(tmp_path, weights):
    mask = tmp_path / "mask.nii.gz"
    mask.write_bytes(b"mine")
    result = upwind("segment", tmp_path / "ct.nii.gz", "--weights", weights, "-o", mask)
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert mask.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("ct", "mask", "message"),
    [
        ("missing.nii.gz", "mask.nii.gz", "missing.nii.gz does not exist"),
        ("broken.nii.gz", "mask.nii.gz", "broken.nii.gz cannot be segmented"),
        ("broken.nii.gz", "mask.png", "name it .nii or .nii.gz"),
        ("broken.nii.gz", "new/broken.nii.gz", "cannot be segmented"),
    ],
)
def test_segment_says_what_is_wrong_and_writes_nothing(tmp_path, weights, ct, mask, message):
    (tmp_path / "broken.nii.gz").write_bytes(b"no gzip")
    result = upwind("segment", tmp_path / ct, "--weights", weights, "-o", tmp_path / mask)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / mask).exists()


def test_segment_never_replaces_its_input(tmp_path, weights):
    ct = tmp_path / "ct.nii.gz"
    ct.write_bytes(b"mine")
    result = upwind("segment", ct, "--weights", weights, "-o", ct, "--overwrite")
    assert result.exit_code == 1
    assert "is an input" in result.stderr
    assert ct.read_bytes() == b"mine"


def test_segment_warns_of_values_that_are_not_hu(tmp_path, weights):
    values = np.random.default_rng(0).integers(0, 4000, (16, 16, 3)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "ct.nii.gz")
    mask = tmp_path / "mask.nii.gz"
    result = upwind("segment", tmp_path / "ct.nii.gz", "--weights", weights, "-o", mask)
    assert result.exit_code == 0
    assert "may not be HU" in result.stderr


@pytest.fixture
def three_cts(tmp_path):
    """The second is damaged."""
    rng, folder = np.random.default_rng(0), tmp_path / "cts"
    folder.mkdir()
    for number in (1, 2, 3):
        values = rng.normal(50, 150, (16, 16, 3)).astype(np.int16)
        nib.save(nib.Nifti1Image(values, np.eye(4)), folder / f"ct{number}.nii.gz")
    (folder / "ct2.nii.gz").write_bytes(b"no gzip")
    return folder


def test_segment_goes_on_after_a_bad_ct_and_names_it_at_the_end(tmp_path, three_cts, weights):
    masks, probabilities = tmp_path / "masks", tmp_path / "p"
    options = ("--weights", weights, "-o", masks, "--probability", probabilities)
    result = upwind("segment", three_cts, *options, "--largest-component")
    assert result.exit_code == 1
    assert "Error: 1 of 3 CTs could not be segmented:\n" in result.stderr
    assert "ct2.nii.gz cannot be segmented" in result.stderr
    assert "CT 3/3" in result.stderr  # progress, as plain lines
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        str(masks / f"ct{number}.nii.gz") for number in (1, 3)
    ]
    for folder, dtype in ((masks, np.uint8), (probabilities, np.float32)):
        assert sorted(p.name for p in folder.iterdir()) == ["ct1.nii.gz", "ct3.nii.gz"]
        assert nib.load(folder / "ct1.nii.gz").get_data_dtype() == dtype


def test_segment_averages_networks(tmp_path, three_cts, weights):
    other = tmp_path / "other.safetensors"
    save_weights(other, UNet(), Recipe("unet", 16, (-100.0, 400.0)))
    found = {}
    for name, files in (("one", [weights]), ("two", [other]), ("both", [weights, other])):
        options = [part for file in files for part in ("--weights", file)]
        probability = tmp_path / f"{name}-p.nii"
        options += ["-o", tmp_path / f"{name}.nii", "--probability", probability]
        result = upwind("segment", three_cts / "ct1.nii.gz", *options)
        assert result.exit_code == 0, result.output
        found[name] = nib.load(probability).get_fdata()
    np.testing.assert_allclose(found["both"], (found["one"] + found["two"]) / 2, atol=1e-7)
    assert not np.array_equal(found["one"], found["two"])


def test_segment_knows_its_devices(tmp_path, weights):
    nib.save(
        nib.Nifti1Image(np.arange(768, dtype=np.int16).reshape(16, 16, 3) - 500, np.eye(4)),
        tmp_path / "ct.nii.gz",
    )
    for device, message in (("gpu", "choose auto, cpu, cuda"), ("cuda:99", "this machine shows")):
        mask = tmp_path / "mask.nii.gz"
        arguments = ("--weights", weights, "-o", mask, "--device", device)
        result = upwind("segment", tmp_path / "ct.nii.gz", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert not mask.exists()


def test_the_version(tmp_path):
    result = upwind("--version")
    assert result.exit_code == 0
    assert result.stdout == f"upwind {package.__version__}\n"


def test_every_help_ends_with_examples_that_are_commands():
    for name, command in get_command(app).commands.items():
        text = upwind(name, "--help").stdout
        examples = [line for line in command.epilog.splitlines() if line.startswith("upwind ")]
        assert examples, name
        assert "For example:" in text
        for line in examples:
            _, called, *arguments = line.split()
            assert called == name
            with command.make_context(name, arguments):  # parsed, not run
                pass


def test_a_shell_can_complete_commands():
    environment = {
        "_UPWIND_COMPLETE": "complete_bash",
        "COMP_WORDS": "upwind ev",
        "COMP_CWORD": "1",
    }
    result = CliRunner().invoke(app, [], prog_name="upwind", env=environment)
    assert result.stdout.split() == ["evolve"]
    assert "--install-completion" in upwind("--help").stdout


def test_show_prints_table_1_and_the_figures_that_exist(tmp_path):
    (tmp_path / "table1.md").write_text("| Fold | UNet |\n| --- | --- |\n| 0 | 0.9 / 0.8 |\n")
    (tmp_path / "figure2.png").touch()
    result = upwind("show", tmp_path)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["Fold", "UNet"] in lines
    assert ["0", "0.9", "/", "0.8"] in lines
    assert str(tmp_path / "figure2.png") in result.stdout
    assert "report.html" not in result.stdout


def test_show_of_an_unfinished_experiment_says_how_to_finish_it(tmp_path):
    result = upwind("show", tmp_path)
    assert result.exit_code == 1
    assert "table1.md is not there" in result.stderr


def _masks_of_five(folder):
    """Labels of five patients, and two methods: one a voxel off throughout; the other dilated,
    shifted, flipped in storage, empty, and missing once."""
    affine = np.diag([-1.5, -1.5, 3.0, 1.0])
    flipped = affine @ [[-1, 0, 0, 15], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    for name in ("labels", "steady", "odd"):
        (folder / name).mkdir()
    for case in range(5):
        label = np.zeros((16, 16, 10), np.uint8)
        label[4:10, 4 : 9 + case % 3, 2:8] = 1
        odd = [ndimage.binary_dilation(label), np.roll(label, 3, 1), label[::-1], 0 * label]
        written = {"labels/l": (label, affine), "steady/m": (np.roll(label, 1, 0), affine)}
        if case < 4:
            written["odd/m"] = odd[case].astype(np.uint8), flipped if case == 2 else affine
        for name, (array, where) in written.items():
            nib.save(nib.Nifti1Image(array, where), folder / f"{name}_{case:03d}.nii.gz")
    return folder


def test_score_ranks_two_folders_of_masks_in_two_commands(tmp_path):
    folder = _masks_of_five(tmp_path)
    asked = ["score", folder / "labels", folder / "odd", f"ours={folder}/steady", "-o"]
    first = upwind(*asked, folder / "out")
    assert first.exit_code == 1
    assert "odd, case 4: no mask" in first.stderr
    assert not (folder / "out").exists()

    second = upwind(*asked, folder / "out", "--missing", "empty")
    assert second.exit_code == 0, second.stderr
    assert "Counts as empty: odd, case 4: no mask" in second.stderr
    names = {"scores.csv", "summary.csv", "comparison.csv", "ranks.csv", "scores.png", "scores.pdf"}
    assert {path.name for path in (folder / "out").iterdir()} == names
    scores = pd.read_csv(folder / "out/scores.csv").set_index(["method", "case"])
    assert scores.loc[("odd", 2), "dsc"] == 1  # flipped in storage, and in its place
    assert scores.loc["odd", "mask_voxels"].eq(0).tolist() == [False] * 3 + [True] * 2
    summary = pd.read_csv(folder / "out/summary.csv").set_index(["method", "measure"])
    assert summary.loc[("odd", "dsc"), ["missing", "empty"]].tolist() == [1, 2]
    ranks = pd.read_csv(folder / "out/ranks.csv").set_index(["measure", "method"])
    assert ranks.loc[("dsc", "ours"), "rank"] == 1
    pairs = pd.read_csv(folder / "out/comparison.csv").dropna(subset=["other"])
    assert pairs["note"].str.contains(" patients differ: least possible p ").all()
    assert "Rank by DSC" in second.stdout

    again = upwind(*asked, folder / "out", "--missing", "empty")
    assert (again.exit_code, "--overwrite" in again.stderr) == (1, True)


def test_score_of_a_single_folder_has_nothing_to_compare(tmp_path):
    folder = _masks_of_five(tmp_path)
    result = upwind("score", folder / "labels", folder / "steady", "-o", folder / "out",
                    "--tolerance", "2", "--tolerance", "7.5")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert not (folder / "out/ranks.csv").exists()
    assert {"nsd_2mm", "nsd_7.5mm"} <= set(pd.read_csv(folder / "out/scores.csv"))


ESCAPE = "\x1b]0;title\x07\x1b[2J"


@pytest.mark.parametrize("command", ["check", "import", "segment", "score", "kernels", "evolve"])
def test_a_files_name_is_no_command_to_the_terminal(tmp_path, command):
    """Neither where it is told of, nor where it is an error."""
    data = tmp_path / f"data{ESCAPE}"
    data.mkdir()
    label = np.zeros((6, 6, 4), np.uint8)
    nib.save(nib.Nifti1Image(label, np.eye(4)), data / "volume-1.nii")
    (data / f"segmentation-1 {ESCAPE}.nii").write_bytes(b"")
    (data / f"w{ESCAPE}.pt").write_bytes(b"")
    given = {
        "check": [data],
        "import": ["lits", data, "--root", tmp_path / "there"],
        "segment": [data, "--weights", data / f"w{ESCAPE}.safetensors", "-o", tmp_path / "out"],
        "score": [data, data, "-o", tmp_path / "out"],
        "kernels": [data / f"w{ESCAPE}.pt", "-o", tmp_path / "out"],
        "evolve": [data / "volume-1.nii", "-o", data / f"m{ESCAPE}.gif"],
    }
    result = upwind(command, *given[command])
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not {"\x1b", "\x07"} & set(result.output)


def test_commands_print_in_one_way_alone():
    sources = Path(upwind_cli.__file__).parent.glob("*.py")
    printing = [p.name for p in sources if re.search(r"echo\(|print\(", p.read_text())]
    assert printing == ["printing.py"]


def test_tables_keep_their_colours_and_lose_what_is_in_their_texts(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    display(Text.assemble((f"a{ESCAPE}b", "red")))
    assert capsys.readouterr().out == "\x1b[31ma\\x1b]0;title\\x1b[2Jb\x1b[0m\n"
