"""Turns within one process; test_interruption.py has them between processes."""

import errno
import json
import os
import threading
import time

import filelock
import pytest

from upwind.training import locking
from upwind.training.locking import one_at_a_time


def test_who_is_in_it_is_written_beside_the_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "417")
    with one_at_a_time(tmp_path / "folder/run.lock", "a run"):
        who = json.loads((tmp_path / "folder/run.holder.json").read_text())
    assert (who["process"], who["slurm_job"]) == (os.getpid(), "417")


def test_the_second_waits_and_says_for_whom(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locking, "_POLL_SECONDS", 0.01)
    lock, events = tmp_path / "run.lock", []

    def second():
        with one_at_a_time(lock, "second"):
            events.append("second")

    with one_at_a_time(lock, "first"):
        holder = tmp_path / "run.holder.json"
        who = {"host": "node7", "process": 12, "slurm_job": "99", "since": "noon"}
        holder.write_text(json.dumps(who))
        thread = threading.Thread(target=second)
        thread.start()
        while "is in this training" not in caplog.text:
            assert thread.is_alive(), "it did not wait"
            time.sleep(0.01)
        events.append("first")
    thread.join(10)
    assert events == ["first", "second"]
    said = caplog.text
    assert "second: process 12 on node7 (SLURM job 99), since noon, is in this training" in said
    assert "second: the other process has ended" in said


@pytest.mark.parametrize("content", ["", "[]", "{}", None])
def test_a_holder_that_cannot_be_read_is_another_process(content, tmp_path):
    path = tmp_path / "run.holder.json"
    if content is not None:
        path.write_text(content)
    assert locking._described(path) == "another process"


def test_an_error_inside_gives_the_turn_back(tmp_path):
    with pytest.raises(ValueError, match="mine"), one_at_a_time(tmp_path / "run.lock", "a run"):
        raise ValueError("mine")
    with one_at_a_time(tmp_path / "run.lock", "a run"):
        pass


def test_where_files_cannot_be_locked_it_is_said_and_training_goes_on(
    tmp_path, monkeypatch, caplog
):
    def fail(*_, **__):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(filelock.FileLock, "acquire", fail)
    done = []
    with one_at_a_time(tmp_path / "run.lock", "a run"):
        done.append(True)
    assert done
    assert "Warning: a run: files cannot be locked" in caplog.text


def test_an_error_of_the_block_is_not_taken_for_one_of_the_lock(tmp_path):
    with pytest.raises(OSError, match="mine"), one_at_a_time(tmp_path / "run.lock", "a run"):
        raise OSError("mine")
