"""Versioned data: DVC pointers in git say which volumes went into a result."""
