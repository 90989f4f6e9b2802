"""What is signed."""

import shutil
import subprocess

import pytest

from upwind.audit.signature.statement import STATEMENT, digests_in, statement

A, B = "a" * 64, "0123456789abcdef" * 4


def test_one_line_a_file_by_path():
    content = statement({"results/x/table 1.csv": A, "LICENSE": B})
    assert content.decode() == f"{B}  LICENSE\n{A}  results/x/table 1.csv\n"
    assert digests_in(content) == {"LICENSE": B, "results/x/table 1.csv": A}
    assert statement({}) == b""
    assert digests_in(b"") == {}


@pytest.mark.parametrize(
    "content",
    [f"{A}  a\n{B}  a\n", f"{A} a\n", f"{A[1:]}  a\n", "a\n", f"{A.upper()}  a\n", f"{A}  \n"],
)
def test_what_is_no_statement(content):
    with pytest.raises(ValueError, match="is no hash and path"):
        digests_in(content.encode())


def test_what_is_no_text():
    with pytest.raises(ValueError, match="utf-8"):
        digests_in(b"\xff")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not here")
def test_sha256sum_reads_it(tmp_path):
    """Without anything of this package."""
    (tmp_path / "é a").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / STATEMENT).write_bytes(statement({"é a": empty}))
    command = ["sha256sum", "--check", "--strict", STATEMENT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
