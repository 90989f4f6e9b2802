"""300 random changes to a finished experiment, one at a time: the audit names every one.

Each change is undone before the next. Dates are put back, so that only content can tell.
"""

import itertools
import json
import os
import random
import re
import shutil

import pytest
import yaml

from upwind.audit.checks.checkout import find_checkout
from upwind.audit.findings import Severity
from upwind.audit.plan import ask_workflow
from upwind.audit.provenance_graph import load
from upwind.audit.whole import audit
from upwind.provenance.hashing import TIMESTAMP
from upwind.provenance.records import _layout

CHANGES, SEED = 300, 20
TABLES = (".csv", ".md", ".tex", ".html", ".json", ".txt")
# What another value of these would mean can be checked; of the others a record is the only witness,
# and only its seal tells that they were altered.
CHECKED = ("inputs", "outputs", "logs", "code", "packages", "params", "declared", "order_only")
CHECKED += ("wildcards", "rule", "status")


class Tampering:
    """A finished experiment in ``root``, and one way after the other to falsify it."""

    def __init__(self, root, seed):
        self.root, self.random = root, random.Random(seed)
        folders = ("results/tiny", "data/phantom")
        found = [path for folder in folders for path in (root / folder).rglob("*")]
        self.files = sorted(path for path in found if path.is_file())
        self.records = [path for path in self.files if "records" in path.parts]
        self.full = [path for path in self.files if path.stat().st_size]
        self.alike = list(self.pairs())

    def pairs(self):
        """Files of one kind side by side, of different content."""
        for one, other in itertools.combinations(self.full, 2):
            alike = one.suffix == other.suffix and one.parent.parent == other.parent.parent
            if alike and one.read_bytes() != other.read_bytes():
                yield one, other

    def byte(self):
        """One bit of a byte of any file."""
        path = self.random.choice(self.full)
        content = bytearray(path.read_bytes())
        content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        return self.write(path, bytes(content))

    def digit(self):
        """One digit of a table or text."""
        path = self.random.choice([path for path in self.full if path.suffix in TABLES])
        text = path.read_text()
        place = self.random.choice([match.start() for match in re.finditer(r"\d", text)] or [0])
        digit = self.random.choice([d for d in "0123456789" if d != text[place]])
        return self.write(path, (text[:place] + digit + text[place + 1 :]).encode())

    def field(self):
        """A field of a record."""
        path, content = self.record()
        del content["seal"]
        seal = json.loads(path.read_text())["seal"]
        self.alter(content, list(content))
        return self.write(path, (json.dumps(content | {"seal": seal}, indent=1) + "\n").encode())

    def resealed_field(self):
        """A field of a record, by somebody who knows how records are sealed."""
        path, content = self.record()
        del content["seal"]
        # Whatever a file held that only had to be there, it says nothing of the job.
        self.alter(content, [name for name in CHECKED if content[name]], content["order_only"])
        return self.write(path, _layout(content).encode())

    def swapped(self):
        """Two files of a kind exchanged."""
        one, other = self.random.choice(self.alike)
        contents = one.read_bytes(), other.read_bytes()
        ways_back = [self.write(one, contents[1])[1], self.write(other, contents[0])[1]]
        return [one, other], lambda: [way_back() for way_back in ways_back]

    def removed(self):
        """A file taken away."""
        path = self.random.choice(self.files)
        kept = path.with_name(path.name + ".kept")
        aside = self.root / "aside" / kept.name
        aside.parent.mkdir(exist_ok=True)
        path.rename(aside)
        return [path], lambda: aside.rename(path)

    def added(self):
        """A file put there: empty, or a copy of another."""
        folder = self.random.choice(sorted({path.parent for path in self.files}))
        source = self.random.choice(self.files)
        path = folder / self.random.choice([f"new{source.suffix}", f"copy-of-{source.name}", ".x"])
        path.write_bytes(self.random.choice([b"", source.read_bytes()]))
        return [path], path.unlink

    def parameter(self):
        """A setting in the effective configuration."""
        path = self.root / "results/tiny/config.yaml"
        config = yaml.safe_load(path.read_text())
        self.alter(config, list(config))
        return self.write(path, yaml.safe_dump(config, sort_keys=False).encode())

    def write(self, path, content):
        """Replace a file's content, its date put back; returns the files changed and a way back."""
        status, before = path.stat(), path.read_bytes()
        assert content != before

        def put(what):
            path.write_bytes(what)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

        put(content)
        return [path], lambda: put(before)

    def record(self):
        path = self.random.choice(self.records)
        return path, json.loads(path.read_text())

    def alter(self, content, names, untouched=()):
        """Change one value somewhere below one of these names."""
        here, name = content, self.random.choice(names)
        while isinstance(here[name], dict | list) and here[name]:
            here = here[name]
            keys = list(here) if isinstance(here, dict) else range(len(here))
            # Dates in records only spare a second hashing.
            name = self.random.choice([k for k in keys if k != "mtime_ns" and k not in untouched])
        here[name] = another(here[name])


def another(value):
    """A value of the same sort, but not the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    return "something"


@pytest.fixture(scope="module")
def finished(finished_once, tmp_path_factory):
    """A copy of the finished experiment, and what the workflow asks for."""
    root = tmp_path_factory.mktemp("tampering") / "run"
    shutil.copytree(finished_once, root)
    run = load(root / "results/tiny")
    snakefile = find_checkout(run.root).snakefile
    return root, ask_workflow(run.root, snakefile, (run.folder / "config.yaml").read_text())


def findings(root, plan):
    """What is broken, and warnings about files."""
    found = audit(root / "results/tiny", plan=plan).checked.findings
    broken = [f for f in found if f.severity is Severity.broken]
    return broken, [f for f in found if f.severity is Severity.warning and "/" in f.path]


def is_named(path, found):
    """Is it the path of a finding, or the record that a finding about its file tells of? Of a file
    that nobody has read, the record and the content are the only witnesses: either may be wrong."""
    return any(path == finding.path or f"({path})" in finding.message for finding in found)


def test_every_change_is_found_and_named(finished):
    root, plan = finished
    tampering = Tampering(root, SEED)
    assert findings(root, plan) == ([], [])
    ways = [Tampering.byte, Tampering.digit, Tampering.field, Tampering.resealed_field]
    ways += [Tampering.swapped, Tampering.removed, Tampering.added, Tampering.parameter]
    missed = []
    for number in range(CHANGES):
        way = ways[number % len(ways)]
        paths, undo = way(tampering)
        changed = {path.relative_to(root).as_posix() for path in paths}
        broken, warnings = findings(root, plan)
        undo()
        # Without Snakemake's mark a folder is still what it was: that is a warning.
        only_mark = way is Tampering.removed and paths[0].name == TIMESTAMP
        if not all(is_named(path, warnings if only_mark else broken) for path in changed):
            missed.append((number, way.__name__, changed, [f.path for f in broken]))
    assert missed == []
    assert findings(root, plan) == ([], [])
