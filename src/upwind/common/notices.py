"""What a person must not miss: said in the job's log and on the terminal."""

import sys


def announce(message: str) -> None:
    """Print ``message`` to stderr and, where that goes to a log, to the terminal as well."""
    print(message, file=sys.stderr, flush=True)
    terminal = sys.__stderr__
    if terminal is not None and terminal is not sys.stderr:
        print(message, file=terminal, flush=True)
