import threading

from upwind.common.side_by_side import cores, side_by_side


def test_results_come_in_the_order_of_the_items_on_any_number_of_threads():
    for threads in (1, 3):
        assert side_by_side(lambda x: x * x, range(20), threads) == [x * x for x in range(20)]


def test_one_thread_is_this_one_and_two_go_at_once():
    here = threading.get_ident()
    assert side_by_side(lambda _: threading.get_ident(), range(3), 1) == [here] * 3
    both = threading.Barrier(2)
    assert side_by_side(lambda _: both.wait(10) >= 0, range(2), 2) == [True, True]
    assert cores() >= 1
