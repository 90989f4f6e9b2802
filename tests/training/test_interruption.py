"""Killed at any moment, stopped politely, cut, altered, started twice: the result is the same."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

RUNNER = Path(__file__).with_name("runner.py")
BATCHES = 4 * 6  # four epochs of six


class Runner:
    """A process that starts training runs; see runner.py."""

    def __init__(self):
        command = [sys.executable, str(RUNNER)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.ready, self.pid = False, None

    def event(self):
        return self.process.stdout.readline().strip()

    def start(self, network, folder, **options):
        if not self.ready:
            assert self.event() == "ready"
            self.ready = True
        order = {"network": network, "folder": str(folder), **options}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.pid = int(self.event().removeprefix("pid "))

    def wait_for(self, wanted):
        """Read events up to the first that is ``wanted`` (a function); None if the run ended."""
        while not (event := self.event()).startswith("ended"):
            assert event, "the runner died"
            if wanted(event):
                return event
        self.pid = None
        return None

    def end(self):
        """Exit code of the run."""
        while not (event := self.event()).startswith("ended"):
            assert event, "the runner died"
        self.pid = None
        return int(event.removeprefix("ended "))

    def run(self, *arguments, **options):
        self.start(*arguments, **options)
        return self.end()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def runners():
    """Two of them; they get ready side by side."""
    both = Runner(), Runner()
    yield both
    for one in both:
        one.close()


@pytest.fixture(scope="module")
def runner(runners):
    return runners[0]


@pytest.fixture(scope="module")
def uninterrupted(runner, tmp_path_factory):
    """Folders of one uninterrupted run for each network."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("unet", "lsn")}
    for name, folder in folders.items():
        assert runner.run(name, folder, seconds=1000) == 0, log(folder)
    return folders


def log(folder):
    return (folder / "log").read_text()


def assert_same(folder, other):
    for name in ("weights.safetensors", "averaged.safetensors"):
        ours, theirs = ((f / name).read_bytes() for f in (folder, other))
        assert ours == theirs
    ours, theirs = (pd.read_csv(f / "curves.csv", dtype=str) for f in (folder, other))
    assert ours.drop(columns="seconds").equals(theirs.drop(columns="seconds"))
    assert pd.to_numeric(ours["seconds"]).is_monotonic_increasing


def stop_at(runner, batch, number=signal.SIGTERM):
    """Wait until the run has done ``batch`` batches, then send it a signal."""
    assert runner.wait_for(lambda event: event == f"batch {batch}")
    os.kill(runner.pid, number)


@pytest.mark.parametrize("network", ["unet", "lsn"])
def test_killed_at_ten_random_moments_it_ends_in_the_same_bytes(
    network, runner, uninterrupted, tmp_path
):
    moments = random.Random(network)
    for batch in sorted(moments.sample(range(1, BATCHES), 10)):
        # Every batch, or seldom enough that batches are done again.
        seconds = moments.choice([0, 0.03])
        runner.start(network, tmp_path, seconds=seconds, pause=0.002)
        reached = runner.wait_for(
            lambda event, batch=batch: event.startswith("batch") and int(event[6:]) >= batch
        )
        assert reached, log(tmp_path)
        if moments.random() < 0.5:  # in the midst of a checkpoint's writing
            runner.wait_for(lambda event: event == "writing")
        time.sleep(moments.uniform(0, 0.003))
        if runner.pid is not None:
            os.kill(runner.pid, signal.SIGKILL)
            assert runner.end() == -signal.SIGKILL
    assert runner.run(network, tmp_path, seconds=0) == 0, log(tmp_path)
    assert log(tmp_path).count("goes on from") >= 8
    assert_same(tmp_path, uninterrupted[network])
    leftovers = [p for p in (tmp_path / "checkpoints").iterdir() if p.name.startswith(".partial")]
    assert leftovers == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_saves_and_stops_with_a_message_and_the_next_run_goes_on(
    number, runner, uninterrupted, tmp_path
):
    runner.start("unet", tmp_path, seconds=1000)
    stop_at(runner, 9, number)
    assert runner.end() == 1
    stopped = rf"Error: a run: stopped by {number.name} at epoch 2 of 4, batch (\d).*goes on from"
    assert (batch := re.search(stopped, log(tmp_path))), log(tmp_path)
    assert int(batch[1]) >= 4
    assert not (tmp_path / "weights.safetensors").exists()
    assert runner.run("unet", tmp_path, seconds=1000) == 0
    assert f"goes on from {tmp_path}/checkpoints/" in log(tmp_path)
    assert f"epoch 2 of 4, batch {batch[1]}" in log(tmp_path).split("goes on from")[-1]
    assert_same(tmp_path, uninterrupted["unet"])


