"""How much property tests of hostile input try: little, and always the same, in `make test`; much
more, and new, in `make fuzz` (the files named ``test_hostile_...``)."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("FUZZ", "1"))


def tries(number):
    """Settings of a property test that tries ``number`` inputs, or as many times that as FUZZ
    says. A fixture is the same for all of them."""
    return settings(
        max_examples=number * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
