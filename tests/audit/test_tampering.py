"""300 random changes to a finished experiment, one at a time, and forgeries with all records sealed
again: the audit names every one.

Each change is undone before the next. Dates are put back, so that only content can tell.
"""

import itertools
import json
import os
import random
import re
import shutil
from dataclasses import replace

import pytest
import yaml

from upwind.audit.checks.checkout import find_checkout
from upwind.audit.findings import Severity
from upwind.audit.plan import ask_workflow
from upwind.audit.provenance_graph import load
from upwind.audit.whole import audit
from upwind.provenance.fingerprint import combined
from upwind.provenance.hashing import TIMESTAMP, sha256_of_text, state_of
from upwind.provenance.records import _layout, _unsealed, read_record, write_record

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
            keys = [key for key in keys if key != "mtime_ns" and key not in untouched]
            if not keys:  # all of it only had to be there
                return self.alter(content, names, untouched)
            name = self.random.choice(keys)
        here[name] = another(here[name])
        return None


def another(value):
    """A value of the same sort, but not the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    return "something"


class Forger:
    """Changes to an experiment in ``root`` by somebody who seals every record again, so that all
    hashes agree. Each returns what the audit has to name; ``undo`` takes it back."""

    def __init__(self, root):
        self.root, self.kept = root, {}

    def keep(self, path):
        """Before a file is changed, or put there."""
        path = self.root / path
        self.kept.setdefault(path, path.read_bytes() if path.exists() else None)
        return path

    def undo(self):
        for path, content in self.kept.items():
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)

    def record(self, name, **fields):
        """Write other fields into a record."""
        path = self.keep(f"results/tiny/records/{name}.json")
        write_record(path, replace(read_record(path), **fields))
        return path.relative_to(self.root).as_posix()

    def read(self, name):
        return read_record(self.root / f"results/tiny/records/{name}.json")

    def write(self, path, content):
        """Replace a file, and let every record say that this is what it read or wrote."""
        path = f"results/tiny/{path}"
        self.keep(path).write_bytes(content)
        for file in (self.root / "results/tiny/records").rglob("*.json"):
            record = read_record(file)
            sides = {side: getattr(record, side) for side in ("inputs", "outputs")}
            named = {side: files for side, files in sides.items() if path in files}
            if named:
                state = state_of(self.root / path)
                self.keep(file)
                files = {side: files | {path: state} for side, files in named.items()}
                write_record(file, replace(record, **files))
        return path

    def edit(self, path, old, new):
        text = (self.root / "results/tiny" / path).read_text()
        assert old in text
        return self.write(path, text.replace(old, new, 1).encode())

    def planted_mask(self):
        """Its maker's record names it."""
        folder = "results/tiny/segmentations/unet/0/unseen"
        planted = self.keep(f"{folder}/segmentation-99.nii.gz")
        shutil.copy(self.root / folder / "segmentation-0.nii.gz", planted)
        name = "segment_fold/fold=0,network=unet"
        state = state_of(planted)
        outputs = self.read(name).outputs | {f"{folder}/segmentation-99.nii.gz": state}
        self.record(name, outputs=outputs)
        return folder

    def planted_mask_that_all_read(self):
        """Its readers' records name it, too."""
        folder = self.planted_mask()
        planted = f"{folder}/segmentation-99.nii.gz"
        state = state_of(self.root / planted)
        for file in (self.root / "results/tiny/records").rglob("*.json"):
            record = read_record(file)
            if f"{folder}/segmentation-0.nii.gz" in record.inputs:
                name = file.relative_to(self.root / "results/tiny/records").with_suffix("")
                self.record(name.as_posix(), inputs=record.inputs | {planted: state})
        return planted

    def report_of_a_case(self):
        self.edit("cases/case-0.json", '"hu_min": -1024.0', '"hu_min": -1023.0')
        return "results/tiny/cases.csv"

    def weights(self):
        path = "networks/unet/1/weights.safetensors"
        content = bytearray((self.root / "results/tiny" / path).read_bytes())
        content[-1] ^= 1
        return self.write(path, bytes(content))

    def curves(self):
        text = (self.root / "results/tiny/networks/lsn/0/curves.csv").read_text()
        seconds = text.strip().rpartition(",")[2]
        return self.edit("networks/lsn/0/curves.csv", seconds, "0.0625")

    def published_half(self):
        return self.edit("table1.md", " / 0.640", " / 0.604")

    def footnote(self):
        return self.edit("table1.tex", "whole volumes", "volumes with liver")

    def extended_footnote(self):
        return self.edit("extended.html", "unseen", "all")

    def module_that_is_no_longer_named(self):
        name = "gather_scores/job"
        record = self.read(name)
        code = {m: digest for m, digest in record.code.items() if m != "upwind.common.files"}
        params = record.params | {"code": combined(code | record.packages)}
        return self.record(name, code=code, params=params)

    def rule_that_does_not_exist(self):
        path = self.keep("results/tiny/more.csv")
        path.write_text("fold,dsc\n")
        outputs = {"results/tiny/more.csv": state_of(path)}
        record = replace(self.read("tabulate/job"), rule="invent", outputs=outputs, logs={})
        record = replace(record, declared=[*outputs])
        write_record(self.keep("results/tiny/records/invent/job.json"), record)
        return "results/tiny/records/invent/job.json"

    def commit_that_does_not_exist(self):
        for file in (self.root / "results/tiny/records").rglob("*.json"):
            name = file.relative_to(self.root / "results/tiny/records").with_suffix("")
            self.record(name.as_posix(), git={"commit": "d" * 40, "dirty": False})
        return "git"

    def split_of_a_fold(self):
        """The table of all splits says otherwise."""
        self.edit("split/0.csv", "heldout", "train")
        return "results/tiny/split.csv"

    def doubled_key(self):
        path = self.keep("results/tiny/records/tabulate/job.json")
        body = _unsealed(path.read_text()).replace("{", '{\n "threads": 1,', 1)
        path.write_text(f'{body[:-2]},\n "seal": "{sha256_of_text(body)}"\n}}\n')
        return "results/tiny/records/tabulate/job.json"

    def link_to_elsewhere(self):
        path = self.keep("results/tiny/table1.csv")
        elsewhere = self.keep("elsewhere.csv")
        path.replace(elsewhere)
        path.symlink_to(elsewhere)
        return "results/tiny/table1.csv"

    def effective_configuration(self):
        return self.edit("config.yaml", "failed_below: 0.5", "failed_below: 0.25")


