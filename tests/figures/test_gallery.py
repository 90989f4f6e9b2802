import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from upwind.common.errors import UpwindError
from upwind.figures.gallery import (
    RANKS,
    GalleryItem,
    body_box,
    chosen_by,
    draw_gallery,
    largest_slice,
    pick_cases,
)
from upwind.methods import catalogue

# Whatever others somebody adds.
METHODS = {key: catalogue()[key] for key in ("itk_snap", "itk_snap_blind", "unet", "lsn")}


def scores(dsc, method="unet", subset="unseen", fold=0):
    return pd.DataFrame(
        {
            "method": method,
            "fold": fold,
            "case": [f"case-{i}" for i in range(len(dsc))],
            "subset": subset,
            "dsc": dsc,
        }
    )


def item(method="unet", rank="best", dsc=0.9, shape=(40, 60), spacing=(1.0, 1.0), **regions):
    ct = np.full(shape, -1000.0)
    ct[10:30, 10:40] = 60
    label = np.zeros(shape, bool)
    label[12:28, 15:35] = True
    mask = np.zeros(shape, bool)
    mask[12:28, 12:30] = True
    regions = {"label": label, "mask": mask} | regions
    colour = METHODS[method].colour
    return GalleryItem(METHODS[method].title, colour, rank, 7, dsc, ct, spacing=spacing, **regions)


def contours(axes):
    return {c.get_gid(): c for c in axes.collections if c.get_gid()}


def test_best_median_and_worst_of_the_first_network_as_every_method_segmented_them():
    table = pd.concat(
        [
            scores([0.1, 0.5, 0.9, 0.4, 0.6], "lsn"),
            scores([0.99] * 3, "unet", "heldout"),
            scores([0.7, np.nan, 0.8, 0.2, 0.9], "unet"),
            scores([0.3, 0.31, 0.32, 0.33], "itk_snap"),
        ]
    )
    assert chosen_by(table, METHODS) == "unet"
    picked = pick_cases(table, METHODS)
    assert picked["method"].tolist() == ["itk_snap"] * 3 + ["unet"] * 3 + ["lsn"] * 3
    assert picked["rank"].tolist() == ["best", "median", "worst"] * 3
    # Case 4 is the UNet's best, but ITK-SNAP has not segmented it; case 1 has no DSC of the UNet's.
    assert picked["case"].tolist() == [f"case-{i}" for i in (2, 0, 3)] * 3
    assert picked["dsc"].tolist() == [0.32, 0.3, 0.33, 0.8, 0.7, 0.2, 0.9, 0.1, 0.4]


def test_where_no_patient_has_all_methods_one_is_left_out():
    table = pd.concat([scores([0.7, 0.8], "unet"), scores([0.3], "lsn").assign(case="case-9")])
    picked = pick_cases(table, METHODS)
    assert picked["method"].unique().tolist() == ["unet"]
    assert chosen_by(scores([0.3], "itk_snap"), METHODS) == "itk_snap"


def test_of_two_cases_as_near_to_the_median_the_lower_is_taken():
    assert pick_cases(scores([0.2, 0.4, 0.6, 0.8]), METHODS).loc[1, "dsc"] == 0.4


def test_the_choice_does_not_depend_on_the_order_of_the_rows():
    table = scores([0.5, 0.5, 0.7, 0.7, 0.6, 0.6])
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(pick_cases(table, METHODS), pick_cases(shuffled, METHODS))


def test_no_defined_score_is_an_error():
    with pytest.raises(UpwindError, match="no unseen case"):
        pick_cases(scores([np.nan]), METHODS)
    with pytest.raises(UpwindError, match="no cases"):
        draw_gallery([], "UNet")


def test_largest_slice():
    label = np.zeros((4, 5, 5), int)
    label[1, :2, :2] = 1
    label[2, :3, :3] = 2  # tumour is labelled too
    label[3, 0, 0] = 1
    assert largest_slice(label) == 2


def test_rows_are_methods_and_columns_are_ranks(texts, assert_legible):
    items = [
        item(method, rank, dsc)
        for method in ("itk_snap", "unet", "lsn")
        for rank, dsc in (("best", 0.95), ("median", 0.8514), ("worst", 0.1))
    ]
    figure = draw_gallery(items, "UNet", window=(-50, 150))
    written = texts(figure)
    for method in ("ITK-SNAP", "UNet", "LSN"):
        assert method in written
    assert written.count("median: case 7") == 1
    assert written.count("DSC 0.851") == 3
    assert "best, median and worst of UNet" in written
    assert "bar 50 mm" in written
    assert "window −50 to 150 HU" in written
    assert all(axes.images[0].get_clim() == (-50, 150) for axes in figure.axes)
    places = np.array([axes.get_position().p0 for axes in figure.axes]).reshape(3, 3, 2)
    assert (np.diff(places[:, :, 0], axis=1) > 0).all()  # ranks from left to right
    assert (np.diff(places[:, :, 1], axis=0) < 0).all()  # methods from top to bottom
    assert_legible(figure)


