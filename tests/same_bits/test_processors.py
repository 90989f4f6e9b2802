"""The same bits on processors of several makers.

What they are is committed (``expected.json``), so that every machine that runs the tests compares
its own processor with all that ran them before. After a change that is meant to change bits, or of
a library: ``python tests/same_bits/test_processors.py`` writes it anew.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from upwind.common.same_bits import processor_can

sys.path.insert(0, str(Path(__file__).parent))
from emulator import EMULATOR, NATIVE, PROCESSORS, is_there, python_on

PARTS = ("arrays", "networks", "volumes")
COMPUTED = Path(__file__).with_name("computed.py")
EXPECTED = Path(__file__).with_name("expected.json")

pytestmark = pytest.mark.skipif(
    not processor_can(), reason="not an x86-64 processor with AVX2 under Linux"
)


def computed_on(processor, part):
    """Hashes by name of a part of ``computed.py``."""
    command, environment = python_on(processor)
    said = subprocess.run(
        [*command, COMPUTED, part], env=environment, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr[-3000:]
    return json.loads(said.stdout)


@pytest.mark.parametrize("part", PARTS)
def test_this_processor_computes_the_bits_that_others_did(part):
    assert computed_on(NATIVE, part) == json.loads(EXPECTED.read_text())[part]


@pytest.mark.skipif(not is_there(), reason=f"no {EMULATOR} (Debian's qemu-user) on this machine")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_an_emulated_processor_does_too(processor, part):
    assert computed_on(processor, part) == json.loads(EXPECTED.read_text())[part]


if __name__ == "__main__":
    EXPECTED.write_text(
        json.dumps({part: computed_on(NATIVE, part) for part in PARTS}, indent=1) + "\n"
    )
