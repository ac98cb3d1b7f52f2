"""Whoever waits for a connection gets it in the order of arrival."""

from __future__ import annotations

import threading
import time

from service.store.turnstile import Turnstile


def soon() -> float:
    return time.monotonic() + 10


def queue(turnstile: Turnstile, names: range, served: list[int]) -> list[threading.Thread]:
    """Let `names` queue up one after the other; each serves itself, then leaves."""
    threads = []

    def wait(name):
        assert turnstile.enter(deadline=soon())
        served.append(name)
        turnstile.leave()

    for name in names:
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        while len(turnstile._queue) < len(threads):
            time.sleep(0.001)
    return threads


def test_a_slot_goes_to_who_waits_longest():
    turnstile, served = Turnstile(1), []
    turnstile.enter(deadline=soon())
    threads = queue(turnstile, range(20), served)

    turnstile.leave()
    for thread in threads:
        thread.join()

    assert served == list(range(20))


def test_a_handed_slot_is_taken_even_before_its_owner_wakes():
    turnstile = Turnstile(1)
    turnstile.enter(deadline=soon())
    handed = threading.Event()
    thread = threading.Thread(target=lambda: (turnstile.enter(deadline=soon()), handed.wait(10)))
    thread.start()
    while not turnstile._queue:
        time.sleep(0.001)

    turnstile.leave()

    assert not turnstile.enter(deadline=time.monotonic() + 0.05)
    handed.set()
    thread.join()


def test_who_gives_up_leaves_the_queue():
    turnstile = Turnstile(1)
    turnstile.enter(deadline=soon())

    assert not turnstile.enter(deadline=time.monotonic() + 0.01)
    turnstile.leave()

    assert turnstile.enter(deadline=time.monotonic())


def test_no_more_are_inside_than_there_are_slots():
    turnstile = Turnstile(2)

    assert [turnstile.enter(deadline=time.monotonic()) for _ in range(3)] == [True, True, False]


def test_a_slot_that_is_added_goes_to_who_waits_longest():
    turnstile, served = Turnstile(1), []
    turnstile.enter(deadline=soon())
    threads = queue(turnstile, range(5), served)

    turnstile.widen()
    for thread in threads:
        thread.join(10)
    assert (served, turnstile.slots, turnstile.is_full) == ([0, 1, 2, 3, 4], 2, False)


def test_only_a_free_slot_is_taken_away():
    turnstile = Turnstile(2)
    turnstile.enter(deadline=soon())
    turnstile.narrow()
    assert (turnstile.slots, turnstile.is_full) == (1, True)
    turnstile.narrow()
    assert turnstile.slots == 1
    turnstile.leave()
    assert not turnstile.is_full


def test_who_lost_its_slot_to_a_fault_does_not_queue_again():
    turnstile, served = Turnstile(1), []
    turnstile.enter(deadline=soon())
    threads = queue(turnstile, range(3), served)

    def wait_again():
        assert turnstile.enter(deadline=soon(), is_ahead=True)
        served.append("again")
        turnstile.leave()

    threads.append(threading.Thread(target=wait_again))
    threads[-1].start()
    while len(turnstile._queue) < 4:
        time.sleep(0.001)
    turnstile.leave()
    for thread in threads:
        thread.join(10)
    assert served == ["again", 0, 1, 2]


def test_slots_that_are_taken_away_are_those_that_are_free_first():
    turnstile = Turnstile(4)
    turnstile.enter(deadline=soon())
    turnstile.shrink(2)
    assert (turnstile.slots, turnstile.gives_up()) == (2, False)
    assert turnstile.enter(deadline=soon())
    assert turnstile.is_full


def test_whoever_is_too_many_inside_leaves_no_slot_behind():
    turnstile = Turnstile(4)
    for _ in range(4):
        turnstile.enter(deadline=soon())
    turnstile.shrink(2)
    turnstile.leave()
    assert turnstile.gives_up()
    assert not turnstile.gives_up()
    assert not turnstile.enter(deadline=time.monotonic())
    turnstile.leave()
    assert turnstile.enter(deadline=soon())


def test_a_slot_that_is_added_is_for_those_that_are_too_many_first():
    turnstile = Turnstile(2)
    for _ in range(2):
        turnstile.enter(deadline=soon())
    turnstile.shrink(1)
    turnstile.widen()
    assert not turnstile.gives_up()
    assert not turnstile.enter(deadline=time.monotonic())
    turnstile.widen()
    assert turnstile.enter(deadline=soon())
