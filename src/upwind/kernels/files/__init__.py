"""The convolutions of a weights file, whoever wrote it. Files are data and are never run."""
