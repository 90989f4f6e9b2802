import json
import os

import pytest

from upwind.common.reading import once_each, open_plain, text_of


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path):
        with pytest.raises(OSError, match=r"not a plain file|Is a directory"):
            open_plain(path)


def test_a_text_within_bounds(tmp_path):
    path = tmp_path / "text"
    path.write_text("ü\n")
    assert text_of(path, most=3) == "ü\n"
    with pytest.raises(OSError, match="of more than 2 bytes"):
        text_of(path, most=2)


def test_a_name_that_is_written_twice():
    assert json.loads('{"a": {"b": 1}, "c": 2}', object_pairs_hook=once_each)["a"] == {"b": 1}
    with pytest.raises(ValueError, match="it writes 'b' twice"):
        json.loads('{"a": {"b": 1, "b": 2}}', object_pairs_hook=once_each)
