"""The page about somebody's network: complete, alone, and harmless whatever names a file holds."""

import html
import json
import shutil
import subprocess

import numpy as np
import pytest

from upwind.figures.kernel_file import draw_all
from upwind.figures.kernel_page import PAGE, write_page
from upwind.figures.kernel_panels import shortened
from upwind.kernels.analysis_settings import AnalysisSettings
from upwind.kernels.files.discovery import LeftOut, Network
from upwind.kernels.layers import Layer
from upwind.kernels.weights_file import analyse_network

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "<script>document.title='ran'</script>$\\frac{x$\x1b[2J"

PROBE = """<script>
addEventListener("load", () => {
  const out = document.createElement("pre");
  out.id = "result";
  out.textContent = JSON.stringify({
    title: document.title, width: document.documentElement.scrollWidth, window: innerWidth,
    images: [...document.images].map(i => [i.complete, i.naturalWidth]),
    scripts: document.scripts.length,
    answers: [...document.querySelectorAll("dd")].map(d => d.textContent),
    names: [...document.querySelectorAll("td:nth-child(2)")].map(d => d.textContent),
  });
  document.body.append(out);
});
</script></body>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    random = np.random.default_rng(0)
    shapes = [(6, 4, 3, 3), (6, 4, 3, 3), (24, 1, 5, 5)]
    layers = [
        Layer(n, f"{HOSTILE}{n}", random.normal(size=shape)) for n, shape in enumerate(shapes, 1)
    ]
    left_out = [LeftOut(HOSTILE, (2, 2, 4, 4), "kernels of 4x4: looked at are others")]
    network = Network(layers, {1: [HOSTILE]}, left_out, "of the file")
    settings = AnalysisSettings(references=3, starts=2, resamples=20)
    analysis = analyse_network(network, settings, 16)
    write_page(HOSTILE, network, analysis, draw_all(analysis, folder), folder)
    return folder


def test_the_page_needs_nothing_else(folder, tags_of):
    text = (folder / PAGE).read_text()
    found = tags_of(text)
    assert "http" not in text
    assert "script" not in {tag for tag, _ in found}
    sources = [a["src"] for _, a in found if "src" in a]
    assert len(sources) == 10
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    links = [a["href"] for tag, a in found if tag == "a"]
    assert {"network.csv", "left_out.csv", "kernels.csv", "5x5/kernels.csv"} <= set(links)
    assert "Order: of the file." in text
    assert "3 layers, 48 kernels of 3x3, 24 of 5x5." in text
    assert text.index("<h2>Kernels of 3x3</h2>") < text.index("<h2>Kernels of 5x5</h2>")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [400, 1300])
def test_in_a_browser(folder, width, tmp_path):
    probed = tmp_path / "probed.html"
    probed.write_text((folder / PAGE).read_text().replace("</body>", PROBE))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"]
    command += ["--virtual-time-budget=3000", "--dump-dom", probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    content = done.stdout.partition('<pre id="result">')[2].partition("</pre>")[0]
    seen = json.loads(html.unescape(content))
    assert seen["title"].startswith("Kernels of <script>")
    assert seen["scripts"] == 1  # the probe's own
    assert seen["width"] <= max(seen["window"], width)
    assert len(seen["images"]) == 10
    assert all(complete and pixels > 1000 for complete, pixels in seen["images"])
    assert len(seen["answers"]) == 5
    assert any(name.startswith("<script>") for name in seen["names"])


def test_names_in_figures_are_short_and_no_commands():
    assert shortened("encoder.1", 20) == "encoder.1"
    assert shortened("a" * 30 + ".conv", 10) == "…aaaa.conv"
    assert shortened("$x$\n\x1b", 20) == r"\$x\$??"
