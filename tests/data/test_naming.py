import pytest
from hypothesis import given
from hypothesis import strategies as st

from upwind.common.errors import UpwindError
from upwind.data.naming import (
    CaseFiles,
    find_cases,
    holds_cases,
    left_out,
    left_out_below,
    partner_name,
    search_cases,
    short_name,
)


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def lits(root, numbers):
    touch(root, *(f"volume-{n}.nii" for n in numbers), *(f"segmentation-{n}.nii" for n in numbers))


@pytest.mark.parametrize("kind", ["lits", "auto"])
def test_lits_cases_are_sorted_by_number_not_by_name(tmp_path, kind):
    lits(tmp_path, range(131))
    cases = find_cases(tmp_path, kind)
    assert [case.number for case in cases] == list(range(131))
    assert cases[10] == CaseFiles(10, tmp_path / "volume-10.nii", tmp_path / "segmentation-10.nii")


@pytest.mark.parametrize("kind", ["msd", "auto"])
def test_decathlon_cases(tmp_path, kind):
    touch(
        tmp_path, *(f"{d}/liver_{n}.nii.gz" for d in ("imagesTr", "labelsTr") for n in (0, 9, 10))
    )
    # What a Decathlon archive holds besides.
    touch(tmp_path, "dataset.json", "imagesTr/._liver_0.nii.gz", "imagesTs/liver_200.nii.gz")
    cases = find_cases(tmp_path, kind)
    assert [case.number for case in cases] == [0, 9, 10]
    assert cases[1].image == tmp_path / "imagesTr" / "liver_9.nii.gz"
    assert cases[1].label == tmp_path / "labelsTr" / "liver_9.nii.gz"


def test_missing_partners_are_kept_for_the_check(tmp_path):
    touch(tmp_path, "volume-1.nii", "segmentation-2.nii.gz")
    assert find_cases(tmp_path, "lits") == [
        CaseFiles(1, tmp_path / "volume-1.nii", None),
        CaseFiles(2, None, tmp_path / "segmentation-2.nii.gz"),
    ]


@pytest.mark.parametrize(
    "name", ["volume-3.nii", "segmentation-0.nii.gz", "imagesTr/liver_7.nii.gz"]
)
def test_a_folder_holds_cases_when_a_file_is_named_like_one(tmp_path, name):
    assert not holds_cases(tmp_path / "missing")
    touch(tmp_path, "phantom.txt", "notes.nii")
    assert not holds_cases(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    touch(tmp_path, name)
    assert holds_cases(tmp_path)


def test_duplicates_and_leading_zeros_share_one_number(tmp_path):
    lits(tmp_path, [3])
    touch(tmp_path, "volume-3.nii.gz", "volume-003.nii.gz", "segmentation-03.nii")
    (case,) = find_cases(tmp_path, "lits")
    assert (case.number, case.image.name, case.label.name) == (
        3,
        "volume-3.nii",
        "segmentation-3.nii",
    )
    assert [path.name for path in case.duplicates] == [
        "volume-3.nii.gz",
        "volume-003.nii.gz",
        "segmentation-03.nii",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "volume-3.nii.gz.part",
        "volume-3.nii.bak",
        ".partial-volume-3.nii",
        "volume-.nii",
        "volume-a.nii",
        "volume_3.nii",
        "volume-٣.nii",
        "volume--3.nii",
        "liver_3.nii.gz",
    ],
)
def test_other_names_are_ignored(tmp_path, name):
    lits(tmp_path, [7])
    touch(tmp_path, name)
    assert [case.number for case in find_cases(tmp_path)] == [7]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UpwindError, match=r"nowhere does not exist.*dataset\.root"):
        find_cases(tmp_path / "nowhere", "lits")
    touch(tmp_path, "file")
    with pytest.raises(UpwindError, match="not a folder"):
        find_cases(tmp_path / "file", "lits")


def test_folder_without_cases_says_what_names_are_expected(tmp_path):
    with pytest.raises(UpwindError) as error:
        find_cases(tmp_path, "auto")
    assert "volume-N.nii[.gz] with segmentation-N.nii[.gz]" in str(error.value)
    assert "imagesTr/liver_N.nii[.gz] with labelsTr/liver_N.nii[.gz]" in str(error.value)
    lits(tmp_path, [1])
    with pytest.raises(UpwindError) as error:
        find_cases(tmp_path, "msd")
    assert "imagesTr" in str(error.value)
    assert "volume-N" not in str(error.value)


def test_both_namings_in_one_folder_need_a_choice(tmp_path):
    lits(tmp_path, [1])
    touch(tmp_path, "imagesTr/liver_2.nii.gz")
    with pytest.raises(UpwindError, match="lits and of msd"):
        find_cases(tmp_path)
    assert [case.number for case in find_cases(tmp_path, "msd")] == [2]


def test_unknown_kind_lists_the_known_ones(tmp_path):
    with pytest.raises(UpwindError, match="auto, lits, msd"):
        find_cases(tmp_path, "chaos")


@given(numbers=st.sets(st.integers(0, 10**6), min_size=1, max_size=20))
def test_every_number_written_is_found(tmp_path_factory, numbers):
    root = tmp_path_factory.mktemp("cases")
    lits(root, numbers)
    assert [case.number for case in find_cases(root, "lits")] == sorted(numbers)


