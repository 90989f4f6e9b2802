from pathlib import Path

import pytest

from upwind.scores.raw import RawCases


def test_raw_cases_are_matched_by_their_order():
    raw = RawCases.of(iter([4, 0]), ["v4", "v0"], ["s4", "s0"])
    assert raw.images == {4: Path("v4"), 0: Path("v0")}
    assert raw.labels == {4: Path("s4"), 0: Path("s0")}


@pytest.mark.parametrize(("images", "labels"), [(["v4"], ["s4", "s0"]), (["v4", "v0"], ["s4"])])
def test_lists_of_different_lengths_are_refused(images, labels):
    with pytest.raises(ValueError, match="shorter"):
        RawCases.of([4, 0], images, labels)
