"""The page as text: whole without scripts, without addresses, with every number explained."""

import base64
import json
import re
from importlib.resources import files

import numpy as np
import pytest

from upwind.atlas.captions import EXPLANATIONS, change, measured_words, number, replacement_words

STYLE = (files("upwind") / "atlas/static/atlas.css").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(atlas):
    return atlas.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(text, tags_of):
    return tags_of(text)


def test_it_needs_nothing_else(text, found):
    assert "http" not in re.sub(r'http-equiv="', "", text)
    for tag, attributes in found:
        for name in ("src", "href", "action"):
            value = attributes.get(name, "#")
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
    policy = next(a["content"] for t, a in found if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_every_layer_and_cluster_is_in_the_text(made, found):
    sections = [a["data-layer"] for t, a in found if t == "section"]
    assert sections == [str(n) for n in range(1, 11)]
    rows = [(a["data-cluster"], int(a["data-kernels"])) for t, a in found
            if a.get("class") == "of-cluster"]  # fmt: skip
    counts = made.kernels.groupby(["layer", "cluster"]).size()
    assert rows == [(str(cluster), n) for (_, cluster), n in counts.items()]
    links = {a["href"] for t, a in found if t == "a" and a["href"].startswith("#layer-")}
    assert links == {f"#layer-{n}" for n in range(1, 11)}


def test_headings_go_down_one_by_one(found):
    levels = [int(tag[1]) for tag, _ in found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) == 1


def test_identifiers_are_there_once_and_those_referred_to_exist(found):
    identifiers = [a["id"] for _, a in found if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    for _, attributes in found:
        for name in ("aria-labelledby", "aria-describedby", "for", "popovertarget"):
            assert attributes.get(name, identifiers[0]) in identifiers
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in identifiers


def test_every_explanation_is_asked_for_and_every_question_answered(found):
    asked = {a["popovertarget"] for _, a in found if "popovertarget" in a}
    assert asked == {f"why-{term}" for term in EXPLANATIONS}


def test_every_picture_says_what_it_shows(found):
    pictures = [a for t, a in found if t in ("svg", "canvas")]
    assert len(pictures) > 100
    for attributes in pictures:
        assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


def test_packed_kernels_are_the_networks(made, text):
    data = json.loads(re.search(r'id="kernels">(.*?)</script>', text)[1])
    assert len(data["palette"]) == 768
    for layer, rows in made.kernels.groupby("layer"):
        packed = data["layers"][str(layer)]
        weights = unpacked(packed["weights"], "<i2").reshape(-1, 9) * packed["unit"]
        expected = rows[[f"w{n}" for n in range(9)]].to_numpy()
        assert weights == pytest.approx(expected, abs=np.abs(expected).max() / 60000)
        assert unpacked(packed["clusters"], np.uint8).tolist() == rows["cluster"].tolist()
        assert packed["in"] == rows["in_channel"].max() + 1


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_names_are_escaped_and_the_slice_is_named(made, draw):
    text = draw(experiment="a<b>&c")
    assert "a&lt;b&gt;&amp;c" in text
    assert "a<b>" not in text
    assert "Case 5, slice 3 from the feet" in text  # 5 has the median score; slice 2 of 0, 1, ...
    assert "was not trained on\nthis slice" in text
    assert "was trained on this slice" in draw(case=5, slice=3)


def test_the_same_page_each_time(draw):
    assert draw() == draw()


def test_every_colour_of_the_style_is_there_in_light_and_dark():
    names = [set(re.findall(r"(--[a-z]+):", part)) for part in STYLE.split("@media")[:2]]
    assert names[0] == names[1]
    assert set(re.findall(r"var\((--[a-z]+)\)", STYLE)) <= names[0] | {"--share", "--colour"}


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_has_enough_contrast(scheme):
    """WCAG 2.2, level AA: 4.5 to 1."""
    part = STYLE.split("@media")[scheme]
    colours = dict(re.findall(r"(--[a-z]+): (#[0-9a-f]{6})", part))
    for ink in ("--ink", "--soft", "--link"):
        for ground in ("--ground", "--card", "--row"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for bar in ("--loss", "--gain"):
        assert contrast(colours["--ink"], colours[bar]) >= 4.5, bar


def contrast(one, other):
    light = sorted(luminance(colour) for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour):
    channels = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_numbers_in_words():
    assert [number(v) for v in (-0.1234, 0.0001, -0.0001, float("nan"))] == [
        "−0.123", "0.000", "0.000", "not defined",
    ]  # fmt: skip
    assert [change(v) for v in (0.02, -0.02, 0.0001)] == ["+0.020", "−0.020", "0.000"]
    assert replacement_words("what_is_new") == "what is new"
    assert "held out" in measured_words("all", 3, 9)
    assert "not trained on" in measured_words("2", 3, 9)
