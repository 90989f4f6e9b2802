"""What every job of the workflow does around its one call: a log, and one clear error."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from upwind.common.errors import UpwindError


@contextlib.contextmanager
def logged(log: str) -> Iterator[None]:
    """Send stdout and stderr of the block to the file ``log``.

    An :class:`UpwindError` ends the process with exit code 1 and its message, in the log and on
    the terminal; other exceptions pass, their traceback in both.
    """
    terminal = sys.stderr
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with (
        Path(log).open("w", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        try:
            yield
        except UpwindError as error:
            print(f"Error: {error}", file=file)
            print(f"Error: {error}", file=terminal)
            raise SystemExit(1) from None
        except Exception:
            traceback.print_exc(file=file)
            raise
