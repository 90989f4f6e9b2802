import subprocess
import sys

import pytest

from upwind.common.errors import UpwindError
from upwind.common.jobs import logged


def test_output_of_the_block_goes_to_the_log_alone(tmp_path, capsys):
    log = tmp_path / "logs" / "train" / "unet-0.log"
    with logged(str(log)):
        print("epoch 1")
        print("left: 3 s", file=sys.stderr)
    print("after")
    assert log.read_text() == "epoch 1\nleft: 3 s\n"
    assert capsys.readouterr() == ("after\n", "")


def test_an_error_of_the_users_is_one_line_in_the_log_and_on_the_terminal(tmp_path, capsys):
    log = tmp_path / "job.log"

    def job():
        with logged(log):
            print("started")
            raise UpwindError("volume-3.nii is truncated: download it again")

    with pytest.raises(SystemExit) as exit_info:
        job()
    assert exit_info.value.code == 1
    message = "Error: volume-3.nii is truncated: download it again\n"
    assert log.read_text() == "started\n" + message
    assert capsys.readouterr() == ("", message)


def test_any_other_error_passes_with_its_traceback_in_the_log(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError), logged(log):
        1 / 0  # noqa: B018
    text = log.read_text()
    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("ZeroDivisionError: division by zero\n")


def test_a_log_is_replaced_and_written_line_by_line(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("of the run before\n")
    with logged(log):
        print("epoch 1")
        assert log.read_text() == "epoch 1\n"


JOB = """
import sys
from upwind.common.errors import UpwindError
from upwind.common.jobs import logged
with logged(sys.argv[1]):
    raise {error}
"""


@pytest.mark.parametrize(
    ("error", "traceback"), [("UpwindError('bad case')", False), ("OSError('disk full')", True)]
)
def test_a_process_that_fails_says_so_on_the_terminal(tmp_path, error, traceback):
    log = tmp_path / "job.log"
    arguments = [sys.executable, "-c", JOB.format(error=error), str(log)]
    result = subprocess.run(arguments, capture_output=True, text=True)
    assert result.returncode == 1
    for text in (result.stderr, log.read_text()):
        assert ("Traceback" in text) is traceback
        assert ("bad case" in text) is not traceback
        assert ("disk full" in text) is traceback
    assert result.stdout == ""
