"""Places of boxes and lines in a drawing."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from upwind.audit.trace.layers import lay_out

BOX, LANE, GAP, MOST = 200, 8, 12, 3


def drawn(below, last=()):
    return lay_out(below, BOX, LANE, GAP, MOST, last)


@st.composite
def graphs(draw):
    """Graphs without circles in which every box but the first is below another."""
    size = draw(st.integers(1, 14))
    below = {number: [] for number in range(size)}
    for number in range(1, size):
        uppers = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3))
        for upper in sorted(uppers):
            below[upper].append(number)
    return below


def test_a_chain_is_a_column():
    layout = drawn({0: [1], 1: [2], 2: []})
    assert layout.layers == 3
    assert layout.width == BOX
    assert {x for x, _ in layout.boxes.values()} == {BOX / 2}
    assert [layer for _, layer in layout.boxes.values()] == [0, 1, 2]


def test_a_shortcut_has_a_lane_beside_the_box_that_it_passes():
    layout = drawn({0: [1, 2], 1: [2], 2: []})
    (_, passing, _) = layout.lines[0, 2]
    assert passing[1] == 1
    assert abs(passing[0] - layout.boxes[1][0]) >= BOX / 2 + LANE / 2 + GAP - 1e-6


def test_shortcuts_to_one_box_share_its_lane():
    layout = drawn({0: [1, 2, 3], 1: [2, 3], 2: [3], 3: []})
    assert layout.lines[0, 3][2] == layout.lines[1, 3][1]


def test_a_box_that_ends_the_chain_can_be_put_last():
    layout = drawn({0: [1, 3], 1: [2], 2: [], 3: []}, last=[3])
    assert layout.boxes[3][1] == 2


def test_two_alike_boxes_lie_left_and_right_of_the_one_above():
    layout = drawn({0: [1, 2], 1: [], 2: []})
    (top, _), (left, _), (right, _) = (layout.boxes[n] for n in range(3))
    np.testing.assert_allclose([left, right], [top - (BOX + GAP) / 2, top + (BOX + GAP) / 2])


def test_lines_do_not_cross_where_they_need_not():
    # In the order of their numbers, 1 to 4 and 2 to 3 would cross.
    layout = drawn({0: [1, 2], 1: [4], 2: [3], 3: [], 4: []})
    upper = layout.boxes[1][0] - layout.boxes[2][0]
    lower = layout.boxes[4][0] - layout.boxes[3][0]
    assert upper * lower > 0


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_boxes_are_apart_and_below_what_reads_them(below):
    layout = drawn(below)
    for upper, lowers in below.items():
        for lower in lowers:
            assert layout.boxes[lower][1] > layout.boxes[upper][1]
            points = layout.lines[upper, lower]
            assert points[0] == layout.boxes[upper]
            assert points[-1] == layout.boxes[lower]
            assert [layer for _, layer in points] == list(
                range(layout.boxes[upper][1], layout.boxes[lower][1] + 1)
            )
    lanes = {p for line in layout.lines.values() for p in line[1:-1]}
    for layer in range(layout.layers):
        boxes = [x for x, place in layout.boxes.values() if place == layer]
        assert len(boxes) <= MOST
        items = [(x, BOX) for x in boxes]
        items += [(x, LANE) for x, place in lanes if place == layer]
        for (left, wide), (right, other) in itertools.pairwise(sorted(items)):
            assert right - left >= (wide + other) / 2 + GAP - 1e-6
        for x, size in items:
            assert -1e-6 <= x - size / 2 <= x + size / 2 <= layout.width + 1e-6
