"""Time stamps by an authority of the tests' own."""

import datetime

import pytest

from signatures import Authority, served
from upwind.audit.signature.timestamps import NotStampedError, stamp, time_in, time_of
from upwind.common.errors import UpwindError

CONTENT = b"a signature\n"


@pytest.fixture(scope="module")
def stamped(authority):
    with served(authority.reply) as address:
        return stamp(CONTENT, address)


def test_when_it_was_there(stamped, authority):
    time = time_of(CONTENT, stamped, authority.certificate)
    now = datetime.datetime.now(datetime.UTC)
    assert abs(now - time) < datetime.timedelta(minutes=10)
    assert time_in(stamped) == time


def test_of_another_content(stamped, authority):
    with pytest.raises(NotStampedError, match="message imprint mismatch"):
        time_of(CONTENT + b" ", stamped, authority.certificate)


def test_by_another_authority(stamped, tmp_path):
    with pytest.raises(NotStampedError, match="certificate verify error"):
        time_of(CONTENT, stamped, Authority(tmp_path).certificate)


@pytest.mark.parametrize("reply", [b"", b"nothing", b"\x30\x03\x02\x01\x00"])
def test_what_is_no_stamp(reply, authority):
    assert time_in(reply) is None
    with pytest.raises(NotStampedError, match="it is no time stamp"):
        time_of(CONTENT, reply, authority.certificate)


@pytest.mark.parametrize("answer", [lambda query: None, lambda query: b"a page"])
def test_a_server_that_gives_none(answer, authority):
    with served(answer) as address, pytest.raises(UpwindError, match="gives no time stamp"):
        stamp(CONTENT, address)


def test_a_server_that_stamps_something_else(stamped):
    message = "is none of this signature"
    with served(lambda query: stamped) as address, pytest.raises(UpwindError, match=message):
        stamp(b"another", address)


def test_nobody_listens():
    with pytest.raises(UpwindError, match="gives no time stamp"):
        stamp(CONTENT, "http://127.0.0.1:9/")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://x", "example.org"])
def test_no_other_address(address):
    with pytest.raises(UpwindError, match="is no address"):
        stamp(CONTENT, address)


def test_a_certificate_that_is_not_there(stamped, tmp_path):
    with pytest.raises(UpwindError, match="is no file with the certificate"):
        time_of(CONTENT, stamped, tmp_path / "none.pem")


def test_without_openssl(monkeypatch, stamped, authority):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UpwindError, match=r"openssl is not here; .* install OpenSSL"):
        time_of(CONTENT, stamped, authority.certificate)