def test_a_signal_ends_a_long_batch_between_two_images(runner, uninterrupted, tmp_path):
    runner.start("lsn", tmp_path, seconds=1000, image=0.4)  # a batch: 8 times 0.4 s
    assert runner.wait_for(lambda event: event == "batch 1")
    assert runner.wait_for(lambda event: event == "image")
    start = time.monotonic()
    os.kill(runner.pid, signal.SIGTERM)
    assert runner.end() == 1
    assert time.monotonic() - start < 2
    assert "stopped by SIGTERM at epoch 1 of 4, batch 2;" in log(tmp_path)
    assert runner.run("lsn", tmp_path) == 0
    assert_same(tmp_path, uninterrupted["lsn"])


def test_repeated_signals_do_not_spoil_the_saving(runner, uninterrupted, tmp_path):
    runner.start("lsn", tmp_path, seconds=1000, pause=0.3)
    stop_at(runner, 5)
    assert runner.wait_for(lambda event: event == "writing")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        os.kill(runner.pid, number)
        time.sleep(0.05)
    assert runner.end() == 1
    assert runner.run("lsn", tmp_path) == 0
    assert log(tmp_path).count("goes on from") == 1 + 1  # announced by one, done by the other
    assert_same(tmp_path, uninterrupted["lsn"])


def test_a_finished_training_is_taken_and_not_done_again(runner, uninterrupted, tmp_path):
    assert runner.run("lsn", tmp_path) == 0
    for name in ("weights.safetensors", "curves.csv"):  # as if the job had died just before
        (tmp_path / name).unlink()
    runner.start("lsn", tmp_path)
    assert runner.wait_for(lambda event: event.startswith("batch")) is None  # it ended without one
    assert "was trained before; its finished state is taken from" in log(tmp_path)
    assert_same(tmp_path, uninterrupted["lsn"])


def test_a_second_process_waits_for_the_first_and_takes_its_result(
    runners, uninterrupted, tmp_path
):
    first, second = runners
    first.start("lsn", tmp_path, pause=0.05)
    assert first.wait_for(lambda event: event == "batch 3")
    process = first.pid
    second.start("lsn", tmp_path)
    assert first.end() == 0
    assert second.wait_for(lambda event: event.startswith("batch")) is None
    text = log(tmp_path)
    assert re.search(
        rf"a run: process {process} on \S+, since \S+, is in this training; wait", text
    )
    assert "was trained before" in text
    assert_same(tmp_path, uninterrupted["lsn"])


def test_the_turn_of_a_killed_process_is_free(runner, uninterrupted, tmp_path):
    runner.start("lsn", tmp_path)
    stop_at(runner, 3, signal.SIGKILL)
    assert runner.end() == -signal.SIGKILL
    assert runner.run("lsn", tmp_path) == 0
    assert "waits" not in log(tmp_path)


def test_a_checkpoint_that_the_disk_does_not_take_stops_the_run_and_the_older_one_stays(
    runner, uninterrupted, tmp_path
):
    runner.start("unet", tmp_path, seconds=1000)
    stop_at(runner, 9)
    assert runner.end() == 1
    assert runner.run("unet", tmp_path, largest=1_000_000) == 1  # it takes some 2 MB
    assert re.search(
        r"Error: a run: its state could not be saved; what was saved before stays.* larger than "
        r"the file system, or the limit .*run the same command again",
        log(tmp_path),
    )
    assert runner.run("unet", tmp_path) == 0
    assert log(tmp_path).count("goes on from /") == 2
    assert_same(tmp_path, uninterrupted["unet"])
