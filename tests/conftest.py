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