FORGERIES = [
    Forger.planted_mask,
    Forger.planted_mask_that_all_read,
    Forger.report_of_a_case,
    Forger.weights,
    Forger.curves,
    Forger.published_half,
    Forger.footnote,
    Forger.extended_footnote,
    Forger.module_that_is_no_longer_named,
    Forger.rule_that_does_not_exist,
    Forger.split_of_a_fold,
    Forger.doubled_key,
    Forger.effective_configuration,
]
# The results may still be what they were: a warning.
DOUBTS = [Forger.commit_that_does_not_exist, Forger.link_to_elsewhere]


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


@pytest.mark.parametrize("forgery", [*FORGERIES, *DOUBTS], ids=lambda forgery: forgery.__name__)
def test_forgeries_with_records_sealed_again(finished, forgery):
    root, plan = finished
    forger = Forger(root)
    try:
        named = forgery(forger)
        found = audit(root / "results/tiny", plan=plan).checked.findings
    finally:
        forger.undo()
    severity = Severity.warning if forgery in DOUBTS else Severity.broken
    assert named in {finding.path for finding in found if finding.severity is severity}


def test_a_forged_split_follows_from_no_seed(finished):
    """Splits of a fold and of all, in agreement: only made again from the seed they differ."""
    root, plan = finished
    forger = Forger(root)
    try:
        forger.edit("split/0.csv", "heldout", "train")
        forger.edit("split.csv", "heldout", "train")
        assert findings(root, plan)[0] == []
        found = audit(root / "results/tiny", plan=plan, deep=True).of(Severity.broken)
    finally:
        forger.undo()
    assert "results/tiny/split.csv" in {finding.path for finding in found}


def test_a_forged_thickness_is_not_that_of_the_volumes(finished):
    """By which a run leaves cases out; where none is left out, nothing else tells."""
    root, plan = finished
    forger = Forger(root)
    path = "cases/case-0.json"
    stated = re.search(r'"liver_mm": [\d.]+', (root / "results/tiny" / path).read_text())[0]
    try:
        forger.edit(path, stated, '"liver_mm": 999.0')
        assert findings(root, plan)[0] == []
        found = audit(root / "results/tiny", plan=plan, deep=True).of(Severity.broken)
    finally:
        forger.undo()
    assert [finding.path for finding in found] == [f"results/tiny/{path}"]
