"""The animation of a contour: on a sphere in a small CT."""

import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from upwind.cli import app
from upwind.data.volumes import Grid, read_volume, write_mask
from upwind.networks.lsn import LSN
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights
from upwind.segmentation.evolution import read_inputs

nib = pytest.importorskip("nibabel")
# Stored left to right and upside down, so that world, stored and canonical places differ.
AFFINE = np.array([[-2.0, 0, 0, 60], [0, 2.0, 0, -100], [0, 0, -4.0, 300], [0, 0, 0, 1]])
SHAPE = (40, 36, 16)
CENTRE = np.array([18.0, 20.0, 9.0])  # stored voxel


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evolve")
    axes = np.ogrid[tuple(slice(n) for n in SHAPE)]
    squares = sum((s * (a - c)) ** 2 for a, c, s in zip(axes, CENTRE, (2, 2, 4), strict=True))
    inside = squares < 22**2
    noise = np.random.default_rng(0).normal(0, 5, SHAPE)
    hu = (np.where(inside, 100, 0) + noise).astype(np.int16)
    hu[0, 0, 0] = -1000
    nib.save(nib.Nifti1Image(hu, AFFINE), folder / "ct.nii.gz")
    grid = Grid(SHAPE, AFFINE)
    view = read_volume(folder / "ct.nii.gz").array > 50
    write_mask(folder / "label.nii.gz", view, grid)
    return folder


def evolve(files, *arguments, output="movie.gif"):
    command = ["evolve", str(files / "ct.nii.gz"), "-o", str(files / output), "--overwrite"]
    return CliRunner().invoke(app, [*command, *map(str, arguments)])


FAST = ("--frames", 4, "--iterations", 120, "--spacing", 3)


def test_a_bubble_in_air_is_refused_and_axes_are_named(files):
    hu = np.asarray(nib.load(files / "ct.nii.gz").dataobj) - np.int16(300)
    nib.save(nib.Nifti1Image(hu, AFFINE), files / "air.nii.gz")
    world = AFFINE @ [2, 2, 2, 1]
    command = ["evolve", files / "air.nii.gz", "-o", files / "air.gif", "--radius", 4, "--centre"]
    said = CliRunner().invoke(app, [str(part) for part in (*command, *world[:3])])
    assert said.exit_code == 1
    assert re.search(r"the bubble lies in air: its mean is -[23]\d\d HU", said.stderr)
    assert "of a viewer in LPS, give X and Y with the other sign" in said.stderr


def test_a_label_beside_the_liver_is_told(files, caplog):
    read_inputs(files / "ct.nii.gz", files / "label.nii.gz")
    assert caplog.records == []
    beside = np.zeros(SHAPE, bool)
    beside[:8, :8, :4] = True
    write_mask(files / "beside.nii.gz", beside, Grid(SHAPE, AFFINE))
    hu = np.asarray(nib.load(files / "ct.nii.gz").dataobj) - np.int16(100)
    nib.save(nib.Nifti1Image(hu, AFFINE), files / "fat.nii.gz")
    read_inputs(files / "fat.nii.gz", files / "beside.nii.gz")
    assert "beside.nii.gz hardly lies on a liver: the median inside it is -100 HU" in caplog.text


