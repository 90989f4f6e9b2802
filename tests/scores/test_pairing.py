import pytest

from upwind.common.errors import UpwindError
from upwind.scores.pairing import find_files, find_pairs, named


@pytest.fixture
def files(tmp_path):
    """A function that makes empty files below a folder."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def cases(where):
    return {case: path.name for case, path in find_files(str(where)).paths.items()}


def test_the_last_number_of_a_name_is_the_case(files):
    root = files("liver_007.nii.gz", "LiTS17_12.nii", "notes.txt", "readme.nii.gz", "3/liver.nii")
    assert cases(root) == {7: "liver_007.nii.gz", 12: "LiTS17_12.nii"}


def test_a_ct_of_lits_is_no_label(files):
    root = files("volume-3.nii.gz", "segmentation-3.nii.gz", "volume-4.nii")
    assert cases(root) == {3: "segmentation-3.nii.gz"}


def test_labels_of_the_decathlon_lie_in_a_folder_of_theirs(files):
    root = files("imagesTr/liver_5.nii.gz", "labelsTr/liver_5.nii.gz")
    assert find_files(str(root)).paths == {5: root / "labelsTr/liver_5.nii.gz"}


def test_a_pattern_says_where_the_number_stands(files):
    root = files("s0012/liver.nii.gz", "s0012/spleen.nii.gz", "s0003/liver.nii.gz", "sx/liver.nii")
    found = find_files(f"{root}/s{{case}}/liver.nii.gz").paths
    assert found == {n: root / f"s{n:04d}/liver.nii.gz" for n in (3, 12)}


def test_a_number_twice_in_a_pattern_is_the_same(files):
    root = files("1/mask-1.nii", "2/mask-1.nii")
    assert find_files(f"{root}/{{case}}/mask-{{case}}.nii").paths == {1: root / "1/mask-1.nii"}


def test_what_a_shell_would_expand_is_taken_as_it_is(files):
    root = files("a[1]/m_4.nii")
    assert list(find_files(f"{root}/a[1]/m_{{case}}.nii").paths) == [4]


def test_two_files_of_a_case_are_told_and_neither_is_taken(files):
    root = files("labels/l_1.nii", "labels/l_2.nii", "m/a_1.nii", "m/b_01.nii.gz", "m/a_2.nii")
    pairs = find_pairs(f"{root}/labels", [f"{root}/m"])
    (problem,) = pairs.problems
    assert (problem.method, problem.case, problem.missing) == ("m", 1, True)
    assert "a_1.nii and " in str(problem)
    assert "b_01.nii.gz both claim it" in str(problem)
    assert list(pairs.masks["m"]) == [2]


def test_all_that_is_unpaired_is_named_with_its_method_and_case(files):
    root = files("labels/1.nii", "labels/2.nii", "a/1.nii", "a/5.nii", "b/2.nii", "b/1.nii")
    pairs = find_pairs(f"{root}/labels", [f"{root}/a", f"{root}/b"])
    assert [str(problem) for problem in pairs.problems] == [
        "a, case 2: no mask",
        f"a, case 5: {root}/a/5.nii has no label",
    ]
    assert [problem.missing for problem in pairs.problems] == [True, False]
    assert {name: list(found) for name, found in pairs.masks.items()} == {"a": [1], "b": [1, 2]}


def test_methods_are_called_after_their_folder_or_as_they_are_named(tmp_path):
    (tmp_path / "x=y").mkdir()
    given = ["runs/nnunet/", "ours=runs/7", "b/s{case}/liver.nii", str(tmp_path / "x=y")]
    assert named(given) == {
        "nnunet": "runs/nnunet/",
        "ours": "runs/7",
        "b": "b/s{case}/liver.nii",
        "x=y": str(tmp_path / "x=y"),
    }


def test_two_methods_of_one_name_are_refused():
    with pytest.raises(UpwindError, match=r"two methods would be called masks \(a/masks and b/mas"):
        named(["a/masks", "b/masks"])


@pytest.mark.parametrize("where", ["", "masks_{case}.nii", "empty"])
def test_a_place_without_cases_is_refused(tmp_path, where):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UpwindError, match="no NIfTI file with a case number"):
        find_files(str(tmp_path / where))


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(UpwindError, match="nowhere is no folder"):
        find_files(str(tmp_path / "nowhere"))
