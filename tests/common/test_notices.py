import io
import sys

from upwind.common.jobs import logged
from upwind.common.notices import announce


def test_in_a_job_it_is_said_in_the_log_and_on_the_terminal(tmp_path, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "__stderr__", terminal)
    with logged(tmp_path / "log"):
        announce("mind this")
    assert terminal.getvalue() == (tmp_path / "log").read_text() == "mind this\n"


def test_without_a_log_it_is_said_once(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "__stderr__", terminal)
    announce("mind this")
    assert terminal.getvalue() == "mind this\n"


def test_without_a_terminal_the_log_is_enough(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(sys, "__stderr__", None)
    announce("mind this")
    assert log.getvalue() == "mind this\n"
