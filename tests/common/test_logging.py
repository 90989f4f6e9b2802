"""What the package logs reaches a person: in a job's log and on the terminal, once each."""

import io
import logging
import subprocess
import sys

from upwind.common.jobs import logged


def test_in_a_job_it_is_said_in_the_log_and_on_the_terminal(tmp_path, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    with logged(tmp_path / "log"):
        logging.getLogger("upwind.training.device").warning("mind this")
    assert terminal.getvalue() == (tmp_path / "log").read_text() == "mind this\n"


def test_after_the_job_nothing_more_goes_to_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with logged(tmp_path / "log"):
        pass
    logging.getLogger("upwind.training.device").warning("too late")
    assert (tmp_path / "log").read_text() == ""


def test_without_a_job_it_is_said_once():
    code = "import logging, upwind; logging.getLogger('upwind.a').warning('mind this')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "mind this\n"
