"""Which files a command line means."""

from pathlib import Path

import pytest

from upwind.common.errors import UpwindError
from upwind.segmentation.targets import Target, find_targets


@pytest.fixture
def cts(tmp_path):
    folder = tmp_path / "cts"
    folder.mkdir()
    for name in ("scan10.nii", "scan9.NII.GZ", "notes.txt", ".scan.nii"):
        (folder / name).touch()
    return folder


def names(targets):
    return [(target.ct.name, target.mask.name) for target in targets]


def test_one_ct_has_the_mask_that_is_named(cts, tmp_path):
    mask, probability = tmp_path / "new/mask.nii", tmp_path / "p.nii.gz"
    expected = Target(cts / "scan10.nii", mask, probability)
    assert find_targets([cts / "scan10.nii"], mask, probability) == [expected]


def test_several_have_a_folder_and_the_names_of_their_cts(cts, tmp_path):
    targets = find_targets([cts / "scan10.nii", cts / "scan9.NII.GZ"], tmp_path / "m")
    assert names(targets) == [("scan10.nii", "scan10.nii.gz"), ("scan9.NII.GZ", "scan9.nii.gz")]
    assert {target.mask.parent for target in targets} == {tmp_path / "m"}
    assert {target.probability for target in targets} == {None}


def test_a_folder_stands_for_its_cts_in_the_order_of_numbers(cts, tmp_path):
    targets = find_targets([cts], tmp_path / "m", tmp_path / "p")
    assert names(targets) == [("scan9.NII.GZ", "scan9.nii.gz"), ("scan10.nii", "scan10.nii.gz")]
    assert [t.probability for t in targets] == [tmp_path / "p" / t.mask.name for t in targets]


def test_a_folder_of_a_data_set_stands_for_its_images(tmp_path):
    (tmp_path / "lits").mkdir()
    for case in (2, 11):
        for name in ("volume", "segmentation"):
            (tmp_path / f"lits/{name}-{case}.nii").touch()
    targets = find_targets([tmp_path / "lits"], tmp_path / "m")
    assert names(targets) == [
        ("volume-2.nii", "segmentation-2.nii.gz"),
        ("volume-11.nii", "segmentation-11.nii.gz"),
    ]
    for output in (tmp_path / "lits", tmp_path / "lits/segmentation-2.nii.gz"):
        cts = [tmp_path / "lits/volume-2.nii"]
        assert "among the volumes of a data set" in refused(cts, output, overwrite=True)
    assert len(find_targets(cts, tmp_path / "lits/mask.nii.gz")) == 1


def test_a_folder_that_is_there_takes_the_mask_of_one_ct(cts, tmp_path):
    (target,) = find_targets([cts / "scan10.nii"], tmp_path)
    assert target.mask == tmp_path / "scan10.nii.gz"


def refused(*arguments, **options):
    with pytest.raises(UpwindError) as error:
        find_targets(*arguments, **options)
    return str(error.value)


def test_names_that_cannot_be_outputs(cts, tmp_path):
    both = [cts / "scan10.nii", cts / "scan9.NII.GZ"]
    assert "name it .nii or .nii.gz" in refused(both[:1], tmp_path / "mask.png")
    assert "the probability is" in refused(both[:1], tmp_path / "m.nii", tmp_path / "p.png")
    assert "name a folder" in refused(both, tmp_path / "mask.nii.gz")
    assert "name a folder" in refused([cts], cts / "notes.txt")


def test_nothing_is_written_over_without_being_told(cts, tmp_path):
    (tmp_path / "m").mkdir()
    for name in ("scan9", "scan10"):
        (tmp_path / f"m/{name}.nii.gz").touch()
    said = refused([cts], tmp_path / "m")
    assert "scan9.nii.gz" in said
    assert "scan10.nii.gz exist already; name another folder or give --overwrite" in said
    assert len(find_targets([cts], tmp_path / "m", overwrite=True)) == 2


def test_an_input_is_never_an_output(cts, tmp_path):
    weights = tmp_path / "w.nii"
    weights.touch()
    packed = tmp_path / "ct.nii.gz"
    packed.touch()
    arguments = [cts / "scan10.nii"], weights
    assert "is an input" in refused(*arguments, inputs=[weights], overwrite=True)
    assert "is an input" in refused([packed], packed, overwrite=True)
    assert "is an input" in refused([packed, cts / "scan10.nii"], tmp_path, overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path)
    assert "is an input" in refused([packed], tmp_path / "link/ct.nii.gz", overwrite=True)


def test_two_cts_of_one_name_are_told_apart_by_nobody(cts, tmp_path):
    other = tmp_path / "scan10.nii.gz"
    other.touch()
    said = refused([cts / "scan10.nii", other], tmp_path / "m")
    assert str(cts / "scan10.nii") in said
    assert f"{other} would all be written to {tmp_path / 'm/scan10.nii.gz'}" in said


def test_a_file_that_would_be_written_twice(cts, tmp_path):
    ct, mask = cts / "scan10.nii", tmp_path / "m.nii"
    assert "would be written twice" in refused([ct], mask, mask)
    assert "would be written twice" in refused([ct, ct], tmp_path / "m")


def test_all_that_is_missing_is_named_at_once(cts, tmp_path):
    missing = [Path("a.nii"), Path("b.nii")]
    said = refused([*missing, cts], tmp_path / "m", inputs=[Path("w.safetensors")])
    assert said == "a.nii, b.nii, w.safetensors do not exist or are not files"


def test_a_folder_without_cts(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no file is named .nii or .nii.gz" in refused([tmp_path / "empty"], tmp_path / "m")
