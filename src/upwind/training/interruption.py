"""Signals that end a job: the training stops at a point from which it can go on.

SLURM sends SIGTERM before a limit or a preemption, a person at the terminal SIGINT; SIGUSR1 is
what `--signal=USR1@60` of sbatch sends. A batch can take half a minute (LSN, 256 pixels, one CPU
thread), so within a batch, as long as it changes nothing that is kept, a signal ends it at once.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Interrupted(BaseException):
    """A signal asks to stop. No Exception, like KeyboardInterrupt: nothing on the way takes it for
    an error of its own."""


class Interruption:
    """Which signal arrived, and whether it may end what is under way."""

    def __init__(self) -> None:
        self.received: str | None = None
        self._anytime = False

    def check(self) -> None:
        """Raise Interrupted if a signal arrived."""
        if self.received is not None:
            raise Interrupted

    @contextlib.contextmanager
    def anytime(self, allowed: bool = True) -> Iterator[None]:
        """Within the block a signal raises Interrupted at once, where ``allowed``."""
        self._anytime = allowed
        try:
            self.check()
            yield
        finally:
            self._anytime = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler. Repeated signals change nothing: SLURM and Snakemake both pass
        theirs on, and the state is being saved."""
        if self.received is None:
            self.received = signal.Signals(number).name
            if self._anytime:
                raise Interrupted


@contextlib.contextmanager
def catching_signals(caught: bool = True) -> Iterator[Interruption]:
    """Catch SIGTERM, SIGINT and SIGUSR1 within the block, where ``caught``."""
    interruption = Interruption()
    if not caught:
        yield interruption
        return
    before = {number: signal.signal(number, interruption.handle) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
