"""Waiting for a server that may never answer; a pair of sockets stands for the connection."""

from __future__ import annotations

import gc
import socket
import time

import gevent
import pytest
from psycopg2 import extensions

from service.green import (
    ANSWERS_MAX,
    OperationTimedOut,
    install,
    wait_until,
    wait_while_answered,
)
from service.store.connection import connect

SHORT_S = 0.05


class Connection:
    """As libpq behaves: wants to write, then to read until an answer is there."""

    operation_deadline = None
    opening_deadline = float("inf")

    def __init__(self, ours):
        self._ours = ours
        self._states = iter([extensions.POLL_WRITE, extensions.POLL_READ, extensions.POLL_OK])

    def poll(self):
        return next(self._states)

    def fileno(self):
        return self._ours.fileno()


@pytest.fixture
def sockets():
    ours, server = socket.socketpair()
    yield ours, server
    ours.close()
    server.close()


def test_an_operation_ends_when_the_server_answers(sockets):
    ours, server = sockets
    gevent.spawn_later(SHORT_S, server.send, b"answer")
    wait_until(Connection(ours), time.monotonic() + 5)
    assert ours.recv(6) == b"answer"


def test_others_go_on_while_one_waits(sockets):
    ours, server = sockets
    waiting = gevent.spawn(wait_until, Connection(ours), time.monotonic() + 5)
    gevent.sleep(SHORT_S)
    assert not waiting.ready()
    server.send(b"answer")
    waiting.get(timeout=5)


def test_an_operation_that_is_not_answered_ends_at_its_deadline(sockets):
    ours, _server = sockets
    began = time.monotonic()
    with pytest.raises(OperationTimedOut):
        wait_until(Connection(ours), began + SHORT_S)
    assert SHORT_S <= time.monotonic() - began < 1


def test_an_operation_past_its_deadline_is_not_begun(sockets):
    ours, server = sockets
    server.send(b"answer")
    with pytest.raises(OperationTimedOut):
        wait_until(Connection(ours), time.monotonic() - 1)


@pytest.fixture
def green():
    """Connections of this process yield while they wait; what is garbage stays until it is over."""
    gc.disable()
    install(answer_s=SHORT_S)
    yield
    extensions.set_wait_callback(None)
    gc.enable()


def test_the_quickest_exchange_of_a_connection_is_known(green, sockets):
    ours, server = sockets
    quickest_s = []
    for answer_s in (10 * SHORT_S, SHORT_S, 10 * SHORT_S):
        one = Connection(ours)
        one.operation_deadline = time.monotonic() + 5
        one.quickest_s = quickest_s[-1] if quickest_s else float("inf")
        gevent.spawn_later(answer_s, server.send, b"x")
        extensions.get_wait_callback()(one)
        assert ours.recv(1)
        quickest_s.append(one.quickest_s)
    assert quickest_s[0] >= 9 * SHORT_S
    assert quickest_s[0] > quickest_s[1] == quickest_s[2]


def test_a_connection_that_was_not_opened_in_time_is_closed_at_once(green):
    """Left to the collector they filled the load balancer, which took no other one for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(OperationTimedOut):
            connect(f"host=127.0.0.1 port={mute.getsockname()[1]} user=x dbname=x sslmode=disable")
        opened, _ = mute.accept()
        with opened:
            opened.settimeout(1)
            while opened.recv(4096):  # what it sent to be let in, then its end
                pass


class Opening(Connection):
    """As libpq behaves while it opens a connection: each answer is read before the next is due."""

    def __init__(self, ours, answers):
        super().__init__(ours)
        self._states = iter([extensions.POLL_READ] * answers + [extensions.POLL_OK])
        self._is_first = True

    def poll(self):
        if not self._is_first:
            self._ours.recv(1)
        self._is_first = False
        return super().poll()


def answering(server, every_s):
    while True:
        gevent.sleep(every_s)
        server.send(b"x")


def test_a_connection_far_away_is_opened_as_long_as_the_server_answers(sockets):
    ours, server = sockets
    answers = gevent.spawn(answering, server, SHORT_S)
    began = time.monotonic()
    wait_while_answered(Opening(ours, answers=5), answer_s=3 * SHORT_S)
    answers.kill()
    assert time.monotonic() - began > 3 * SHORT_S, "one answer's time for all would not have done"


def test_a_connection_is_not_opened_for_ever(sockets):
    ours, server = sockets
    answers = gevent.spawn(answering, server, SHORT_S)
    with pytest.raises(OperationTimedOut):
        wait_while_answered(Opening(ours, answers=1_000), answer_s=2 * SHORT_S)
    answers.kill()


def test_a_server_that_falls_silent_is_not_waited_for(sockets):
    ours, server = sockets
    server.send(b"x")
    began = time.monotonic()
    with pytest.raises(OperationTimedOut):
        wait_while_answered(Opening(ours, answers=2), answer_s=SHORT_S)
    assert time.monotonic() - began < ANSWERS_MAX * SHORT_S


def test_whoever_opens_a_connection_waits_no_longer_than_it_can(sockets):
    ours, server = sockets
    opening = Opening(ours, answers=1_000)
    opening.opening_deadline = time.monotonic() + SHORT_S
    answers = gevent.spawn(answering, server, SHORT_S / 5)
    with pytest.raises(OperationTimedOut):
        wait_while_answered(opening, answer_s=10)
    answers.kill()
