"""The pool of the primary opens few connections, and keeps none that nobody needs."""

from __future__ import annotations

import contextlib
import threading
import time

import psycopg2
import pytest

from service.store import pool
from service.store.pool import DatabaseAway, Pool
from service.store.turnstile import Turnstile


class Connection:
    """Stands in for a connection to a server."""

    def __init__(self):
        self.is_closed = False
        self.is_fresh = True
        self.idle_since = self.lent_s = 0.0
        self.quickest_s = float("inf")

    def is_stale(self):
        return self.is_closed

    def close(self):
        self.is_closed = True


class Server:
    """Counts the connections it was asked for."""

    def __init__(self):
        self.opened = []
        self.is_slow = False
        self.when_slow = None

    def connect(self, _deadline):
        if self.is_slow:
            self.when_slow()
        self.opened.append(Connection())
        return self.opened[-1]


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def connections(server):
    return Pool(connect=server.connect, connections_max=4, is_network_slow=lambda: True)


def soon():
    return time.monotonic() + 10


def waiting(connections, *, callers):
    """Let so many ask at the same time; return what they got, and their threads."""
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(connections.acquire(deadline=soon())))
        for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    return got, threads


def test_while_one_connection_is_cold_no_other_is_opened(server, connections, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 60.0)
    cold = connections.acquire(deadline=soon())
    got, threads = waiting(connections, callers=2)
    time.sleep(0.05)
    assert (len(server.opened), got) == (1, [])
    connections.release(cold)  # its first work is done: one caller takes it, one opens another
    for thread in threads:
        thread.join(10)
    assert len(server.opened) == 2
    assert set(map(id, got)) == set(map(id, server.opened))


def test_work_that_takes_long_holds_up_nobody(server, connections, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.02)
    got, threads = waiting(connections, callers=4)
    for thread in threads:
        thread.join(10)
    assert len(got) == len(server.opened) == 4


def test_whoever_waits_for_a_cold_connection_gives_up_in_time(connections, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 60.0)
    connections.acquire(deadline=soon())
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=time.monotonic() + 0.05)


def test_what_nobody_used_for_long_is_closed(server, connections, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    first, second = (connections.acquire(deadline=soon()) for _ in range(2))
    connections.release(first)
    connections.release(second)
    first.idle_since -= 61
    connections.release(connections.acquire(deadline=soon()))
    assert (first.is_closed, second.is_closed) == (True, False)
    assert connections.acquire(deadline=soon()) is second


def test_what_the_next_burst_will_need_is_kept(server, connections, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    first, second = (connections.acquire(deadline=soon()) for _ in range(2))
    connections.release(first)
    connections.release(second)
    first.idle_since -= 30
    connections.release(connections.acquire(deadline=soon()))
    assert not first.is_closed


@pytest.mark.parametrize(("patience_s", "left_s"), [(27.0, 1.0), (5.0, 0.5), (0.1, 0.01)])
def test_a_turn_that_comes_too_late_to_be_of_use_is_not_taken(
    connections, monkeypatch, patience_s, left_s
):
    """Work that is given up half done costs its connection: fifty transactions."""
    waited = []
    monkeypatch.setattr(Turnstile, "enter", lambda _, *, deadline, **__: waited.append(deadline))
    until = time.monotonic() + patience_s
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=until)
    assert until - waited[0] == pytest.approx(left_s, rel=0.1)


@pytest.fixture
def narrow(monkeypatch):
    """As many connections as are enough: two."""
    monkeypatch.setattr(pool, "_ENOUGH", 2)
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)

    def made(**options):
        server = Server()
        slow = {"is_network_slow": lambda: True}
        return Pool(connect=server.connect, **(slow | options)), server

    return made


@pytest.fixture
def queue(monkeypatch):
    """Somebody waits at the turnstile, all the time."""
    monkeypatch.setattr(Turnstile, "has_queue", True)


def turns(connections, count, *, quickest_s, is_fresh=False):
    """Let so many be lent and given back, as if an exchange took so long at least."""
    for _ in range(count):
        connection = connections.acquire(deadline=soon())
        connection.quickest_s = quickest_s
        connection.is_fresh = is_fresh
        connections.release(connection)


