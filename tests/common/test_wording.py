import pytest

from upwind.common.wording import count_of, first_few, natural_order, printable, ranges


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases"), (1234, "1,234 cases")]
)
def test_a_count(number, expected):
    assert count_of(number, "case") == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a, b"),
        ("abc", "a, b and 1 more"),
        ("abcde", "a, b and 3 more"),
    ],
)
def test_the_first_few(names, expected):
    assert first_few(list(names), most=2) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2], "1, 2"),
        ([3, 1, 2, 2], "1-3"),
        ([8, 0, 1, 2, 3, 7], "0-3, 7, 8"),
    ],
)
def test_ranges(numbers, expected):
    assert ranges(numbers) == expected


def test_numbers_in_names_are_sorted_as_numbers():
    names = ["conv10.weight", "conv2.weight", "a", "conv2.bias", "7", "conv", "12"]
    ordered = ["7", "12", "a", "conv", "conv2.bias", "conv2.weight", "conv10.weight"]
    assert sorted(names, key=natural_order) == ordered


def test_what_could_steer_a_terminal_is_shown_by_its_number():
    assert printable("a \x1b[2J\r b\x9b\u202e") == r"a \x1b[2J\r b\x9b\u202e"
    assert printable("é × …\n\tλ") == "é × …\n\tλ"
    # As Python has a file's name that is no UTF-8.
    assert printable(b"\xff.nii".decode("utf-8", "surrogateescape")) == r"\udcff.nii"
