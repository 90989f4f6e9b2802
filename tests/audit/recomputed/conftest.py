"""What tests of recomputed numbers share."""

import csv

import pytest


@pytest.fixture(name="edit")
def editing():
    """A function that changes a cell of a results's CSV file; row as Python counts."""

    def edit(results, path, row, column, value):
        rows = results.rows(path)
        rows[row][column] = value
        with (results.folder / path).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    return edit
