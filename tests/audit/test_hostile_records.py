"""Records that somebody else wrote, sealed as ours are: whatever stands in them, an audit ends."""

import json
import random

import pytest

from forged import VALUES, content, places, replaced, sealed, sealed_text
from fuzzing import TIMES
from upwind.audit.whole import audit
from upwind.provenance.records import read_record, read_records


def test_any_value_in_any_place(project):
    """An audit of each ends with findings, not with a traceback, and reads no device."""
    chance = random.Random(0 if TIMES == 1 else None)
    files = sorted((project.results / "records").rglob("*.json"))
    for _ in range(200 * TIMES):
        file = chance.choice(files)
        before = content(file)
        path = chance.choice(list(places(before)))
        file.write_text(sealed(replaced(before, path, chance.choice(VALUES))))
        audit(project.results, ask=False)
        file.write_text(sealed(before))
    assert not [r for _, r in read_records(project.results) if isinstance(r, Exception)]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("seconds",), "1", "seconds: Input should be a valid number"),
        (("seconds",), float("inf"), "seconds: "),
        (("started",), "yesterday", "started: Value error, Invalid isoformat string"),
        (("threads",), 0, "threads: Input should be greater than or equal to 1"),
        (("git",), {"commit": "c", "dirty": "no"}, "does not name a commit"),
        (("rule",), "a\x1b[2Jb", "rule: String should match pattern"),
        (("another",), 1, "another: Unexpected keyword argument"),
    ],
)
def test_what_is_not_of_its_type_is_named(project, path, value, said):
    file = project.record("collect")
    file.write_text(sealed(replaced(content(file), path, value)))
    with pytest.raises(Exception, match="is not an intact record of a job") as error:
        read_record(file)
    assert said in str(error.value)


def test_a_name_that_stands_twice(project):
    file = project.record("collect")
    body = json.dumps(content(file), sort_keys=True, indent=1)
    body = body.replace(' "threads": 1,', ' "threads": 2,\n "threads": 1,')
    file.write_text(sealed_text(body))
    with pytest.raises(Exception, match="it writes 'threads' twice"):
        read_record(file)
