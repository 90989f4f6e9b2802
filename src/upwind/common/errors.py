"""Errors that are the user's to mend: one clear message instead of a traceback."""


class UpwindError(Exception):
    """Bad input or settings. The message says what is wrong, where, and what to do about it."""