@pytest.mark.usefixtures("queue")
def test_however_long_they_are_held_no_more_than_enough_are_opened(narrow):
    connections, server = narrow(connections_max=8)
    turns(connections, 40, quickest_s=0.1)
    assert no_more_than(2, connections)
    assert len(server.opened) == 2


@pytest.mark.usefixtures("queue")
def test_if_no_exchange_is_quick_twice_as_many_are_opened_up_to_the_limit(narrow):
    connections, _ = narrow(connections_max=7)
    for slots in (2, 4, 7, 7):
        assert connections._slots.slots == slots
        turns(connections, slots, quickest_s=0.2)
    assert no_more_than(7, connections)


@pytest.mark.usefixtures("queue")
def test_what_takes_long_over_a_quick_network_is_a_busy_machine(narrow, monkeypatch):
    """More connections made it slower still, for ever: 33 of 50 payments a second were answered."""
    connections, _ = narrow(connections_max=7, is_network_slow=lambda: False)
    turns(connections, 40, quickest_s=0.3)
    lent = [connections.acquire(deadline=soon()) for _ in range(2)]
    for each in lent:
        each.is_fresh, each.quickest_s = False, 0.3
    monkeypatch.setattr(pool, "_STUCK_S", 0.0)
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=time.monotonic())
    assert connections._slots.slots == 2


@pytest.mark.parametrize(
    ("quickest_s", "is_slow", "slots"), [(0.1, True, 7), (0.1, False, 2), (0.3, False, 2)]
)
@pytest.mark.usefixtures("queue")
def test_once_the_network_is_quick_again_no_more_than_enough_are_kept_busy(
    narrow, quickest_s, is_slow, slots
):
    """A queue kept all of them in use, for ever, each worth fifty transactions."""
    slow = [True]
    connections, server = narrow(connections_max=7, is_network_slow=lambda: slow[0])
    turns(connections, 6, quickest_s=0.2)
    lent = [connections.acquire(deadline=soon()) for _ in range(7)]
    slow[0] = is_slow
    for connection in lent:
        connection.is_fresh, connection.quickest_s = False, quickest_s
        connections.release(connection)
    assert connections._slots.slots == slots
    for connection in lent:
        connection.idle_since -= 6
    turns(connections, 10, quickest_s=quickest_s)
    assert [each.is_closed for each in server.opened].count(False) == 2, "used, or for the next"


@pytest.mark.usefixtures("queue")
def test_what_takes_long_because_a_connection_is_fresh_is_no_slow_network(narrow):
    """Each fresh one costs a busy server fifty transactions: more of them make it slower still."""
    connections, _ = narrow(connections_max=7)
    turns(connections, 20, quickest_s=0.2, is_fresh=True)
    assert connections._slots.slots == 2


@pytest.mark.usefixtures("queue")
def test_where_one_exchange_is_quick_it_is_no_slow_network(narrow):
    connections, _ = narrow(connections_max=7)
    for _ in range(5):
        turns(connections, 1, quickest_s=0.2)
        turns(connections, 1, quickest_s=0.1)
    assert connections._slots.slots == 2


@pytest.mark.parametrize(
    ("quickest_s", "is_fresh", "slots"),
    [(0.2, False, 4), (float("inf"), False, 2), (0.1, False, 2), (0.2, True, 2)],
)
def test_if_none_comes_free_for_long_and_all_are_far_twice_as_many_are_opened(
    narrow, monkeypatch, quickest_s, is_fresh, slots
):
    """Not on a machine that has too much to do: there one exchange is quick."""
    connections, _ = narrow(connections_max=7)
    first, second = (connections.acquire(deadline=soon()) for _ in range(2))
    for each in (first, second):
        each.is_fresh, each.quickest_s = is_fresh, quickest_s
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=time.monotonic())
    monkeypatch.setattr(pool, "_STUCK_S", 0.0)
    for _ in range(2):  # once, until a turn of them has shown as much
        with contextlib.suppress(DatabaseAway):
            connections.acquire(deadline=time.monotonic())
    assert connections._slots.slots == slots


