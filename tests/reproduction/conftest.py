"""Two runs that did the same, of which tests change the second."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from upwind.provenance.hashing import state_of
from upwind.provenance.records import read_record, write_record


@dataclass
class Run:
    """A recorded run in a folder of its own; ``home`` is where its results lie below ``root``."""

    root: Path
    home: str

    @property
    def results(self):
        return self.root / self.home

    def records(self, pattern):
        """Paths of records, ``train/*`` say."""
        found = sorted(self.results.glob(f"records/{pattern}.json"))
        assert found
        return found

    def edit(self, pattern, **changes):
        """Write records anew, sealed, with other fields; a function is called with the old."""
        for path in self.records(pattern):
            record = read_record(path)
            new = {
                key: value(getattr(record, key)) if callable(value) else value
                for key, value in changes.items()
            }
            write_record(path, replace(record, **new))

    def write(self, name, text, recorded=True):
        """Give a result another content, and let records tell of it as if a job had written it."""
        path = f"{self.home}/{name}"
        (self.root / path).write_text(text)
        if not recorded:
            return
        state = state_of(self.root / path)

        def told(files):
            return {key: state if key == path else old for key, old in files.items()}

        self.edit("*/*", inputs=told, outputs=told)


@pytest.fixture
def runs(experiment, tmp_path):
    """The hand-made experiment twice."""
    first = Run(experiment.root, experiment.home)
    shutil.copytree(first.results, tmp_path / "again" / first.home)
    shutil.copytree(first.root / "data", tmp_path / "again/data")
    return first, Run(tmp_path / "again", first.home)


@pytest.fixture
def compared(runs):
    """The comparison of the two as they are now."""
    from upwind.reproduction.comparison import compare
    from upwind.reproduction.reading import opened

    def now(**options):
        with opened(runs[0].results) as one, opened(runs[1].results) as other:
            return compare(one, other, **options)

    return now
