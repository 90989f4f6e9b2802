"""Keys, and an authority that stamps times, made for the tests."""

import http.server
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from unittest import mock

import pytest

ALICE = "alice@example.org"
CONFIG = """[req]
distinguished_name = name
prompt = no
[name]
CN = An authority of tests
[root]
basicConstraints = critical, CA:TRUE
[stamping]
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = this
[this]
serial = serial
signer_cert = stamping.pem
signer_key = stamping.key
certs = root.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


def made_key(path):
    """A key of OpenSSH without a passphrase."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not here, which signs")
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def line_of(key, name=ALICE, options=""):
    """The line of a file of signers for a key."""
    kind, public, _ = key.with_name(f"{key.name}.pub").read_text().split(None, 2)
    return " ".join(filter(None, [name, options, kind, public])) + "\n"


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Two keys, by whose they are."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: made_key(folder / name) for name in ("alice", "mallory")}


@pytest.fixture
def signers(keys, tmp_path):
    """A file with alice's key."""
    path = tmp_path / "allowed_signers"
    path.write_text("# whom we trust\n" + line_of(keys["alice"]))
    return path


class Authority:
    """Stamps times with a certificate of its own, ``certificate``."""

    def __init__(self, folder):
        self.folder, self.certificate = folder, folder / "root.pem"
        (folder / "config").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem",
                     "-config", "config", "-extensions", "root", "-days", "2")  # fmt: skip
        self.openssl("req", *new, "-keyout", "stamping.key", "-out", "stamping.csr",
                     "-config", "config", "-subj", "/CN=stamping")  # fmt: skip
        self.openssl("x509", "-req", "-in", "stamping.csr", "-CA", "root.pem", "-CAkey",
                     "root.key", "-CAcreateserial", "-out", "stamping.pem", "-extfile", "config",
                     "-extensions", "stamping", "-days", "2")  # fmt: skip

    def openssl(self, *arguments):
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def reply(self, query):
        """The answer to a query, both as RFC 3161 has them."""
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "config", "-section", "this",
                     "-queryfile", "query", "-out", "reply")  # fmt: skip
        return (self.folder / "reply").read_bytes()

    def stamp(self, content):
        """A time stamp of ``content``."""
        (self.folder / "content").write_bytes(content)
        query = ["-query", "-data", "content", "-sha256", "-cert", "-out", "asked"]
        self.openssl("ts", *query)
        return self.reply((self.folder / "asked").read_bytes())


@contextmanager
def served(answer):
    """The address of a server that gives ``answer`` of what is posted."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            reply = answer(content)
            self.send_response(200 if reply is not None else 500)
            self.end_headers()
            self.wfile.write(reply or b"")

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with mock.patch.dict(os.environ, {"no_proxy": "*"}):
            yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """An authority that stamps times."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here, which stamps times")
    return Authority(tmp_path_factory.mktemp("authority"))
