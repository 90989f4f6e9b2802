"""What ``import upwind`` offers: as documented, typed, and imported when it is asked for."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

import upwind
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENT = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
FUNCTIONS = [name for name in upwind.__all__ if inspect.isfunction(getattr(upwind, name))]


def test_what_is_public_is_what_is_documented():
    documented = re.findall(r"^### `(\w+)`$", DOCUMENT, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == set(upwind.__all__) == upwind._PUBLIC.keys()


def test_type_checkers_see_the_same():
    """Names are given to them under TYPE_CHECKING, from the modules that have them."""
    tree = ast.parse(Path(upwind.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    named = {alias.name: node.module for node in block.body for alias in node.names}
    assert named == upwind._PUBLIC
    assert all(alias.name == alias.asname for node in block.body for alias in node.names)


@pytest.mark.parametrize("name", upwind.__all__)
def test_a_public_name_is_where_it_is_said_to_be(name):
    found = getattr(upwind, name)
    assert found is getattr(importlib.import_module(upwind._PUBLIC[name]), name)
    assert found.__module__ == upwind._PUBLIC[name]
    assert found.__doc__
    assert name in dir(upwind)


def test_no_package_has_the_name_of_a_public_function():
    """It would stand in its place once it is imported."""
    packages = {path.stem for path in Path(upwind.__file__).parent.iterdir()}
    assert not packages & set(upwind.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_typed_and_its_arguments_are_documented(name):
    function = getattr(upwind, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for argument, parameter in signature.parameters.items():
        assert parameter.annotation is not inspect.Parameter.empty, argument
        if len(signature.parameters) > 1:
            assert re.search(rf"\b{argument}\b.*: ", function.__doc__), argument
    section = DOCUMENT.split(f"### `{name}`")[1].split("###")[0]
    for argument in signature.parameters:
        assert re.search(rf"\b{argument}\b", section), argument


def test_there_is_nothing_else():
    with pytest.raises(AttributeError, match="module 'upwind' has no attribute 'anything'"):
        upwind.anything  # noqa: B018
    with pytest.raises(ImportError):
        from upwind import anything  # noqa: F401


def test_importing_it_imports_nothing_but_pythons_own_library():
    code = (
        "import sys; before = set(sys.modules); import upwind; dir(upwind)\n"
        "new = {m.split('.')[0] for m in sys.modules if m not in before and m != 'upwind'}\n"
        "assert not new - sys.stdlib_module_names, new\n"
        "assert not [m for m in sys.modules if m.startswith('upwind.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Small(nn.Module):
    """A single convolution of 8 kernels."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 8, 3)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """What the examples use."""
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = (-40, -40, -20)
    axes = np.mgrid[:40, :40, :10]
    inside = ((axes - np.array([20, 20, 5])[:, None, None, None]) ** 2).sum(axis=0) < 60
    hu = np.random.default_rng(0).normal(np.where(inside, 100, -100), 10).astype(np.int16)
    (tmp_path / "data").mkdir()
    for path in ("ct.nii.gz", "data/volume-0.nii", "data/volume-1.nii"):
        nib.save(nib.Nifti1Image(hu, affine), tmp_path / path)
    label = nib.Nifti1Image(inside.astype(np.uint8), affine)
    nib.save(label, tmp_path / "data/segmentation-0.nii")
    for folder, shift in (("masks", 0), ("other_masks", 2)):
        (tmp_path / folder).mkdir()
        mask = nib.Nifti1Image(np.roll(inside, shift, axis=0).astype(np.uint8), affine)
        nib.save(mask, tmp_path / folder / "liver_0.nii")
    torch.manual_seed(0)
    save_weights(tmp_path / "unet.safetensors", UNet(), Recipe("unet", 32, (-100.0, 400.0)))
    torch.save(Small().state_dict(), tmp_path / "small.pt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_the_document_run(files):
    examples = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 7
    known = {}
    for example in examples:
        exec(compile(example, "docs/api.md", "exec"), known)
    assert known["usable"] == [0]
    means = known["tables"].scores.set_index("method")["dsc"]
    assert means["ours"] == 1.0
    assert 0.5 < means["theirs"] < 1.0
    assert known["found"].mask.shape == (40, 40, 10)
    assert known["moment"].mask.any()
    assert len(known["shares"])


def test_a_number_out_of_its_limits_is_named(files):
    with pytest.raises(upwind.UpwindError, match=r"clusters: .* greater than or equal to 2"):
        upwind.analyse_kernels("small.pt", clusters=1)


def test_a_step_in_three_dimensions_has_its_spacing(files):
    z, y, x = np.mgrid[-6:7, -6:7, -6:7] * np.array([4.0, 2.0, 1.0])[:, None, None, None]
    u = 5.0 - np.sqrt(x**2 + y**2 + z**2)
    grown = upwind.upwind_step(u, 0.1, speed=2.0, spacing=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(grown[6, 6, 8:12], u[6, 6, 8:12] + 0.2, atol=1e-9)
    moved = upwind.upwind_step(x, 0.1, velocity=(1.0, 0.0, 0.0), spacing=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(moved[..., 1:-1], x[..., 1:-1] + 0.1)


def test_a_step_takes_fields_and_refuses_what_does_not_fit():
    u = np.arange(25.0).reshape(5, 5)
    speeds = np.zeros((5, 5))
    speeds[2, 2] = 0.1
    changed = upwind.upwind_step(u, 1.0, speed=speeds) != u
    assert np.argwhere(changed).tolist() == [[2, 2]]
    for arguments, message in (
        ({"dt": 10.0, "speed": 1.0}, "the stability limit"),
        ({"dt": 0.1, "speed": np.ones(5)}, "give a number, or an array like u"),
        ({"dt": 0.1, "velocity": (1.0,)}, "2 axes, with 2 spacings and 1 velocities"),
    ):
        with pytest.raises(upwind.UpwindError, match=message):
            upwind.upwind_step(u, **arguments)
    with pytest.raises(upwind.UpwindError, match="1 axes"):
        upwind.upwind_step(np.zeros(4), 0.1)
