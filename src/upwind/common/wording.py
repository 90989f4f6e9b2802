"""How numbers and names are put for people."""

import re
from collections.abc import Iterable, Sequence


def count_of(number: int, noun: str) -> str:
    """``1 case``, ``1,000 cases``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def first_few(names: Sequence[str], most: int) -> str:
    """``a, b``, or ``a, b and 3 more`` where there are more than ``most``."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in order, three or more in a row by their ends: ``0-3, 7, 8``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(texts)


def printable(text: str) -> str:
    """A text as a terminal may show it: control characters, which could clear the screen or write
    over a line, by their numbers (``\\x1b``)."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text
    )


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts names with the numbers in them as numbers, of any length: case 9 before case
    10."""
    parts = re.split(r"([0-9]+)", name)
    digits = [part.lstrip("0") for part in parts]
    return [
        (0, len(digits[place]), digits[place]) if place % 2 else (1, 0, part)
        for place, part in enumerate(parts)
    ]
