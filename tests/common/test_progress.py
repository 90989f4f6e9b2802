import io

import pytest

from upwind.common import progress
from upwind.common.progress import track


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_tell_time_and_time_left(clock):
    out = io.StringIO()
    for seconds in track([20, 40, 0], 3, "unet 0, epoch", out):
        clock[0] += seconds
    assert out.getvalue().splitlines() == [
        "unet 0, epoch 1/3, 20 s, 40 s left",
        "unet 0, epoch 2/3, 60 s, 30 s left",
        "unet 0, epoch 3/3, 60 s, 0 s left",
    ]


def test_between_the_first_and_the_last_line_is_one_in_ten_seconds(clock):
    out = io.StringIO()
    for _ in track(range(40), 40, "frame", out):
        clock[0] += 1
    told = [int(line.split()[1].partition("/")[0]) for line in out.getvalue().splitlines()]
    assert told == [1, 11, 21, 31, 40]


def test_a_line_is_written_when_its_item_is_done_not_before():
    out = io.StringIO()
    items = track(iter("ab"), 2, "case", out)
    assert next(items) == "a"
    assert out.getvalue() == ""
    assert next(items) == "b"
    assert out.getvalue().startswith("case 1/2")


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_every_item_is_yielded_once_and_none_is_drawn_early(stream):
    drawn = []

    def source():
        for item in range(5):
            drawn.append(item)
            yield item

    seen = []
    for item in track(source(), 5, "x", stream()):
        seen.append(item)
        assert drawn == seen
    assert seen == [0, 1, 2, 3, 4]


def test_nothing_to_do_prints_nothing():
    out = io.StringIO()
    assert list(track([], 0, "x", out)) == []
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_with_count_and_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    out = Terminal()
    assert list(track(range(4), 4, "unet 0, epoch", out)) == [0, 1, 2, 3]
    text = out.getvalue()
    assert "unet 0, epoch" in text
    assert "4/4" in text
    assert "left" in text
    assert "\x1b[" in text  # redrawn in place


def test_lines_go_to_stderr_unless_told_otherwise(capsys):
    assert list(track("a", 1, "x")) == ["a"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("x 1/1, ")


def test_an_error_in_the_body_passes(clock):
    out = io.StringIO()

    def body():
        for item in track(range(3), 3, "x", out):
            if item == 1:
                raise RuntimeError("diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        body()
    assert out.getvalue() == "x 1/3, 0 s, 0 s left\n"
