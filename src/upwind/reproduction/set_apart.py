"""What is expected to differ between two runs that did the same: the one place that names it.

Everything else that differs counts. What is drawn or written from nothing but this (a figure of
seconds) is found by the records, and not named here.
"""

from pathlib import PurePosixPath

from upwind.provenance.records import FOLDER

# Below the results: what tells of the jobs (compared as causes, not as results), and pages that
# hold dates: Snakemake's report.
FOLDERS = (FOLDER, "logs")
FILES = ("report.html",)
# Columns of tables: times, memory, and dates of files.
COLUMNS = frozenset({"seconds", "spent_seconds", "memory_mb", "mtime_ns"})
# Where a run's results and its data lie. Volumes are compared by their content.
SETTINGS = frozenset({"experiment", "dataset.root"})
# Of what weights say of themselves: the release that wrote them.
HEADER = frozenset({"upwind.version"})
# Of a job's machine, what cannot move a number.
MACHINE = frozenset({"host"})

REASONS = {
    "records and logs": "they tell of jobs: when, where and how long",
    "report.html": "it holds dates and the records of jobs",
    "columns": "times, memory and dates of files",
    "settings": "where results and data lie",
    "headers": "the release of upwind that wrote weights",
}


def is_about_jobs(path: str) -> bool:
    """Does a file, by its path below the results, tell of the jobs and not of the results?"""
    return path in FILES or PurePosixPath(path).parts[0] in FOLDERS
