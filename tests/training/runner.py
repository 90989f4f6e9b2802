"""Training runs in processes of their own, for tests that kill them. Not a test.

Started as a script, it imports everything once and then forks a process for each line of JSON on
stdin: {"network", "folder", and optionally others, see ``run``}. On stdout come lines of events:
``pid N``; ``batch N`` when N batches of the run are done, ``writing`` from the middle of a
checkpoint's writing, ``image`` when an LSN's batch begins another (with ``image``), ``ended CODE``
of the process. What the run says goes to ``folder/log``.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # which optimisers import when they are first used; it takes seconds

from upwind.common.errors import UpwindError
from upwind.common.files import write_csv
from upwind.levelset.equation import fused, scheme
from upwind.networks.weights import Recipe, save_tensors, save_weights
from upwind.provenance.fingerprint import code_fingerprint, package_versions
from upwind.training import cache_key, runs
from upwind.training.checkpoints import CheckpointPlace
from upwind.training.examples import Examples
from upwind.training.settings import TrainingSettings
from upwind.training.state import TrainingState

WINDOW = (-100.0, 400.0)
LSN = {
    "disc_radius": 0.1,
    "steps": 12,
    "dt": 0.5,
    "terms": ["balloon", "transport", "curvature"],
    "channels": 4,
    "dilations": [1, 2],
}


def discs(n, seed):
    """Bright discs (150 HU) in noise, on slices of 16 x 16."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((16, 16))
    masks = []
    for _ in range(n):
        row, column = rng.uniform((9, 5), (11, 7))
        masks.append(np.hypot(rows - row, columns - column) < rng.uniform(2, 4))
    masks = np.array(masks)
    images = np.where(masks, 150, 20) + rng.normal(0, 20, masks.shape)
    return Examples(images.astype(np.int16), masks.astype(np.uint8))


def run(
    network, folder, seconds=0.0, seed=0, data=0, settings=None, pause=0.0, image=0.0, largest=None
):
    """One run as the workflow's script does it; checkpoints every ``seconds``. ``pause`` is slept
    in the middle of each checkpoint's writing, ``image`` for each image of an LSN's batch; the
    system lets no file grow beyond ``largest`` bytes."""
    folder = Path(folder)
    if largest is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    _watch(pause, image)
    options = LSN if network == "lsn" else {}
    recipe = Recipe(network, 16, WINDOW, options=dict(options))
    settings = {"epochs": 4, "batch_size": 4, "device": "cpu"} | (settings or {})
    place = CheckpointPlace(folder / "checkpoints", seconds)
    trained = runs.run_fold(
        recipe,
        discs(22, data),
        discs(6, data + 1),
        TrainingSettings(**settings),
        seed,
        "a run",
        place,
    )
    save_weights(folder / "weights.safetensors", trained.network, trained.recipe)
    save_tensors(folder / "averaged.safetensors", trained.averaged, trained.recipe)
    write_csv(folder / "curves.csv", trained.curves)


def _watch(pause, image):
    def end_batch(state, loss):
        ended(state, loss)
        say(f"batch {len(state.rows) * 6 + state.batch}")  # 22 slices are six batches of four

    def write_bytes(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            say("writing")
            time.sleep(pause)
            file.write(content[len(content) // 2 :])

    def by_image(work, n, *given):
        def slowly(*arguments):
            say("image")
            time.sleep(image)
            work(*arguments)

        each(slowly, n, *given)

    ended, TrainingState.end_batch = TrainingState.end_batch, end_batch
    Path.write_bytes = write_bytes  # only checkpoints are written by it
    if image:
        each, fused._by_image = fused._by_image, by_image


def say(event):
    os.write(1, f"{event}\n".encode())


def warm_up():
    """Load the compiled loops once."""
    u = torch.zeros((1, 4, 4), requires_grad=True)
    fields = scheme.Fields(u, u, u, u)
    fused.evolve(u, fields, scheme.finite_differences(), 0.5, 1).sum().backward()


def fork(order):
    """Run an order in a process of its own and report its end."""
    process = os.fork()
    if process == 0:
        code = 1
        Path(order["folder"]).mkdir(parents=True, exist_ok=True)
        log = (Path(order["folder"]) / "log").open("a", buffering=1)
        os.dup2(log.fileno(), 2)
        try:
            run(**order)
            code = 0
        except UpwindError as error:
            print(f"Error: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code)
    say(f"pid {process}")
    _, status = os.waitpid(process, 0)
    say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    # Read once: the threads with which the imports are scanned do not survive a fork.
    code, packages = code_fingerprint(cache_key._MODULES), package_versions(cache_key._MODULES)
    cache_key.code_fingerprint, cache_key.package_versions = lambda _: code, lambda _: packages
    torch.set_num_threads(1)  # others would not survive a fork either
    warm_up()
    say("ready")
    for line in sys.stdin:
        fork(json.loads(line))
