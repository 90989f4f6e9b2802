"""Progress with ETA: a bar on a terminal; in a log or a pipe plain lines, not too many."""

import math
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")
_SECONDS = 10  # between two lines


def track(
    items: Iterable[Item],
    total: int,
    what: str,
    out: TextIO | None = None,
    done_before: int = 0,
) -> Iterator[Item]:
    """Yield ``items``, showing how many of ``total`` are done and how long the rest will take.
    ``done_before`` were done by an earlier run. Where it is not a terminal, the first and the last
    are told, and of the others one in ten seconds."""
    out = out or sys.stderr
    if out.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=out)) as bar:
            yield from bar.track(items, total=total, completed=done_before, description=what)
        return
    start, told = time.monotonic(), -math.inf
    for done, item in enumerate(items, start=done_before + 1):
        yield item
        elapsed = time.monotonic() - start
        if elapsed - told < _SECONDS and done < total:
            continue
        told = elapsed
        left = elapsed / (done - done_before) * (total - done)
        print(f"{what} {done}/{total}, {elapsed:.0f} s, {left:.0f} s left", file=out, flush=True)
