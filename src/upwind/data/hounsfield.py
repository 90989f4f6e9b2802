"""Are these values HU? What the range of a CT tells: air is -1000 HU, fat -100, liver 50, bone up
to some 2000."""

# Scanners' extended scale for metal ends at 30,710 (12 bits in steps of 10, from -10,240).
_HIGHEST = 32_768
_AIR = -1000.0


def no_hu(low: float, high: float) -> str | None:
    """Why values from ``low`` to ``high`` (finite) cannot be HU, whatever was scanned; None where
    they can."""
    if max(abs(low), abs(high)) > _HIGHEST:
        return f"{_range(low, high)}: these are no HU, since no scanner's scale reaches that far"
    return None


def doubt_hu(low: float, high: float) -> str | None:
    """Why values from ``low`` to ``high`` (finite) are hardly HU, and what they may be instead;
    None for what can be a CT, whole or cut out of one."""
    said = _range(low, high)
    if reason := no_hu(low, high):
        return reason
    if low >= -1 and high <= 1:
        return f"{said}: these may not be HU but an image normalised for some network"
    if low >= 0 and high <= 255:
        return f"{said}: these may not be HU but grey values of a picture (0 to 255)"
    if low >= 0:
        return (
            f"the CT's lowest value is {low:g}, but air is {_AIR:g} HU and fat -100: these may not "
            "be HU but stored numbers without their intercept (HU = number - 1024)"
        )
    if high <= 0:
        return f"{said}: these may not be HU, since liver is about 50 HU"
    return None


def _range(low: float, high: float) -> str:
    return f"the CT's values go from {low:g} to {high:g}"
