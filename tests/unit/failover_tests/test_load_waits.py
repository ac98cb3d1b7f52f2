"""What a drill waits for by its clients, and what it makes of it when that does not come."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from failover_tests.companions import CompanionFailed
from failover_tests.load import Load
from ha.lab.waiting import NotInTime

from .conftest import payment, read


class Running:
    def assert_running(self):
        pass


class Ended:
    def assert_running(self):
        raise CompanionFailed("clients ended too early")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.jsonl"


@pytest.fixture
def load(path):
    return Load(Running(), path)


def write(path, *requests):
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(request) + b"\n" for request in requests)


def answered(after_s=0.0, **changed):
    now_s = time.monotonic() + after_s
    return payment(1, due_s=now_s, done_s=now_s, **changed)


def soon(path, *requests):
    threading.Timer(0.1, write, (path, *requests)).start()


def test_clients_that_are_served_again_are_waited_for(path, load):
    soon(path, answered(0.05))
    assert load.is_served_again(at_most_s=5)


def test_an_answer_to_what_fell_due_before_is_not_enough(path, load):
    late = payment(1, due_s=time.monotonic() - 1, done_s=time.monotonic() + 1)
    soon(path, late)
    assert not load.is_served_again(at_most_s=0.3)


def test_a_service_that_does_not_come_back_ends_the_wait_quietly(load):
    assert not load.is_served_again(at_most_s=0.2)


def test_clients_that_have_waited_are_waited_for_until_none_does(path, load):
    late = payment(1, due_s=time.monotonic() - 2, done_s=time.monotonic())
    write(path, late)
    for after_s in (0.3, 0.6, 0.9, 1.2):
        threading.Timer(after_s, lambda: write(path, answered())).start()
    began_s = time.monotonic()
    assert load.catches_up(at_most_s=5)
    assert time.monotonic() - began_s > 0.9, "a second after the last that was late"


def test_who_does_not_catch_up_is_not_waited_for_for_ever(path, load):
    write(path, payment(1, due_s=time.monotonic() - 2, done_s=time.monotonic()))
    assert not load.catches_up(at_most_s=0.3)


def test_a_refusal_is_waited_for(path, load):
    soon(path, answered(status=503, error="AWAY"))
    assert load.is_refused(at_most_s=5)
    assert not load.is_refused(at_most_s=0.2)


def test_so_many_acknowledgements_are_waited_for(path, load):
    soon(path, answered(), answered())
    load.acknowledges(2, within_s=5)
    with pytest.raises(NotInTime, match="1 more payments"):
        load.acknowledges(1, within_s=0.1)


def test_reads_are_no_acknowledgements(path, load):
    soon(path, read(1))
    with pytest.raises(NotInTime):
        load.acknowledges(1, within_s=0.3)


def test_a_service_that_keeps_pace_lets_the_drill_begin(path, load):
    soon(path, answered())
    load.keeps_pace(within_s=5)


def test_a_machine_that_is_too_busy_lets_no_drill_begin(path, load):
    write(path, answered(-2.0))
    with pytest.raises(NotInTime, match="keeps pace"):
        load.keeps_pace(within_s=0.2)


def test_load_that_goes_on_is_waited_for_whatever_it_is_answered(load):
    began_s = time.monotonic()
    load.goes_on(for_s=0.2)
    assert time.monotonic() - began_s >= 0.2


def test_clients_that_ended_end_the_drill(path):
    with pytest.raises(CompanionFailed):
        Load(Ended(), path).continues(for_s=1)
