"""Errors that are the user's to mend: one clear message instead of a traceback."""

import os


class UpwindError(Exception):
    """Bad input or settings. The message says what is wrong, where, and what to do about it."""


class StorageError(UpwindError, OSError):
    """A file could not be written; ``errno`` is the system's, as in any OSError."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.message, self.errno, self.strerror = message, number, os.strerror(number)

    def __str__(self) -> str:
        return self.message
