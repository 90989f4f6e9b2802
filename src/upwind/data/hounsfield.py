"""Are these values HU, and is a label on a liver? What the range of a CT tells, and the HU inside
the label: air is -1000 HU, fat -100, liver 50, bone up to some 2000."""

# Scanners' extended scale for metal ends at 30,710 (12 bits in steps of 10, from -10,240).
_HIGHEST = 32_768
_AIR = -1000.0
# What a label on a liver shows in HU. Adipose tissue is -190 to -30 HU, as body composition is
# measured in CT, gas in lung and bowel less still. A liver in the venous phase of contrast is at
# about 100 HU, without contrast at 60, and the worst of fatty ones not far below 0. Of five real
# livers of LiTS, 1.4 % at the most is below -30 HU, by noise; under the same labels mirrored, 18 %
# at the least in plane and 7 % head to foot, while their median, -35 to 118 HU, mostly passes for a
# liver's.
FAT_BELOW, _MOST_FAT_OR_AIR = -30, 0.05
_LIVER = (-20, 200)


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


def doubt_liver(median: float, fat_or_air: float) -> str | None:
    """Why a label hardly lies on a liver, by the median HU inside it and the share of them below
    ``FAT_BELOW``; None where it may."""
    if fat_or_air <= _MOST_FAT_OR_AIR and _LIVER[0] <= median <= _LIVER[1]:
        return None
    return (
        f"hardly lies on a liver: the median inside it is {median:g} HU (a liver's is {_LIVER[0]} "
        f"to {_LIVER[1]}), and {fat_or_air:.0%} is below {FAT_BELOW} HU, fat or air (a liver has "
        f"up to {_MOST_FAT_OR_AIR:.0%}). Look whether it is mirrored or another patient's, and "
        "whether the image is in HU"
    )


def _range(low: float, high: float) -> str:
    return f"the CT's values go from {low:g} to {high:g}"
