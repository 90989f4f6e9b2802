import pandas as pd

from upwind.common.frames import groups, rows

TABLE = pd.DataFrame({"case": [7, 2, 7], "fold": ["b", "a", "a"], "dsc": [0.9, 0.8, 0.7]})


def test_groups_come_in_the_order_of_their_values_or_of_their_rows():
    assert [(case, rows["dsc"].tolist()) for case, rows in groups(TABLE, "case")] == [
        (2, [0.8]),
        (7, [0.9, 0.7]),
    ]
    assert [case for case, _ in groups(TABLE, "case", sort=False)] == [7, 2]


def test_several_columns_are_told_by_tuples():
    assert [key for key, _ in groups(TABLE, ["fold", "case"])] == [("a", 2), ("a", 7), ("b", 7)]


def test_rows_have_their_columns_by_name():
    assert [(row.Index, row.case, row.dsc) for row in rows(TABLE)] == [
        (0, 7, 0.9),
        (1, 2, 0.8),
        (2, 7, 0.7),
    ]
