import html.parser
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from upwind.common.same_bits import hold

# Two workers on two cores: more threads would only wait for each other. Set before torch loads, and
# inherited by the workflow's jobs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
hold(os.environ)

pytest_plugins = ["browser", "recorded_runs", "signatures"]

HERE = Path(__file__).parent
# Files of tests that take longer than a few seconds, the longest first. They are started first, so
# that no worker is left alone with one at the end, and `make check` leaves them out.
SLOW = (
    "workflow/test_whole_run.py",
    "workflow/test_reruns.py",
    "workflow/test_lits_mini.py",
    "workflow/test_versions.py",
    "audit/test_tampering.py",
    "audit/test_whole.py",
    "audit/test_own_method.py",
    "audit/test_seeds.py",
    "audit/crate/test_published.py",
    "reproduction/test_finished.py",
    "versions/test_release.py",
    "versions/test_importing.py",
    "versions/test_pull.py",
    "versions/test_volumes.py",
    "same_bits/test_processors.py",
    "training/test_interruption.py",
    "training/test_compilation.py",
    "levelset/equation/test_fused.py",
    "levelset/equation/test_fused_volume.py",
    "levelset/equation/test_convergence.py",
    "levelset/engines/test_engines.py",
    "levelset/itk_snap/test_search.py",
    "workflow/test_engines.py",
    "workflow/test_config.py",
    "workflow/test_bad_cases.py",
    "workflow/test_faults.py",
    "workflow/test_own_methods.py",
    "workflow/test_atlas.py",
    "workflow/test_lint.py",
    "workflow/test_module.py",
    "test_manual.py",
    "test_distribution.py",
    "workflow/test_profile.py",
    "figures/test_kernel_file.py",
    "figures/test_kernel_page.py",
    "atlas/test_browser.py",
    "scores/test_independent.py",
    "common/test_intervals.py",
    "audit/recomputed/test_comparison.py",
    "settings/test_documents.py",
    "phantom/test_write.py",
)

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


@pytest.fixture(scope="session")
def python():
    """An interpreter for a process of its own that starts with the large libraries loaded
    (preloaded.py); elsewhere than on Linux the plain one."""
    if sys.platform != "linux":
        yield sys.executable
        return
    # Not pytest's own folder: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="python-") as folder:
        command = [sys.executable, Path(__file__).with_name("preloaded.py"), folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE)
        found = Path(folder, "python")
        while not found.exists():
            assert server.poll() is None, "it did not start"
            time.sleep(0.05)
        yield str(found)
        server.stdin.close()
        server.wait(60)


@pytest.fixture(autouse=True)
def denormal_numbers():
    """Training flushes them to zero, for its whole process; the next test shall have them again."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


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


def pytest_collection_modifyitems(items):
    """Mark the slow ones and put them first."""
    place = {HERE / name: number for number, name in enumerate(SLOW)}
    assert all(path.is_file() for path in place)
    for item in items:
        if item.path in place:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_ignore_collect(collection_path, config):
    """tests/slurm starts a cluster, tests/machines emulates processors, and both take long: only
    where they are named (make test-slurm, make test-machines)."""
    if collection_path.name not in ("slurm", "machines"):
        return None
    return None if any(collection_path.name in argument for argument in config.args) else True
