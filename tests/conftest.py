import html.parser
import os
import subprocess
import sys

import pytest

# Two workers on two cores: more threads would only wait for each other. Set before torch loads, and
# inherited by the workflow's jobs.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# VmHWM rather than ru_maxrss, which a child process inherits from its parent.
_MEASURE = """
import sys

def _status(key):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

def start():
    global _held
    _held = _status("VmRSS")

{code}
print(_status("VmHWM") - _held)
"""


# Elements without an end tag, in HTML or in drawings as they are written here.
VOID = {"meta", "input", "br", "link", "image", "use", "path", "rect"}


class Reader(html.parser.HTMLParser):
    """Tags with attributes; fails on tags that do not match."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="session")
def tags_of():
    """A function of a page's text to its tags, (name, attributes) in order; every tag is closed."""

    def tags(text):
        reader = Reader()
        reader.feed(text)
        assert reader.open == []
        return reader.found

    return tags


@pytest.fixture
def peak_memory():
    """A function of code and a folder (its ``sys.argv[1]``) that runs the code in a process of its
    own: (peak memory in bytes above what was held when the code called ``start()``, its output)."""
    if sys.platform != "linux":
        pytest.skip("reads the peak memory from /proc")

    def run(code, folder):
        command = [sys.executable, "-c", _MEASURE.format(code=code), str(folder)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rest, _, peak = said.strip().rpartition("\n")
        return int(peak), rest

    return run


def pytest_ignore_collect(collection_path, config):
    """tests/slurm starts a cluster and takes minutes: only where it is named (make test-slurm)."""
    named = any("slurm" in argument for argument in config.args)
    return True if collection_path.name == "slurm" and not named else None
