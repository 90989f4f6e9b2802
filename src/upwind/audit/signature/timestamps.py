"""Time stamps of signatures after RFC 3161, by OpenSSL (``openssl ts``): an authority attests that
a signature was there at a time. One request, then everything works offline."""

import datetime
import hashlib
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upwind.common.errors import UpwindError
from upwind.common.programs import output_of, program

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_SECONDS, _MOST_BYTES = 60, 1 << 20
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TIME = re.compile(
    r"^Time stamp: (\w{3}) +(\d+) (\d+):(\d+):(\d+)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE
)


class NotStampedError(UpwindError):
    """A time stamp that is not one of this content, or not by that authority."""


def stamp(content: bytes, address: str) -> bytes:
    """The time stamp that the authority at ``address`` gives ``content``, of which it learns the
    hash alone. Raises UpwindError where it gives none."""
    if not address.startswith(("https://", "http://")):
        raise UpwindError(f"{address} is no address of a time stamping authority (https://...)")
    with _as_files(content) as (path,):
        query = path.with_suffix(".tsq")
        asked = ["-query", "-data", str(path), "-sha256", "-cert", "-out", str(query)]
        done = output_of([_openssl(), "ts", *asked])
        if done.returncode:
            raise UpwindError(f"openssl makes no query for a time stamp: {_last(done.stderr)}")
        headers = {"Content-Type": _QUERY, "Accept": _REPLY}
        request = urllib.request.Request(address, query.read_bytes(), headers)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            reply = answer.read(_MOST_BYTES)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise UpwindError(f"{address} gives no time stamp: {error}") from error
    if time_in(reply) is None or hashlib.sha256(content).digest() not in reply:
        raise UpwindError(f"{address} gives no time stamp: what it sends is none of this signature")
    return reply


def time_in(reply: bytes) -> datetime.datetime | None:
    """When a time stamp says that it was made, whoever made it; None for what is none."""
    with _as_files(reply) as (path,):
        done = output_of([_openssl(), "ts", "-reply", "-in", str(path), "-text"])
    found = _TIME.search(done.stdout)
    if done.returncode or not found or found[1] not in _MONTHS:
        return None
    day, hour, minute, second, year = (int(found[group]) for group in range(2, 7))
    month = _MONTHS.index(found[1]) + 1
    return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)


def time_of(content: bytes, reply: bytes, authority: Path) -> datetime.datetime:
    """When ``content`` was there, as the authority whose certificate (PEM) is in the file
    ``authority`` attests. A certificate that ran out since is good: it was not then.

    Raises NotStampedError where it attests nothing of this content, and UpwindError where
    ``openssl`` or the file is not here.
    """
    if not authority.is_file():
        raise UpwindError(f"{authority} is no file with the certificate of an authority (PEM)")
    time = time_in(reply)
    if time is None:
        raise NotStampedError("it is no time stamp")
    with _as_files(content, reply) as (path, stamped):
        asked = ["-verify", "-data", str(path), "-in", str(stamped), "-CAfile", str(authority)]
        done = output_of([_openssl(), "ts", *asked, "-attime", str(int(time.timestamp()))])
    if done.returncode:
        raise NotStampedError(
            f"it is no time stamp of this signature by {authority}: {_last(done.stderr)}"
        )
    return time


@contextmanager
def _as_files(*contents: bytes) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="upwind-stamp-") as folder:
        paths = [Path(folder, str(number)) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        yield paths


def _last(said: str) -> str:
    """The reason in OpenSSL's last line of complaint, without the place in its sources."""
    lines = [line.split(":") for line in said.splitlines() if ":error:" in line]
    return ": ".join([lines[-1][5], *lines[-1][8:]]).rstrip(": ") if lines else "no reason given"


def _openssl() -> str:
    return program("openssl", "time stamps are its work: install OpenSSL, 1.1.1 or later")
