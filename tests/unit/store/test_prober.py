"""While the database is away one thread knocks, patiently, until somebody opens or nobody waits."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from service.store.prober import Prober, pause_s

GOING_DOWN = "connection failed: FATAL:  the database system is shutting down\n"


class Door:
    """Opens at the knock of that number; notes each."""

    def __init__(self, opens_at):
        self.knocks = 0
        self.opens_at = opens_at
        self.was_given_up = threading.Event()
        self.opened = threading.Event()
        self.knocked = threading.Event()

    def connect(self):
        self.knocks += 1
        if self.knocks < self.opens_at:
            self.knocked.set()
            raise psycopg2.OperationalError("nobody is there")
        return self

    def found(self, connection):
        assert connection is self
        self.opened.set()

    def gave_up(self):
        self.was_given_up.set()


def test_it_knocks_until_it_is_let_in():
    door = Door(opens_at=3)
    Prober(door.connect, found=door.found, gave_up=door.gave_up).knock(first=lambda: None)
    assert door.opened.wait(10)
    assert door.knocks == 3


def test_one_knocks_at_a_time_and_what_comes_first_is_done_once():
    door, firsts = Door(opens_at=10**9), []
    prober = Prober(door.connect, found=door.found, gave_up=door.gave_up)
    for number in range(3):
        prober.knock(first=lambda number=number: firsts.append(number))
    assert firsts == [0]
    prober.end()


def test_it_knocks_again_when_the_database_goes_away_again():
    door = Door(opens_at=1)
    prober = Prober(door.connect, found=door.found, gave_up=door.gave_up)
    for _ in range(2):
        door.opened.clear()
        began = threading.Event()
        while not began.is_set():  # the thread before may not have let go yet
            prober.knock(first=began.set)
        assert door.opened.wait(10)


def test_once_nobody_waits_it_knocks_no_more():
    door, before = Door(opens_at=10**9), set(threading.enumerate())
    prober = Prober(door.connect, found=door.found, gave_up=door.gave_up)
    prober.knock(first=lambda: None)
    assert door.knocked.wait(10)
    [thread] = set(threading.enumerate()) - before
    prober.end()
    thread.join(10)
    assert not thread.is_alive()


def test_a_fault_of_its_own_leaves_nobody_waiting(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    door = Door(opens_at=1)
    faults = iter([ZeroDivisionError()])

    def connect():
        if fault := next(faults, None):
            raise fault
        return door.connect()

    prober = Prober(connect, found=door.found, gave_up=door.gave_up)
    prober.knock(first=lambda: None)
    assert door.was_given_up.wait(10)
    while not door.opened.is_set():  # the thread before may not have let go yet
        prober.knock(first=lambda: None)


def test_what_cannot_be_done_first_keeps_nobody_from_knocking():
    door = Door(opens_at=1)
    prober = Prober(door.connect, found=door.found, gave_up=door.gave_up)
    with pytest.raises(ZeroDivisionError):
        prober.knock(first=lambda: 1 / 0)
    assert door.was_given_up.is_set()
    prober.knock(first=lambda: None)
    assert door.opened.wait(10)


@pytest.mark.parametrize(
    ("refusal", "away_s", "expected_s"),
    [
        ("Connection refused", 0.0, 0.02),
        ("Connection refused", 1.0, 0.05),
        ("Connection refused", 60.0, 0.1),
        (GOING_DOWN, 0.0, 0.2),
        (GOING_DOWN, 60.0, 0.2),
    ],
)
def test_a_server_that_is_going_down_is_left_alone_for_longer(refusal, away_s, expected_s):
    assert pause_s(refusal, away_s=away_s) == expected_s
