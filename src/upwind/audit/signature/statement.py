"""What is signed: the SHA-256 of every file of a crate, as ``sha256sum`` writes and checks it,
sorted by path. The crate's description is among them, and gives the hashes of what the crate
describes and does not hold."""

import re
from collections.abc import Mapping

STATEMENT = "SHA256SUMS"
SIGNATURE, STAMP = f"{STATEMENT}.sig", f"{STATEMENT}.sig.tsr"
# These say what the others are, so that nothing in the crate can say what they are.
FILES = (STATEMENT, SIGNATURE, STAMP)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def statement(digests: Mapping[str, str]) -> bytes:
    """The statement of files by their SHA-256 (hex)."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items())).encode()


def digests_in(content: bytes) -> dict[str, str]:
    """Inverse of :func:`statement`. Raises ValueError for what is none."""
    digests: dict[str, str] = {}
    for line in content.decode("utf-8").splitlines():
        found = _LINE.fullmatch(line)
        if not found or found[2] in digests:
            raise ValueError(f"its line {line[:100]!r} is no hash and path of another file")
        digests[found[2]] = found[1]
    return digests
