"""The drawn trace: complete without scripts, and usable in a browser."""

import html.parser
import json
import shutil
import subprocess

import pytest

from upwind.audit.trace.page import page, write_page
from upwind.audit.trace.walk import trace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

# Walks the page with the keyboard and leaves what it sees in the document.
PROBE = """<script>
addEventListener("load", () => {
  const seen = [];
  const shown = () => [...document.querySelectorAll("section")]
    .filter(s => getComputedStyle(s).display !== "none").map(s => s.id);
  const press = key => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  const note = () => seen.push([document.activeElement.dataset.number, shown()]);
  seen.push([null, shown()]);
  const boxes = [...document.querySelectorAll("a.box")];
  boxes[0].focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) { press(key); note(); }
  boxes[boxes.length - 1].dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
  note();
  const rect = element => {
    const r = element.getBoundingClientRect();
    return [r.left, r.top, r.right, r.bottom];
  };
  const result = {
    seen, width: document.documentElement.scrollWidth, window: innerWidth,
    aside: rect(document.querySelector("aside")), figure: rect(document.querySelector("figure")),
    boxes: boxes.map(b => [rect(b.querySelector("rect")),
                           [...b.querySelectorAll("text")].map(rect)]),
    tabbable: boxes.every(b => b.tabIndex === 0),
    chosen: document.querySelectorAll(".box.chosen").length,
  };
  const out = document.createElement("pre");
  out.id = "result"; out.textContent = JSON.stringify(result); document.body.append(out);
});
</script></body>"""


def looked_at(path, width, height, folder):
    """What the probe saw in headless Chromium."""
    probed = folder / "probed.html"
    probed.write_text(path.read_text().replace("</body>", PROBE))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"]
    command += ["--virtual-time-budget=3000", "--dump-dom", probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    content = done.stdout.partition('<pre id="result">')[2].partition("</pre>")[0]
    return json.loads(html.unescape(content))


@pytest.fixture
def table(experiment):
    return experiment.results / "table1.csv"


def test_the_page_needs_nothing_else(table, tags_of):
    text = page(trace(table, "unet,0"))
    found = tags_of(text)
    assert "http" not in text
    assert "<!--" not in text
    assert not [a for _, a in found if "src" in a]
    assert {a["href"][0] for _, a in found if "href" in a} == {"#"}


def test_each_box_leads_to_its_details(table, tags_of):
    chain = trace(table, "unet,0")
    found = tags_of(page(chain))
    boxes = [a for tag, a in found if tag == "a"]
    sections = {a["id"] for tag, a in found if tag == "section"}
    assert {box["href"] for box in boxes} == {f"#{name}" for name in sections}
    labels = " ".join(box["aria-label"] for box in boxes)
    for rule in ("tabulate", "segment_fold", "train", "slice_case × 4", "make_phantom × 4"):
        assert rule in labels
    links = {(a["data-from"], a["data-to"]) for _, a in found if a.get("class") == "line"}
    assert links == {(b["data-number"], s) for b in boxes for s in b["data-sources"].split()}


def test_details_have_the_whole_hashes(table, experiment):
    text = page(trace(table, "unet,0"))
    for name in ("data/made/label-3.nii", "results/x/networks/unet/0/weights.st"):
        assert f"<code>{experiment.state(name).sha256}</code>" in text
    assert "network {epochs 2}, seed 0" in text
    assert "results/x/networks/lsn" not in text


def test_raw_files_have_a_box_of_their_own(project, tags_of):
    found = tags_of(page(trace(project.results / "table1.csv")))
    (raw,) = [a for _, a in found if a.get("class") == "box raw"]
    assert raw["aria-label"].startswith("Raw files, 1 file")
    readers = [
        a["data-number"] for t, a in found if t == "a" if raw["data-number"] in a["data-sources"]
    ]
    assert len(readers) == 2  # slice and score


def test_names_are_escaped(experiment, tags_of):
    experiment.job("draw", (), {"results/x/a<b>&c.png": "picture"}, params={"title": "<script>"})
    text = page(trace(experiment.results / "a<b>&c.png"))
    tags_of(text)
    assert "a&lt;b&gt;&amp;c.png" in text
    assert "title &lt;script&gt;" in text


def test_a_broken_link_is_at_the_top(table):
    table.write_text(table.read_text() + "\n")
    text = page(trace(table, "unet,0"))
    assert text.index("was changed after tabulate") < text.index("<svg")
    assert '<ul class="problems">' in text


@needs_chromium
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_in_a_browser(table, tags_of, tmp_path, width, height):
    write_page(tmp_path / "trace.html", trace(table))
    result = looked_at(tmp_path / "trace.html", width, height, tmp_path)
    (first,) = [a for _, a in tags_of(page(trace(table))) if a.get("data-number") == "1"]
    below, last = first["data-sources"].split()[0], str(len(result["boxes"]) - 1)
    assert result["seen"] == [
        [None, ["box-0"]],
        ["1", ["box-1"]],
        [below, [f"box-{below}"]],
        ["1", ["box-1"]],
        [last, [f"box-{last}"]],
    ]
    assert result["tabbable"]
    assert result["chosen"] == 1
    assert result["width"] <= result["window"]
    assert result["figure"][2] <= result["aside"][0]
    outlines = [outline for outline, _ in result["boxes"]]
    for n, (one, lines) in enumerate(result["boxes"]):
        for left, top, right, bottom in lines:
            assert one[0] <= left
            assert right <= one[2]
            assert one[1] <= top
            assert bottom <= one[3]
            assert bottom - top >= 9  # pixels: legible
        for other in outlines[:n]:
            assert (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )
