import pytest

from upwind.common.tuples import pair, triple


def test_values_are_counted():
    assert pair(n + 1 for n in range(2)) == (1, 2)
    assert triple([1.5, 2.5, 3.5]) == (1.5, 2.5, 3.5)
    for values in ((1,), (1, 2, 3)):
        with pytest.raises(ValueError, match="values to unpack"):
            pair(values)
    for values in ((1, 2), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match="values to unpack"):
            triple(values)
