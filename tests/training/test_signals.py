"""What a signal does, by where it arrives."""

import os
import signal

import pytest

from upwind.training.interruption import SIGNALS, Interrupted, catching_signals


def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def interrupted(body):
    """Did a signal end ``body(interruption, done)``? And what it had done."""
    done = []
    with catching_signals() as interruption:
        try:
            body(interruption, done)
        except Interrupted:
            return True, done, interruption.received
    return False, done, interruption.received


@pytest.mark.parametrize("number", SIGNALS)
def test_between_two_points_it_waits_for_the_next(number):
    def body(interruption, done):
        send(number)
        done.append("goes on")
        interruption.check()
        done.append("not reached")

    assert interrupted(body) == (True, ["goes on"], number.name)


def test_within_a_point_it_raises_at_once():
    def body(interruption, done):
        with interruption.anytime():
            send()
            done.append("not reached")

    assert interrupted(body) == (True, [], "SIGTERM")


def test_one_that_came_before_a_point_is_heard_as_it_begins():
    def body(interruption, done):
        send()
        with interruption.anytime():
            done.append("not reached")

    assert interrupted(body) == (True, [], "SIGTERM")


def test_a_point_may_not_be_allowed():
    def body(interruption, done):
        with interruption.anytime(allowed=False):
            send()
            done.append("goes on")

    assert interrupted(body) == (False, ["goes on"], "SIGTERM")


def test_only_the_first_raises_and_is_named():
    with catching_signals() as interruption:
        with pytest.raises(Interrupted), interruption.anytime():
            send(signal.SIGUSR1)
        send(signal.SIGTERM)
        send(signal.SIGINT)
    assert interruption.received == "SIGUSR1"


def test_after_a_point_it_waits_again():
    with catching_signals() as interruption:
        with interruption.anytime():
            pass
        send()
    assert interruption.received == "SIGTERM"


def test_handlers_are_as_they_were():
    before = [signal.getsignal(number) for number in SIGNALS]
    with catching_signals():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with catching_signals(caught=False):
        assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(ValueError, match="mine"), catching_signals():
        raise ValueError("mine")
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_nothing_on_the_way_takes_it_for_an_error():
    def body(interruption, done):
        with interruption.anytime():
            try:
                send()
            except Exception:
                done.append("swallowed")

    assert interrupted(body) == (True, [], "SIGTERM")
