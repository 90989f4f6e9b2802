import pytest

from upwind.data.hounsfield import doubt_hu, doubt_liver


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1024, 3071),  # 12 bits
        (-3024, 1410),  # LiTS: beyond the field of view
        (-10240, 30710),  # the extended scale
        (-200, 250),  # cut out
        (-100, 400),  # the paper's window
        (-1000, 50),
    ],
)
def test_what_a_ct_can_be_is_not_doubted(low, high):
    assert doubt_hu(low, high) is None


@pytest.mark.parametrize(
    ("low", "high", "why"),
    [
        (0, 4095, "without their intercept (HU = number - 1024)"),
        (0, 256, "without their intercept"),
        (24, 2200, "the CT's lowest value is 24"),
        (0, 255, "grey values of a picture"),
        (0, 200, "grey values of a picture"),
        (0, 1, "normalised"),
        (-1, 1, "normalised"),
        (0, 2.0**30, "no scanner's scale"),
        (-40000, 100, "no scanner's scale"),
        (-2048, -24, "liver is about 50 HU"),
        (-1024, 0, "liver is about 50 HU"),
    ],
)
def test_every_other_range_is_doubted_with_what_it_may_be(low, high, why):
    assert why in doubt_hu(low, high)


@pytest.mark.parametrize("wrong", [1024.0, 1000.0])
def test_a_lost_offset_of_any_whole_ct_is_seen(wrong):
    assert doubt_hu(-1000, 1500) is None
    assert doubt_hu(-1000 + wrong, 1500 + wrong) is not None


@pytest.mark.parametrize(
    ("median", "fat_or_air", "doubted"),
    [(-20, 0.05, False), (200, 0, False), (-21, 0, True), (201, 0, True), (100, 0.051, True)],
)
def test_what_lies_inside_a_livers_label(median, fat_or_air, doubted):
    said = doubt_liver(median, fat_or_air)
    assert (said is not None) is doubted
    if said:
        assert f"the median inside it is {median} HU" in said
