"""Places for the boxes of a small directed graph, in layers from top to bottom.

The usual three steps of layered drawing: layers no wider than the page, an order within layers by
the mean place of neighbours, then horizontal places as near to the neighbours' as the order and the
widths let. Long edges to one box share a lane, which keeps a chain with many shortcuts readable.

grandalf 0.8 (2023) draws layers too, but limits no layer's width and has no lanes. It draws the 38
boxes behind the demo's Table I 4,552 px wide with up to 16 in a layer; given our layers and lanes,
3,931 px wide with 270 crossings. Here they are 1,434 px wide with 183.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

_SWEEPS, _ROUNDS = 8, 40
# A lane is kept straight, and a box below a box, rather than one near the other.
_ALIKE, _UNLIKE, _MIDDLE = 4.0, 1.0, 0.5

# A box is its number and the layer it is in; a lane is also in each layer that it passes.
_Item = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """``boxes`` are the centres by number, x from the left in pixels and the layer from 0; a line
    has the points (x, layer) of an edge, ends included; ``width`` holds all boxes and lanes."""

    boxes: Mapping[int, tuple[float, int]]
    lines: Mapping[tuple[int, int], tuple[tuple[float, int], ...]]
    width: float
    layers: int


def lay_out(
    below: Mapping[int, Sequence[int]],
    box: float,
    lane: float,
    gap: float,
    most: int,
    last: Sequence[int] = (),
) -> Layout:
    """Lay out a graph without circles: ``below`` has, for each box, the boxes below it; ``most`` is
    how many boxes a layer may hold; boxes of ``last``, which have none below, go to the last layer.
    Widths of boxes and lanes and the gap between them are in pixels."""
    layer = _layers(below, most)
    layer |= dict.fromkeys(last, max(layer.values()))
    edges = [(upper, lower) for upper in below for lower in below[upper]]
    ways = {edge: _way(edge, layer) for edge in edges}
    rows = _rows(layer, ways)
    links = sorted({pair for way in ways.values() for pair in itertools.pairwise(way)})
    _order(rows, links)
    is_lane = {item: layer[item[0]] != item[1] for row in rows for item in row}
    x = _places(rows, links, is_lane, box, lane, gap)
    half = {item: (lane if is_lane[item] else box) / 2 for item in x}
    left = min(x[item] - half[item] for item in x)
    width = max(x[item] + half[item] for item in x) - left
    places = {item: (x[item] - left, item[1]) for item in x}
    return Layout(
        {number: places[number, layer[number]] for number in below},
        {edge: tuple(places[item] for item in way) for edge, way in ways.items()},
        width,
        len(rows),
    )


def _layers(below: Mapping[int, Sequence[int]], most: int) -> dict[int, int]:
    """Layer of each box: below all boxes above it, at most ``most`` boxes in a layer. Boxes with a
    long way down go first."""
    above: dict[int, list[int]] = {number: [] for number in below}
    for upper, lowers in below.items():
        for lower in lowers:
            above[lower].append(upper)
    height: dict[int, int] = {}

    def measure(number: int) -> int:
        if number not in height:
            height[number] = 1 + max(map(measure, below[number]), default=0)
        return height[number]

    layer: dict[int, int] = {}
    # By falling height each box comes after those above it.
    for number in sorted(below, key=lambda number: (-measure(number), number)):
        place = 1 + max((layer[upper] for upper in above[number]), default=-1)
        while list(layer.values()).count(place) >= most:
            place += 1
        layer[number] = place
    return layer


def _way(edge: tuple[int, int], layer: Mapping[int, int]) -> list[_Item]:
    """A box, the lane of the lower box through the layers between, and the lower box."""
    upper, lower = edge
    between = range(layer[upper] + 1, layer[lower] + 1)
    return [(upper, layer[upper]), *((lower, place) for place in between)]


def _rows(
    layer: Mapping[int, int], ways: Mapping[tuple[int, int], list[_Item]]
) -> list[list[_Item]]:
    items = {(number, place) for number, place in layer.items()}
    items |= {item for way in ways.values() for item in way}
    # Boxes before lanes, so that a plain chain stays at the left and its shortcuts at the right.
    ordered = sorted(items, key=lambda item: (layer[item[0]] != item[1], item[0]))
    return [[i for i in ordered if i[1] == n] for n in range(max(layer.values()) + 1)]


def _order(rows: list[list[_Item]], links: Sequence[tuple[_Item, _Item]]) -> None:
    """Order each row by the mean place of neighbours, sweeping down and up; keep the best."""
    best, fewest = [list(row) for row in rows], _crossings(rows, links)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            _sort_by_neighbours(row, rows, links, down)
        crossings = _crossings(rows, links)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _sort_by_neighbours(
    row: list[_Item], rows: Sequence[list[_Item]], links: Sequence[tuple[_Item, _Item]], down: bool
) -> None:
    place = {item: n for other in rows for n, item in enumerate(other)}
    near: dict[_Item, list[int]] = {item: [place[item]] for item in row}
    for upper, lower in links:
        item, other = (lower, upper) if down else (upper, lower)
        if item in near:
            near[item].append(place[other])
    # A row's own order counts only where there is nothing to go by.
    row.sort(key=lambda item: np.mean(near[item][1:] or near[item]))


def _crossings(rows: Sequence[list[_Item]], links: Sequence[tuple[_Item, _Item]]) -> int:
    place = {item: n for row in rows for n, item in enumerate(row)}
    spans = [(upper[1], place[upper], place[lower]) for upper, lower in links]
    return sum(
        one[0] == other[0] and (one[1] - other[1]) * (one[2] - other[2]) < 0
        for n, one in enumerate(spans)
        for other in spans[:n]
    )


def _places(
    rows: Sequence[list[_Item]],
    links: Sequence[tuple[_Item, _Item]],
    is_lane: Mapping[_Item, bool],
    box: float,
    lane: float,
    gap: float,
) -> dict[_Item, float]:
    """Centres: each row in turn as near to its neighbours as its order and the widths let."""
    size = {item: lane if thin else box for item, thin in is_lane.items()}
    offsets: dict[_Item, float] = {}
    for row in rows:
        steps = [(size[a] + size[b]) / 2 + gap for a, b in itertools.pairwise(row)]
        offsets |= dict(zip(row, np.concatenate([[0.0], np.cumsum(steps)]), strict=True))
    x = dict(offsets)
    near: dict[_Item, list[_Item]] = {item: [] for item in x}
    for upper, lower in links:
        near[upper].append(lower)
        near[lower].append(upper)
    for _ in range(_ROUNDS):
        middle = (min(x.values()) + max(x.values())) / 2
        for row in rows:
            start = np.array([offsets[item] for item in row])
            # Towards the neighbours and, gently, the middle, so that the drawing is not too wide.
            pulls = [
                [
                    (x[other], _ALIKE if is_lane[item] == is_lane[other] else _UNLIKE)
                    for other in near[item]
                ]
                + [(middle, _MIDDLE)]
                for item in row
            ]
            wanted, weights = zip(*(_mean(pull) for pull in pulls), strict=True)
            fitted = isotonic_regression(np.array(wanted) - start, weights=weights).x + start
            x |= dict(zip(row, fitted, strict=True))
    return x


def _mean(pulls: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Weighted mean, and the sum of the weights."""
    places, weights = zip(*pulls, strict=True)
    return float(np.average(places, weights=weights)), sum(weights)