def test_where_all_are_being_opened_none_is_far(narrow, monkeypatch):
    connections, _ = narrow(connections_max=7)
    monkeypatch.setattr(pool, "_STUCK_S", 0.0)
    for _ in range(2):
        connections._slots.enter(deadline=soon())
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=time.monotonic())
    assert connections._slots.slots == 2


@pytest.mark.usefixtures("queue")
def test_if_with_more_of_them_exchanges_take_longer_none_is_added(narrow):
    connections, _ = narrow(connections_max=16)
    turns(connections, 2, quickest_s=0.2)
    turns(connections, 4, quickest_s=0.4)
    assert connections._slots.slots == 4


@pytest.mark.usefixtures("queue")
def test_a_few_turns_that_misled_do_not_stand_in_the_way_for_ever(narrow):
    connections, _ = narrow(connections_max=8)
    turns(connections, 2, quickest_s=0.2)
    turns(connections, 40, quickest_s=0.4)
    assert connections._slots.slots == 8


def test_while_nobody_waits_none_is_added(narrow):
    connections, _ = narrow(connections_max=8)
    turns(connections, 10, quickest_s=0.2)
    assert connections._slots.slots == 2


@pytest.mark.usefixtures("queue")
def test_what_was_added_is_closed_when_nobody_needs_it(narrow):
    connections, _ = narrow(connections_max=4)
    turns(connections, 2, quickest_s=0.2)
    for connection in [connections.acquire(deadline=soon()) for _ in range(4)]:
        connections.release(connection)
        connection.idle_since -= 6
    for _ in range(3):
        connections.release(connections.acquire(deadline=soon()))
    assert no_more_than(2, connections)


@pytest.mark.parametrize("works", [True, False])
def test_while_work_goes_on_a_connection_that_cannot_be_opened_closes_none(
    narrow, monkeypatch, works
):
    connections, server = narrow(connections_max=4)
    working = connections.acquire(deadline=soon())
    begun, done = threading.Event(), threading.Event()

    def too_slow():
        begun.set()
        assert done.wait(5)
        server.is_slow = False
        raise psycopg2.OperationalError("no answer")

    server.when_slow, server.is_slow = too_slow, True
    got, threads = waiting(connections, callers=1)
    assert begun.wait(5)
    if works:
        connections.release(working)
        working = connections.acquire(deadline=soon())
    seen = []
    monkeypatch.setattr(connections, "_shut", lambda _: seen.append("shut"))
    done.set()
    threads[0].join(5)
    assert (len(got), seen) == (1, [] if works else ["shut"])
    assert not working.is_closed


@pytest.mark.parametrize(("failures", "seen"), [(1, []), (2, ["shut"])])
def test_the_first_that_cannot_be_opened_after_work_is_tried_again_the_second_tells(
    narrow, monkeypatch, failures, seen
):
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    connections, server = narrow(connections_max=4)
    working = connections.acquire(deadline=soon())
    connections.release(connections.acquire(deadline=soon()))
    connections.close_idle()
    left = iter(range(failures))

    def lossy():
        if next(left, None) is not None:
            raise psycopg2.OperationalError("no answer")

    server.when_slow, server.is_slow = lossy, True
    shut = []
    monkeypatch.setattr(connections, "_shut", lambda _: shut.append("shut"))
    fresh = connections.acquire(deadline=soon())
    assert shut == seen
    assert [working.is_closed, fresh.is_closed] == [False, False]


@pytest.mark.usefixtures("queue")
def test_what_was_added_for_a_lost_primary_goes_with_it(narrow):
    connections, _ = narrow(connections_max=4)
    turns(connections, 2, quickest_s=0.2)
    lent = [connections.acquire(deadline=soon()) for _ in range(4)]
    for connection in lent:
        connections.discard(connection)
    assert no_more_than(2, connections)


