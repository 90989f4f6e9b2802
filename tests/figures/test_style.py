import hashlib
import re

import matplotlib as mpl
import pytest

from upwind.figures import style


@style.styled
def small_figure():
    figure = style.new_figure(2, 1)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], gid="line")
    axes.set_title("Layer 11")
    return figure


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    digests = []
    for name in ("first", "second"):
        paths = [tmp_path / name / f"figure.{ending}" for ending in ("svg", "pdf", "png")]
        style.save(small_figure(), *paths)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1]


def test_text_stays_text_and_fonts_are_embedded(tmp_path):
    style.save(small_figure(), tmp_path / "f.svg", tmp_path / "f.pdf")
    assert re.search(r"<text[^>]*>Layer 11</text>", (tmp_path / "f.svg").read_text())
    pdf = (tmp_path / "f.pdf").read_bytes()
    assert b"/FontFile2" in pdf  # a TrueType font program
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf


def test_resolution_is_fit_for_print(tmp_path):
    style.save(small_figure(), tmp_path / "f.png")
    assert mpl.image.imread(tmp_path / "f.png").shape[:2] == (300, 600)


def test_the_users_settings_neither_matter_nor_change(tmp_path):
    style.save(small_figure(), tmp_path / "plain.svg")
    with mpl.rc_context({"font.size": 30, "axes.titlesize": 40, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        style.save(small_figure(), tmp_path / "large.svg")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "large.svg").read_bytes()


def test_an_older_figure_stays_whole_when_writing_fails(tmp_path):
    path = tmp_path / "figure.nonsense"
    path.write_text("older")
    with pytest.raises(ValueError, match="nonsense"):
        style.save(small_figure(), path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
