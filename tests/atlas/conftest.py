"""A small network with everything that its atlas is made of, and a real browser to open it in,
driven through Chromium's own debugging pipe: keys, clicks, sizes, and whatever it says on its
console or asks of a network."""

import base64
import json
import os
import runpy
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from upwind.atlas.network import Clustered, read_clustered
from upwind.data.slices import Slices, write_slices
from upwind.data.volumes import Grid
from upwind.kernels.clustering import cluster
from upwind.kernels.unet import unet_layers
from upwind.networks.unet import UNet
from upwind.networks.weights import Recipe, save_weights

REPOSITORY = Path(__file__).resolve().parents[2]
SIZE, CASES, DEPTH = 16, (3, 5, 8), 6
EFFECT = ("dsc", "change", "low", "high", "kernels", "relative_norm")
REPLACEMENTS = ("centroid", "nearest", "shuffled")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9, "/": 191, "End": 35}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


class Browser:
    """One page in headless Chromium. ``events`` are the messages that it sent by itself."""

    def __init__(self, folder):
        ours, theirs = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
        command = ["bash", "-c", f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}', "bash", CHROMIUM]
        command += [*FLAGS, f"--user-data-dir={folder}"]
        self.process = subprocess.Popen(
            command, pass_fds=(ours[0], theirs[1]), stderr=subprocess.DEVNULL
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.back = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        self.count, self.rest, self.events, self.session = 0, b"", [], None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility", "DOM"):
            self.do(f"{domain}.enable")

    def close(self):
        self.do("Browser.close")
        self.to.close()
        self.back.close()
        self.process.wait(timeout=30)

    def do(self, method, **parameters):
        """Send a command and return its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self.rest:
            part = os.read(self.back.fileno(), 1 << 20)
            assert part, "chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, path, width=1280, height=800, dark=False, scripts=True):
        """Open a file in a window of that size, as from a double click."""
        self.do("Emulation.setScriptExecutionDisabled", value=not scripts)
        mobile = width < 600
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=mobile,
                deviceScaleFactor=1)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.do("Page.navigate", url=path.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def run(self, expression):
        """The value of a JavaScript expression."""
        result = self.do("Runtime.evaluate", expression=expression, returnByValue=True,
                         awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, *keys):
        """Press keys, one after the other."""
        for key in keys:
            about = {"key": key, "windowsVirtualKeyCode": KEYS.get(key, 0), "code": key}
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else None)
            self.do("Input.dispatchKeyEvent", type="keyDown", **about,
                    **({"text": text} if text else {}))  # fmt: skip
            self.do("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        """Type into what has the focus."""
        self.do("Input.insertText", text=text)

    def click(self, selector):
        """Click in the middle of an element."""
        place = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{place}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
                       f"({place}.getBoundingClientRect())")  # fmt: skip
        for kind in ("mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                    clickCount=1)  # fmt: skip

    def names(self):
        """(role, name) of whatever a screen reader finds on the page."""
        nodes = self.do("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def picture(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        found = self.do("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def complaints(self):
        """What the console said, and the addresses that were asked for."""
        said = [e for e in self.events if e.get("method") in (
            "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")]  # fmt: skip
        asked = [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
            and not e["params"]["request"]["url"].startswith("data:")
        ]
        return said, asked


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@dataclass(frozen=True)
class Made:
    """Files of a small experiment by name, and its cases."""

    folder: Path
    kernels: pd.DataFrame
    split: pd.DataFrame
    scores: pd.DataFrame
    replacements: pd.DataFrame

    @property
    def weights(self):
        return self.folder / "weights.safetensors"

    @property
    def slices(self):
        return [self.folder / f"case-{case}.safetensors" for case in CASES]

    def clustered(self):
        """Read anew: a test may change its weights."""
        return read_clustered(self.weights, self.kernels, 0.5)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Ten layers of an untrained UNet, and three patients of six slices with liver in five."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    options = {"level_filters": [4, 4], "bottom_filters": 8}
    network = UNet(**options)
    # Near the middle of the sigmoid, so that a change of weights changes the mask.
    torch.nn.init.zeros_(network.head.bias)
    recipe = Recipe("unet", SIZE, (-100.0, 400.0), options=options)
    save_weights(folder / "weights.safetensors", network, recipe)
    clustering = cluster(unet_layers(folder / "weights.safetensors"), restarts=2)
    rng = np.random.default_rng(0)
    for case in CASES:
        label = np.zeros((DEPTH, SIZE, SIZE), np.uint8)
        label[1:, 3:9, 2 : case + 4] = 1
        image = np.where(label > 0, 150, -20) + rng.normal(0, 30, label.shape)
        bearing = (np.arange(DEPTH) > 0).astype(np.uint8)
        slices = Slices(case, Grid((SIZE, SIZE, DEPTH), np.eye(4)), image.astype(np.int16), label,
                        bearing)  # fmt: skip
        write_slices(folder / f"case-{case}.safetensors", slices)
    parts = {z: "heldout" if z in (2, 4) else "train" for z in range(1, DEPTH)}
    rows = [("all", case, z, part) for case in CASES for z, part in parts.items()]
    dsc = [("unet", 0, case, "unseen", 0.9 - case / 100) for case in CASES]
    replaced = [
        (layer, name, 0.8 - n / 10, -0.05 - n / 10, -0.1 - n / 10, -n / 10, 16, 0.3 + n / 10, 5)
        for layer in (*map(str, range(1, 11)), "all")
        for n, name in enumerate(REPLACEMENTS)
    ]
    return Made(
        folder,
        clustering.kernels,
        pd.DataFrame(rows, columns=["fold", "case", "slice", "part"]),
        pd.DataFrame(dsc, columns=["method", "fold", "case", "subset", "dsc"]),
        pd.DataFrame(replaced, columns=["layer", "replacement", *EFFECT, "folds"]),
    )


@pytest.fixture
def constrained_and_free():
    """A UNet whose kernels are kept at mean zero, clustered, and a free one of the same kernels."""
    torch.manual_seed(1)
    options = {"level_filters": [4, 4], "bottom_filters": 8}
    networks = UNet(**options, kernels="mean_zero"), UNet(**options)
    for network in networks:
        torch.nn.init.zeros_(network.head.bias)
    networks[1].load_state_dict(networks[0].state_dict(), strict=False)
    recipe = Recipe("unet", SIZE, (-100.0, 400.0), options=options)
    rng = np.random.default_rng(1)
    shapes = [layer.weight.shape[:2] for layer in networks[0].layers()]
    clusters = [rng.integers(1, 3, shape) for shape in shapes]
    return [Clustered(network, recipe, network.layers(), clusters) for network in networks]


@pytest.fixture(scope="session")
def run_script(tmp_path_factory):
    """A function of a script's name and Snakemake's input, output and params that runs it."""

    def run(name, given, output, params):
        folder = tmp_path_factory.mktemp(name)
        job = SimpleNamespace(
            input=SimpleNamespace(**given),
            output=SimpleNamespace(**output),
            params=SimpleNamespace(**params),
            log=[str(folder / "log.txt")],
        )
        path = REPOSITORY / "workflow/scripts" / f"{name}.py"
        runpy.run_path(str(path), init_globals={"snakemake": job})

    return run


@pytest.fixture(scope="session")
def draw(made, run_script, tmp_path_factory):
    """A function of settings that makes the atlas with the workflow's own scripts: its text."""
    folder = tmp_path_factory.mktemp("drawn")
    tables = {}
    for name in ("kernels", "split", "scores", "replacements"):
        tables[name] = folder / f"{name}.csv"
        getattr(made, name).to_csv(tables[name], index=False)
    given = {"weights": made.weights, "slices": made.slices, **tables, "scores": [tables["scores"]]}
    given["effects"] = folder / "effects.csv"
    common = {"threshold": 0.5, "cpu_threads": 1}
    measured = {"removed": "zero", "most_slices": 4, "device": "cpu", "resamples": 100}
    run_script(
        "measure_clusters",
        given,
        {"effects": given["effects"]},
        {**common, **measured, "confidence": 0.95, "seed": 0},
    )
    settings = {"experiment": "tiny", "fold": "all", "case": "median", "slice": "middle"}

    def make(**own):
        page = folder / "index.html"
        run_script("draw_atlas", given, {"page": page}, {**common, "pixels": 64, **settings, **own})
        return page.read_text(encoding="utf-8")

    return make


@pytest.fixture(scope="session")
def atlas(draw, tmp_path_factory):
    """Path of a small atlas."""
    path = tmp_path_factory.mktemp("atlas") / "index.html"
    path.write_text(draw(), encoding="utf-8")
    return path
