"""Records written anew by somebody who knows how ours are sealed."""

import json

from upwind.provenance.hashing import sha256_of_text

# In place of what stands there.
VALUES = (
    *(None, -1, "<script>x</script>", "\x00", "\x1b[2J", [], {}, [1], {"a": 1}, 10**400),
    *("/dev/zero", "../../outside", True),
)
_END = "\n}"


def sealed(content):
    """A record's text as the recorder seals it, written here anew."""
    body = json.dumps(content, sort_keys=True, indent=1)
    return sealed_text(body)


def sealed_text(body):
    """The same of any text in the place of a record's."""
    return f'{body[: -len(_END)]},\n "seal": "{sha256_of_text(body)}"{_END}\n'


def content(file):
    """What a record says, without its seal."""
    record = json.loads(file.read_text())
    del record["seal"]
    return record


def places(value, path=()):
    """Every value in what was read from JSON, by the way to it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inside:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def replaced(value, path, new):
    """The same with another value in one place."""
    copy = value.copy()
    copy[path[0]] = new if len(path) == 1 else replaced(value[path[0]], path[1:], new)
    return copy
