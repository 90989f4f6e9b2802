import pytest

from upwind.reproduction.difference import Part
from upwind.reproduction.kinds.tables import compare_tables, key_width, read_table

HEAD = "method,fold,case,dsc,seconds\n"


@pytest.fixture
def table(tmp_path):
    def write(name, text):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        return path

    return write


def difference(table, one, other):
    return compare_tables(table("one", one), table("other", other))


def test_cells_are_told_by_what_tells_their_row(table):
    one = HEAD + "unet,0,1,0.5,3\nunet,0,2,0.75,3\n"
    other = HEAD + "unet,0,2,0.75,3\nunet,0,1,0.625,3\n"
    found = difference(table, one, other)
    assert found.parts == [Part("dsc of unet, 0, 1", "0.5", "0.625", 0.125)]
    assert found.total == 2
    assert found.summary == (
        "1 of 2 cells differ, the largest difference 0.125 (dsc of unet, 0, 1)"
    )


def test_seconds_are_set_apart(table):
    found = difference(table, HEAD + "unet,0,1,0.5,3\n", HEAD + "unet,0,1,0.5,4\n")
    assert (found.parts, found.apart, found.expected) == ([], ["seconds"], True)
    found = difference(table, HEAD + "unet,0,1,0.5,3\n", HEAD + "unet,0,1,0.6,4\n")
    assert (len(found.parts), found.apart, found.expected) == (1, ["seconds"], False)


def test_rows_and_columns_that_one_table_alone_has(table):
    found = difference(table, "case,dsc\n1,0.5\n2,1\n", "case,dsc,hd\n1,0.5,3\n3,1,3\n")
    assert [(part.name, part.first, part.second) for part in found.parts] == [
        ("dsc of 2", "1", None),
        ("dsc of 3", None, "1"),
        ("hd of 1", None, "3"),
        ("hd of 3", None, "3"),
    ]
    assert found.total == 6


def test_another_order_of_rows_is_a_difference(table):
    found = difference(table, "case,dsc\n1,0.5\n2,1\n", "case,dsc\n2,1\n1,0.5\n")
    assert [part.name for part in found.parts] == ["order of rows or columns"]
    assert not found.expected


def test_the_largest_difference_is_that_of_one_column(table):
    one, other = "case,dsc,voxels\n1,0.5,1000\n", "case,dsc,voxels\n1,0.75,2000\n"
    assert difference(table, one, other).summary == (
        "2 of 2 cells differ, the largest difference 0.25 (dsc of 1)"
    )


@pytest.mark.parametrize(
    ("text", "width"),
    [
        (HEAD + "unet,0,1,0.5,3\nunet,0,2,0.5,3\n", 3),
        ("fold,unet\n0,0.5\navg,0.5\n", 1),
        ("epoch,loss\n1,0.5\n2,0.5\n", 1),
        ("loss,epoch\n0.5,1\n0.25,2\n", 0),  # a measured number tells no row
        ("seconds,epoch\n5,1\n4,2\n", 0),
        ("name,word\na,b\na,b\n", 0),
    ],
)
def test_as_many_first_columns_as_tell_rows_apart(table, text, width):
    one = read_table(table("one", text))
    assert key_width(one, one) == width


def test_without_such_columns_rows_are_told_by_their_number(table):
    found = difference(table, "dsc\n0.5\n0.5\n", "dsc\n0.5\n0.25\n")
    assert [part.name for part in found.parts] == ["dsc of row 2"]


@pytest.mark.parametrize("text", ["", "a,b\n1\n", "a,a\n1,2\n", 'a\n"' + "x" * 200_000 + '"\n'])
def test_what_is_no_table_is_refused(table, text):
    with pytest.raises(ValueError, match=r"."):
        read_table(table("one", text))