@pytest.mark.parametrize("engine", ["simpleitk", "torch"])
def test_a_bubble_in_the_scanners_coordinates_finds_the_sphere(files, engine):
    world = AFFINE @ [*CENTRE, 1]
    said = evolve(
        files, "--engine", engine, "--centre", *world[:3], "--radius", 10, "--label",
        files / "label.nii.gz", "--lower", 50, "--upper", 150, *FAST,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    dsc = float(said.output.rsplit("DSC ", 1)[1].split()[0])
    assert dsc > 0.93
    assert "5 frames of slice 6," in said.output  # 16 - 1 - 9: the file's slices run downwards
    with Image.open(files / "movie.gif") as movie:
        assert movie.n_frames >= 5
        first = np.asarray(movie.convert("RGB"), float)
        movie.seek(4)
        last = np.asarray(movie.convert("RGB"), float)
    orange = [((p[..., 0] > 180) & (p[..., 2] < 60)).sum() for p in (first, last)]
    assert orange[1] > 1.5 * orange[0] > 0  # the contour has grown
    assert not list(files.glob(".partial-*"))


def test_without_a_label_and_with_one_to_place_the_bubble(files):
    world = AFFINE @ [*CENTRE, 1]
    said = evolve(files, "--centre", *world[:3], *FAST)
    assert said.exit_code == 0, said.output
    assert "DSC" not in said.output.splitlines()[-1]
    said = evolve(files, "--label", files / "label.nii.gz", "--slice", 3, *FAST)
    assert said.exit_code == 0, said.output
    assert "slice 3, DSC 0.8" in said.output


def test_the_level_set_networks_layers(files):
    network = LSN((0.5, 0.5, 0.2), steps=6, channels=2, dilations=(1,))
    options = {"disc": (0.5, 0.5, 0.2), "steps": 6, "channels": 2, "dilations": (1,)}
    save_weights(
        files / "lsn.safetensors", network, Recipe("lsn", 32, (-100, 400), options=options)
    )
    said = evolve(files, "--weights", files / "lsn.safetensors", "--frames", 3, "--slice", 7)
    assert said.exit_code == 0, said.output
    assert "4 frames of slice 7" in said.output


def message(said):
    assert said.exit_code == 1, said.output
    assert "Traceback" not in said.output
    return said.output


def test_clear_errors(files, tmp_path):
    label = files / "label.nii.gz"
    (tmp_path / "text.nii.gz").write_text("no NIfTI")
    other = tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((5, 5, 5), np.uint8), np.eye(4)), other)
    empty = tmp_path / "empty.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.uint8), AFFINE), empty)
    runner = CliRunner()
    bad = runner.invoke(
        app, ["evolve", str(tmp_path / "text.nii.gz"), "-o", str(tmp_path / "a.gif")]
    )
    assert "cannot be read as NIfTI" in message(bad)
    assert "on another grid than its image" in message(evolve(files, "--label", other))
    assert "labels no voxel" in message(evolve(files, "--label", empty))
    assert "where is the bubble to be?" in message(evolve(files))
    assert "is not in the CT" in message(evolve(files, "--centre", 900, 0, 0))
    assert ".gif or .mp4" in message(evolve(files, "--label", label, output="movie.png"))
    assert "slices 0 to 15" in message(evolve(files, "--label", label, "--slice", 16, *FAST))
    said = evolve(files, "--label", label, "--lower", 90, "--upper", 50)
    assert "not below the upper" in message(said)
    world = AFFINE @ [*CENTRE, 1]
    corner = evolve(files, "--label", label, "--slice", 0, "--frames", 1, "--iterations", 1)
    assert "no frame has a contour in slice 0" in message(corner)
    said = evolve(files, "--centre", *world[:3], "--radius", 0)
    assert "there is no contour" in message(said)
    assert "no edge mode" in message(
        evolve(files, "--label", label, "--engine", "c3d", "--mode", "edge")
    )
    unet = tmp_path / "unet.safetensors"
    save_weights(unet, UNet(), Recipe("unet", 32, (-100, 400)))
    assert "contour does not move" in message(evolve(files, "--weights", unet))
    assert evolve(files, "--label", label, "--engine", "itk").exit_code == 2
    assert not (tmp_path / "a.gif").exists()


def test_an_animation_that_is_there_is_not_replaced_unasked(files):
    (files / "kept.gif").write_text("mine")
    command = ["evolve", str(files / "ct.nii.gz"), "-o", str(files / "kept.gif")]
    assert "exists already" in message(CliRunner().invoke(app, command))
    assert (files / "kept.gif").read_text() == "mine"


def test_an_mp4_that_players_read(files, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("PATH", "")  # the machine's own ffmpeg is not asked for
    world = AFFINE @ [*CENTRE, 1]
    said = evolve(files, "--centre", *world[:3], *FAST, output="movie.mp4")
    assert said.exit_code == 0, said.output
    command = [ffmpeg.get_ffmpeg_exe(), "-i", files / "movie.mp4", "-f", "rawvideo"]
    read = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    # yuv420p is the only kind that browsers play.
    stream = re.search(rb"Video: h264.*yuv420p.* (\d+)x(\d+).* 8 fps", read.stderr)
    width, height = map(int, stream.groups())
    images = np.frombuffer(read.stdout, np.uint8).reshape(-1, height, width, 3)
    assert len(images) == 5 + 7  # the last is held
    orange = [((p[..., 0] > 150) & (p[..., 2] < 90)).sum() for p in (images[0], images[-1])]
    assert orange[1] > 1.5 * orange[0] > 0


def test_mp4_needs_ffmpeg(files, monkeypatch):
    from matplotlib import animation

    monkeypatch.setattr(animation.FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    said = evolve(files, "--label", files / "label.nii.gz", output="movie.mp4")
    assert "needs ffmpeg" in message(said)
