import numpy as np
import pandas as pd
import pytest

from upwind.figures.followup import draw_followup
from upwind.figures.style import save


def table(readings=("plain", "largest_component")):
    rng, parts = np.random.default_rng(0), []
    for reading in readings:
        theirs = rng.uniform(0.7, 0.95, 20)
        ours = theirs + rng.normal(0, 0.02, 20)
        parts.append(
            pd.DataFrame(
                {
                    "reading": reading,
                    "case": range(20),
                    "fold": np.arange(20) // 4,
                    "ours": ours,
                    "ours_256": ours,
                    "theirs": theirs,
                    "difference": ours - theirs,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("readings", [("plain",), ("plain", "largest_component")])
def test_a_row_for_each_reading_shows_every_patient(tmp_path, readings):
    drawn = table(readings)
    figure = draw_followup(drawn, ["What was found."])
    assert len(figure.axes) == 3 * len(readings)
    assert figure.get_supxlabel() == "What was found."
    for row, reading in enumerate(readings):
        part = drawn[drawn["reading"] == reading]
        pairs, ordered, _ = figure.axes[3 * row : 3 * row + 3]
        points = np.concatenate([c.get_offsets() for c in pairs.collections])
        np.testing.assert_allclose(points, part[["theirs", "ours_256"]])
        heights = [bar.get_height() for bar in ordered.patches]
        np.testing.assert_allclose(heights, np.sort(part["difference"]))
    save(figure, tmp_path / "followup.pdf", tmp_path / "followup.png")


def test_folds_have_their_means():
    drawn = table(("plain",))
    means = drawn.groupby("fold")[["ours_256", "theirs"]].mean()
    lines = draw_followup(drawn, []).axes[2].lines
    shown = np.array([line.get_ydata() for line in lines if len(line.get_ydata()) == 2])
    np.testing.assert_allclose(shown, means)
