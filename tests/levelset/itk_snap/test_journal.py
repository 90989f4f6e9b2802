"""The journal of a search: whole or not at all, and never of another search."""

import json

import pytest

from upwind.levelset.itk_snap.journal import Journal

TRIALS = [{"trial": {"mode": "edge"}, "outcome": {"dsc": 0.1 + 0.2}, "seconds": 1.5}]


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    Journal(tmp_path, {"seed": 1}).write(TRIALS)
    assert Journal(tmp_path, {"seed": 1}).read() == TRIALS
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_another_search_has_another_journal(tmp_path):
    Journal(tmp_path, {"seed": 1}).write(TRIALS)
    assert Journal(tmp_path, {"seed": 2}).read() == []
    assert Journal(tmp_path / "elsewhere", {"seed": 1}).read() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace("0.3000", "0.4000"),
        lambda text: "[]",
        lambda text: "",
        lambda text: json.dumps(json.loads(text) | {"key": "0" * 64}),
    ],
)
def test_a_damaged_one_is_told_of_and_not_used(tmp_path, damage, caplog):
    journal = Journal(tmp_path, {"seed": 1})
    journal.write(TRIALS)
    text = journal.path.read_text()
    assert damage(text) != text
    journal.path.write_text(damage(text))
    assert journal.read() == []
    assert "cut or altered" in caplog.text
    journal.write(TRIALS)
    assert journal.read() == TRIALS
