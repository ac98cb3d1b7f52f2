"""Waiting for a server that may never answer; a pair of sockets stands for the connection."""

from __future__ import annotations

import socket
import time

import gevent
import pytest
from psycopg2 import extensions

from service.green import OperationTimedOut, wait_until

SHORT_S = 0.05


class Connection:
    """As libpq behaves: wants to write, then to read until an answer is there."""

    operation_deadline = None

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