def test_a_slice_is_cropped_to_the_body(texts):
    ct = np.full((40, 60), -1000.0)
    ct[10:30, 12:40] = 60
    ct[:3, :3] = 60  # the table, or what else lies beside the body
    rows, columns = body_box(ct)
    assert (rows, columns) == (slice(6, 34), slice(8, 44))
    (axes,) = draw_gallery([item()], "UNet").axes
    assert (axes.get_xlim(), axes.get_ylim()) == ((5.5, 43.5), (33.5, 5.5))
    assert body_box(np.full((4, 5), -1000.0)) == (slice(None), slice(None))


def test_the_scale_bar_has_its_length():
    (axes,) = draw_gallery([item(spacing=(1.0, 2.0))], "UNet").axes
    (bar,) = [line for line in axes.lines if line.get_gid() == "scale-bar"]
    assert np.ptp(bar.get_xdata()) * 2.0 == pytest.approx(50)
    assert np.ptp(bar.get_ydata()) == 0


def test_many_methods_fill_a_page_at_most(assert_legible):
    named = [f"method {n}, largest component" for n in range(16)]
    items = [
        GalleryItem(
            name,
            "black",
            rank,
            7,
            0.9,
            *(getattr(item(), f) for f in ("ct", "label", "mask", "spacing")),
        )
        for name in named
        for rank in ("best", "median", "worst")
    ]
    figure = draw_gallery(items, "UNet")
    assert figure.get_figheight() <= 9.4
    assert_legible(figure)


def test_a_long_name_stays_beside_its_own_row():
    named = [f"UNet, averaged weights {n}, largest component" for n in range(8)]
    items = [dataclasses.replace(item(rank=rank), method=name) for name in named for rank in RANKS]
    figure = draw_gallery(items, "UNet")
    figure.canvas.draw()
    panels = {round(a.get_window_extent().y0): a.get_window_extent() for a in figure.axes}
    names = [text for text in figure.texts if "averaged" in text.get_text()]
    assert [" ".join(text.get_text().split()) for text in names] == named
    for text in names:
        box = text.get_window_extent()
        assert any(panel.y0 <= box.y0 and box.y1 <= panel.y1 for panel in panels.values())


def test_contours_follow_label_and_mask_in_different_colours():
    figure = draw_gallery([item()], "UNet")
    lines = contours(figure.axes[0])
    extents = {gid: line.get_paths()[0].get_extents() for gid, line in lines.items()}
    assert extents["label"].extents.tolist() == [14.5, 11.5, 34.5, 27.5]
    assert extents["mask"].extents.tolist() == [11.5, 11.5, 29.5, 27.5]
    colours = [to_rgb(lines[gid].get_edgecolor()[0]) for gid in ("label", "mask")]
    assert np.abs(np.subtract(*colours)).max() > 0.5


def test_contour_of_a_region_at_the_edge_is_closed():
    label = np.zeros((40, 60), bool)
    label[:10] = True
    figure = draw_gallery([item(label=label)], "UNet")
    path = contours(figure.axes[0])["label"].get_paths()[0]
    assert path.get_extents().extents.tolist() == [-0.5, -0.5, 59.5, 9.5]


def test_pixels_have_their_true_shape():
    square, tall = draw_gallery([item(), item(rank="worst", spacing=(2.0, 0.8))], "UNet").axes
    # One pixel down against one pixel across, on the page.
    for axes, expected in ((square, 1.0), (tall, 2.5)):
        axes.apply_aspect()
        across, down = np.abs(axes.transData.transform([1, 1]) - axes.transData.transform([0, 0]))
        assert down / across == pytest.approx(expected)


def test_row_0_is_on_top_and_the_patients_right_on_the_left():
    (axes,) = draw_gallery([item()], "UNet").axes
    first = axes.transData.transform([0, 0])
    last = axes.transData.transform([59, 39])
    assert first[0] < last[0]
    assert first[1] > last[1]
    (letter,) = [t for t in axes.texts if t.get_text() == "R"]
    assert letter.get_position()[0] < 0.1


def test_an_empty_segmentation_is_said(texts):
    nothing = np.zeros((40, 60), bool)
    figure = draw_gallery([item(mask=nothing)], "UNet")
    assert "nothing segmented" in texts(figure)
    assert list(contours(figure.axes[0])) == ["label"]
