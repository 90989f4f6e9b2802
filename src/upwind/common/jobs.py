"""What every job of the workflow does around its one call: a log, and one clear error."""

import contextlib
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

from upwind.common.errors import UpwindError
from upwind.common.resource_errors import memory_problem, storage_problem


@contextlib.contextmanager
def logged(log: str) -> Iterator[None]:
    """Send stdout and stderr of the block to the file ``log``, and what the package logs to the
    terminal as well: it is what a person must not miss.

    An :class:`UpwindError`, a full disk, a folder that may not be written to and too little memory
    end the process with exit code 1 and one message, in the log and on the terminal; other
    exceptions pass, their traceback in both. SIGTERM ends the block like an exception, so that it
    cleans up behind itself.
    """
    terminal = sys.stderr
    try:
        file = _opened(Path(log))
    except OSError as error:
        _stop(_message(error, log) or f"the log {log} cannot be written: {error}", terminal)
    try:
        with (
            contextlib.redirect_stdout(file),
            contextlib.redirect_stderr(file),
            _ended_by_sigterm(terminal),
            _logging_to(file, terminal),
        ):
            yield
    except Exception as error:
        if (said := _message(error, log)) is not None:
            _stop(said, file, terminal)
        _write(traceback.format_exc(), file)
        raise
    finally:
        with contextlib.suppress(OSError):  # of a log that a full disk cut short
            file.close()


def _opened(log: Path) -> TextIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("w", encoding="utf-8", buffering=1)


def _message(error: Exception, log: str) -> str | None:
    """What to say instead of a traceback; None for an error that needs one."""
    if isinstance(error, UpwindError):
        return str(error)
    return memory_problem(error) or storage_problem(error, Path(log))


def _stop(message: str, *outs: TextIO) -> None:
    for out in outs:
        _write(f"Error: {message}\n", out)
    raise SystemExit(1) from None


def _write(text: str, out: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):  # the log's own disk may be the full one
        out.write(text)
        out.flush()


@contextlib.contextmanager
def _logging_to(*outs: TextIO) -> Iterator[None]:
    """Pass on what the package logs within the block, the bare message."""
    logger = logging.getLogger("upwind")
    handlers = [logging.StreamHandler(out) for out in outs]
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)


@contextlib.contextmanager
def _ended_by_sigterm(terminal: TextIO) -> Iterator[None]:
    """Let SIGTERM (a cancelled job, SLURM before it kills) raise SystemExit within the block."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for out in (sys.stderr, terminal):
            _write("Error: stopped by SIGTERM\n", out)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