def test_a_primary_that_answers_another_was_not_lost(server, monkeypatch):
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    connections = Pool(connect=server.connect, connections_max=4, is_network_slow=lambda: True)
    working = connections.acquire(deadline=soon())
    back = threading.Event()

    def refuse():
        if not back.is_set():
            raise psycopg2.OperationalError("no answer")

    server.when_slow, server.is_slow = refuse, True
    got, threads = waiting(connections, callers=1)
    while not connections.is_shut:
        time.sleep(0.001)
    assert connections._slots.slots == 2
    connections.release(working)
    threads[0].join(5)
    assert got == [working]
    assert connections._slots.slots == 4
    back.set()


@pytest.mark.parametrize(("quickest_s", "slots"), [(0.1, 1), (0.2, 2)])
@pytest.mark.usefixtures("queue")
def test_over_a_slow_network_they_begin_with_enough(narrow, monkeypatch, quickest_s, slots):
    monkeypatch.setattr(pool, "_AT_FIRST", 1)
    connections, server = narrow(connections_max=4)
    turns(connections, 2, quickest_s=quickest_s)
    connections.close_idle()
    back = threading.Event()

    def refuse():
        if not back.is_set():
            raise psycopg2.OperationalError("no answer")

    server.when_slow, server.is_slow = refuse, True
    _, threads = waiting(connections, callers=1)
    while not connections.is_shut:
        time.sleep(0.001)
    assert connections._slots.slots == slots
    back.set()
    threads[0].join(5)


@pytest.fixture
def lost(server, monkeypatch):
    """A pool of three whose primary was lost, and found again; the callers that wait for it."""
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    monkeypatch.setattr(pool, "_AT_FIRST", 1)
    monkeypatch.setattr(pool, "_WORK_A_BACKEND", 2)
    connections = Pool(connect=server.connect, connections_max=3, is_network_slow=lambda: True)
    away = threading.Event()

    def refuse():
        if not away.is_set():
            raise psycopg2.OperationalError("no primary")
        server.is_slow = False

    server.when_slow, server.is_slow = refuse, True
    got, threads = waiting(connections, callers=6)
    while not connections.is_shut:
        time.sleep(0.001)
    away.set()
    return connections, got, threads


def test_the_few_are_given_time_for_their_first_answers(lost, server, monkeypatch):
    connections, got, threads = lost
    while not got:
        time.sleep(0.001)
    monkeypatch.setattr(pool, "_STUCK_S", 0.0)
    with pytest.raises(DatabaseAway):
        connections.acquire(deadline=time.monotonic())
    assert (connections._slots.slots, len(server.opened)) == (1, 1)
    for served in range(1, 7):
        while len(got) < served:
            time.sleep(0.001)
        connections.release(got[served - 1])
    for thread in threads:
        thread.join(5)


def test_behind_a_new_primary_they_begin_with_a_few(lost, server):
    connections, got, threads = lost
    for served in range(1, 7):
        while len(got) < served:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(got) == served
        assert len(server.opened) == 1
        connections._worked = 0
        connections.release(got[-1])
    for thread in threads:
        thread.join(5)


def test_the_more_work_is_done_the_more_are_opened(lost, server):
    connections, got, threads = lost
    released = 0
    while released < 6:
        if len(got) > released:
            connections.release(got[released])
            released += 1
    for thread in threads:
        thread.join(5)
    assert no_more_than(3, connections)
    assert len(server.opened) == 3


def test_who_gave_up_its_slot_and_waits_in_vain_leaves_none_behind(server, monkeypatch):
    monkeypatch.setattr(pool, "_AT_FIRST", 1)
    monkeypatch.setattr(pool, "_WARM_UP_S", 0.0)
    connections = Pool(connect=server.connect, connections_max=2, is_network_slow=lambda: True)
    first = connections.acquire(deadline=soon())
    connections._slots.shrink(1)
    connections._slots._surplus += 1
    connections._slots._free = 0
    with pytest.raises(pool._SlotGivenUp):
        connections._open(time.monotonic() + 0.02)
    assert connections._slots._surplus == 0
    connections.release(first)
    assert no_more_than(1, connections)


def no_more_than(count, connections):
    """Test if so many are lent, and not one more."""
    for _ in range(count):
        connections.acquire(deadline=soon())
    try:
        connections.acquire(deadline=time.monotonic() + 0.01)
    except DatabaseAway:
        return True
    return False