def test_partner_names(tmp_path):
    assert partner_name(tmp_path / "volume-3.nii") == "segmentation-3.nii"
    assert partner_name(tmp_path / "segmentation-3.nii.gz") == "volume-3.nii.gz"
    assert partner_name(tmp_path / "imagesTr/liver_3.nii.gz") == "labelsTr/liver_3.nii.gz"
    assert partner_name(tmp_path / "labelsTr/liver_3.nii.gz") == "imagesTr/liver_3.nii.gz"
    assert short_name(tmp_path / "labelsTr/liver_3.nii.gz") == "labelsTr/liver_3.nii.gz"
    assert short_name(tmp_path / "volume-3.nii") == "volume-3.nii"


def test_cases_are_searched_in_all_folders_below(tmp_path):
    touch(tmp_path, "b1/volume-10.nii", "b1/volume-2.nii", "b1/deep/er/volume-0.nii.gz")
    touch(tmp_path, "labels/segmentation-2.nii", "labels/segmentation-3.nii", "volume-x.nii")
    assert search_cases(tmp_path, "lits") == [
        CaseFiles(0, tmp_path / "b1/deep/er/volume-0.nii.gz", None),
        CaseFiles(2, tmp_path / "b1/volume-2.nii", tmp_path / "labels/segmentation-2.nii"),
        CaseFiles(3, None, tmp_path / "labels/segmentation-3.nii"),
        CaseFiles(10, tmp_path / "b1/volume-10.nii", None),
    ]


def test_decathlon_is_searched_with_its_folders_alone(tmp_path):
    touch(tmp_path, *(f"Task03/{d}/liver_4.nii.gz" for d in ("imagesTr", "labelsTr")))
    touch(tmp_path, "Task03/imagesTs/liver_5.nii.gz", "Task03/liver_6.nii.gz")
    (case,) = search_cases(tmp_path, "msd")
    assert case.label == tmp_path / "Task03/labelsTr/liver_4.nii.gz"


def test_a_volume_in_two_places_is_a_duplicate(tmp_path):
    touch(tmp_path, "a/volume-1.nii", "b/volume-001.nii.gz", "b/segmentation-1.nii")
    (case,) = search_cases(tmp_path, "lits")
    assert case.image == tmp_path / "a/volume-1.nii"
    assert case.duplicates == (tmp_path / "b/volume-001.nii.gz",)


def test_nothing_found_below_is_explained(tmp_path):
    with pytest.raises(UpwindError, match=r"No case found in .* or below\. Expected names: volume"):
        search_cases(tmp_path, "lits")
    with pytest.raises(UpwindError, match="does not exist"):
        search_cases(tmp_path / "none", "lits")


def test_the_case_of_letters_does_not_count(tmp_path):
    touch(tmp_path, "volume-1.NII.GZ", "Segmentation-1.nii.gz", "VOLUME-2.Nii")
    one, two = find_cases(tmp_path, "lits")
    assert (one.image.name, one.label.name) == ("volume-1.NII.GZ", "Segmentation-1.nii.gz")
    assert (two.image.name, two.label) == ("VOLUME-2.Nii", None)
    assert partner_name(two.image) == "segmentation-2.Nii"


def test_files_that_may_have_been_meant_are_named(tmp_path):
    lits(tmp_path, [1])
    touch(tmp_path, "volume-10 (1).nii.gz", "volume-2 (1).nii.gz", "notes.txt", "liver_3.nii")
    assert left_out(tmp_path) == ["liver_3.nii", "volume-2 (1).nii.gz", "volume-10 (1).nii.gz"]
    touch(tmp_path, "msd/imagesTr/liver_1.nii.gz", "msd/imagesTr/liver_x.nii.gz")
    assert left_out(tmp_path / "msd") == ["imagesTr/liver_x.nii.gz"]


def test_where_no_case_is_found_what_is_there_is_named(tmp_path):
    touch(tmp_path, "vol-1.nii", "vol-2.nii")
    with pytest.raises(UpwindError, match=r"There are vol-1\.nii, vol-2\.nii\.$"):
        find_cases(tmp_path)


def test_links_to_folders_are_followed_and_may_lead_back(tmp_path):
    """As a disk with both batches of LiTS is linked into a project."""
    lits(tmp_path / "disk", [0])
    lits(tmp_path / "disk2", [1])
    (tmp_path / "source").mkdir()
    (tmp_path / "source/Training Batch 1").symlink_to("../disk")
    (tmp_path / "source/Training Batch 2").symlink_to("../disk2")
    (tmp_path / "disk/again").symlink_to("../source")
    cases = search_cases(tmp_path / "source", "lits")
    assert [case.number for case in cases] == [0, 1]
    assert all(case.duplicates == () for case in cases)


def test_what_is_left_out_below_a_folder_is_named(tmp_path):
    """With links to folders, also those that lead back."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "source").mkdir()
    for name in ("volume-0.nii", "segmentation-0.nii", "volume-1 (1).nii.gz", "notes.txt"):
        (tmp_path / "disk" / name).touch()
    (tmp_path / "source/batch 1").symlink_to("../disk")
    (tmp_path / "disk/back").symlink_to("../source")
    source = tmp_path / "source"
    cases = search_cases(source, "lits")
    assert [case.number for case in cases] == [0]
    assert cases[0].duplicates == ()
    assert left_out_below(source, cases) == ["volume-1 (1).nii.gz"]
    (tmp_path / "disk/volume-0.nii").unlink()
    (tmp_path / "disk/segmentation-0.nii").unlink()
    with pytest.raises(UpwindError, match=r"There are volume-1 \(1\)\.nii\.gz\."):
        search_cases(source, "lits")
