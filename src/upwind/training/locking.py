"""One process at a time in a training run: a second one waits, and says for whom."""

import contextlib
import datetime
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from upwind.common.files import write_json
from upwind.provenance.machine import machine, scheduler_job

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0


@contextlib.contextmanager
def one_at_a_time(lock: Path, name: str) -> Iterator[None]:
    """Run the block while no other process, on this or another node, is in one with the same
    ``lock`` file. ``name`` is the run's, for people. The lock of a process that dies is free."""
    holder = lock.with_suffix(".holder.json")
    turn = filelock.FileLock(lock, fallback_to_soft=False)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_acquired(turn, holder, name))
        except OSError as error:
            _log.warning(
                f"Warning: {name}: files cannot be locked in {lock.parent} ({error.strerror}); a "
                "second process in the same training would not notice this one, and only lose time"
            )
        else:
            write_json(holder, _myself())
        yield


@contextlib.contextmanager
def _acquired(turn: filelock.FileLock, holder: Path, name: str) -> Iterator[None]:
    try:
        turn.acquire(blocking=False)
    except filelock.Timeout:
        _log.warning(f"{name}: {_described(holder)} is in this training; waits for its end")
        turn.acquire(poll_interval=_POLL_SECONDS)
        _log.warning(f"{name}: the other process has ended")
    try:
        yield
    finally:
        turn.release()


def _myself() -> dict[str, object]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "host": machine()["host"],
        "process": os.getpid(),
        "slurm_job": scheduler_job(),
        "since": now,
    }


def _described(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text(encoding="utf-8"))
        job = "" if who["slurm_job"] is None else f" (SLURM job {who['slurm_job']})"
        return f"process {who['process']} on {who['host']}{job}, since {who['since']},"
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun
        return "another process"
