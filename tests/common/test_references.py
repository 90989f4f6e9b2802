"""What a definition names is imported, or said not to be there."""

import math

import pytest

from upwind.common.errors import UpwindError
from upwind.common.references import referred_to


def test_what_is_named():
    assert referred_to("math:hypot", "a length") is math.hypot


@pytest.mark.parametrize("reference", ["upwind.nowhere:Net", "math:Net"])
def test_what_is_not_there(reference):
    module = reference.partition(":")[0]
    with pytest.raises(UpwindError, match=f"^network mine: there is no Net in {module} .*mend its"):
        referred_to(reference, "network mine")
