import re

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path

from upwind.figures.architecture import draw_architecture
from upwind.figures.style import save
from upwind.networks.unet import UNet

NETWORKS = {
    "paper": (UNet(), 256),
    "other filters": (UNet((8, 120, 24), 512), 64),
    "shallow": (UNet((4,), 6), 16),
}


@pytest.fixture(scope="module")
def figures():
    return {name: draw_architecture(*arguments) for name, arguments in NETWORKS.items()}


def parts(figure, kind):
    """Patches by identifier, legend left out."""
    (axes,) = figure.axes
    return {
        p.get_gid(): p
        for p in axes.patches
        if isinstance(p, kind) and p.get_gid() and not p.get_gid().startswith("legend")
    }


def ends(arrow):
    """Corners of an arrow, from its start to its tip."""
    shaft, head = arrow.get_path().to_polygons(closed_only=False)
    return np.vstack([shaft[:-1], head[1]])


def channels_in(figure, box):
    """The number that is written in a box."""
    left, bottom, width, height = box.get_bbox().bounds
    (axes,) = figure.axes
    (text,) = [
        t.get_text()
        for t in axes.texts
        if left < t.get_position()[0] < left + width
        and bottom < t.get_position()[1] < bottom + height
    ]
    return int(text)


def box_at(figure, x, y):
    """The box whose edge the point (x, y) touches."""
    for box in parts(figure, Rectangle).values():
        left, bottom, width, height = box.get_bbox().bounds
        near_x = left - 0.01 <= x <= left + width + 0.01
        if near_x and bottom - 0.01 <= y <= bottom + height + 0.01:
            return box
    raise AssertionError(f"no box at {x}, {y}")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_an_arrow_with_its_number_into_a_box_with_its_channels(figures, name):
    network, figure = NETWORKS[name][0], figures[name]
    (axes,) = figure.axes
    arrows = parts(figure, FancyArrowPatch)
    assert sum(gid.startswith("convolution-") for gid in arrows) == len(network.layers())
    for number, layer in enumerate(network.layers(), start=1):
        start, end = ends(arrows[f"convolution-{number}"])
        assert start[0] < end[0]
        assert start[1] == end[1]
        assert channels_in(figure, box_at(figure, end[0] + 0.02, end[1])) == layer.out_channels
        (label,) = [
            t for t in axes.texts if t.get_text() == f"{number}" and t.get_weight() == "bold"
        ]
        assert start[0] < label.get_position()[0] < end[0]
        assert 0 < label.get_position()[1] - end[1] < 0.1


@pytest.mark.parametrize("name", NETWORKS)
def test_skips_join_the_input_of_a_level_to_the_concatenation_of_the_same_size(figures, name):
    network, figure = NETWORKS[name][0], figures[name]
    arrows = parts(figure, FancyArrowPatch)
    skips = {gid: a for gid, a in arrows.items() if gid.startswith("skip-")}
    assert len(skips) == len(network.down)
    for number, level in enumerate(network.down, start=1):
        path = ends(skips[f"skip-{number}"])
        source = box_at(figure, path[0][0], path[0][1] - 0.02)
        target = box_at(figure, path[-1][0], path[-1][1] - 0.02)
        assert channels_in(figure, source) == level.first.in_channels == channels_in(figure, target)
        assert target.get_gid().endswith("-skip")
        assert path[0][0] < path[-1][0]
        # The same row: boxes of one row share their top.
        assert source.get_bbox().y1 == pytest.approx(target.get_bbox().y1)
    tops = [ends(skips[f"skip-{n}"])[0][1] for n in range(1, len(skips) + 1)]
    assert tops == sorted(tops, reverse=True)  # skip-1 is the outermost


@pytest.mark.parametrize("name", NETWORKS)
def test_pooling_goes_down_on_the_left_and_upsampling_up_on_the_right(figures, name):
    network, figure = NETWORKS[name][0], figures[name]
    arrows = parts(figure, FancyArrowPatch)
    pooling = [ends(a) for gid, a in arrows.items() if gid.startswith("pooling")]
    upsampling = [ends(a) for gid, a in arrows.items() if gid.startswith("upsampling")]
    assert len(pooling) == len(upsampling) == len(network.down)
    assert all(end[1] < start[1] and end[0] == start[0] for start, end in pooling)
    assert all(end[1] > start[1] and end[0] == start[0] for start, end in upsampling)
    assert max(start[0] for start, _ in pooling) < min(start[0] for start, _ in upsampling)


def test_counts_and_sizes_of_the_papers_network(figures, texts):
    written = texts(figures["paper"])
    assert any("18 layers" in t and "14,608 kernels" in t and "131,938" in t for t in written)
    sizes = [t for t in written if re.fullmatch(r"\d+ × \d+", t)]
    assert sizes == [f"{n} × {n}" for n in (256, 128, 64, 32, 16)]
    assert written.count("level's input, 16 channels") == 3
    assert written.count("level's input, 1 channel") == 1


def test_counts_of_another_network_are_its_own(figures, texts):
    network, figure = NETWORKS["other filters"][0], figures["other filters"]
    kernels = sum(c.in_channels * c.out_channels for c in network.layers())
    parameters = sum(p.numel() for p in network.parameters())
    assert any(
        f"14 layers of 3×3 convolutions with {kernels:,} kernels; {parameters:,}" in t
        for t in texts(figure)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_text_is_legible_and_free_of_arrows(figures, name, assert_legible):
    figure = figures[name]
    assert_legible(figure)
    (axes,) = figure.axes
    renderer = figure.canvas.get_renderer()
    for arrow in (p for p in axes.patches if isinstance(p, FancyArrowPatch)):
        line = Path(arrow.get_transform().transform(ends(arrow)))
        for text in axes.texts:
            box = text.get_window_extent(renderer)
            assert not line.intersects_bbox(box, filled=False), (arrow.get_gid(), text.get_text())


def test_boxes_do_not_overlap_and_hold_their_numbers(figures):
    for figure in figures.values():
        (axes,) = figure.axes
        boxes = [p.get_bbox() for p in parts(figure, Rectangle).values()]
        for i, first in enumerate(boxes):
            for second in boxes[i + 1 :]:
                width = min(first.x1, second.x1) - max(first.x0, second.x0)
                height = min(first.y1, second.y1) - max(first.y0, second.y0)
                assert width < 1e-9 or height < 1e-9
        renderer = figure.canvas.get_renderer()
        for text in axes.texts:
            x, y = text.get_position()
            for box in boxes:
                if box.contains(x, y):
                    drawn = text.get_window_extent(renderer).transformed(axes.transData.inverted())
                    assert box.x0 <= drawn.x0
                    assert drawn.x1 <= box.x1


def test_the_papers_network_fits_the_printed_width(figures):
    assert figures["paper"].get_figwidth() == pytest.approx(7.16)


def test_layers_can_be_found_in_the_svg(figures, tmp_path):
    save(figures["paper"], tmp_path / "figure1.svg")
    written = (tmp_path / "figure1.svg").read_text()
    assert all(f'id="convolution-{n}"' in written for n in range(1, 19))
    assert "131,938 parameters" in written
