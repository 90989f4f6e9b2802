"""Errors that are the user's to mend: one clear message instead of a traceback."""

import contextlib
import os
from collections.abc import Iterator


class UpwindError(Exception):
    """Bad input or settings. The message says what is wrong, where, and what to do about it."""


@contextlib.contextmanager
def about(what: str) -> Iterator[None]:
    """An UpwindError of the block says what it is about: ``case 3: ...``."""
    try:
        yield
    except UpwindError as error:
        raise UpwindError(f"{what}: {error}") from error


class StorageError(UpwindError, OSError):
    """A file could not be written; ``errno`` is the system's, as in any OSError."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.message, self.errno, self.strerror = message, number, os.strerror(number)

    def __str__(self) -> str:
        return self.message
