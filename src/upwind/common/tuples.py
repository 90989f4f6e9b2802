"""Tuples of a known length from values of any number: sizes along two or three axes."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def pair(values: Iterable[T]) -> tuple[T, T]:
    """The two values as a tuple. Raises ValueError where there are not two."""
    first, second = values
    return first, second


def triple(values: Iterable[T]) -> tuple[T, T, T]:
    """The three values as a tuple. Raises ValueError where there are not three."""
    first, second, third = values
    return first, second, third
