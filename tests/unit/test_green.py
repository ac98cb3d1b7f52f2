"""Waiting for a server that may never answer; a pair of sockets stands for the connection."""

from __future__ import annotations

import gc
import socket
import time

import gevent
import pytest
from psycopg2 import extensions

from service.green import OperationTimedOut, install, wait_until
from service.store.connection import connect

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


@pytest.fixture
def green():
    """Connections of this process yield while they wait; what is garbage stays until it is over."""
    gc.disable()
    install(connect_timeout_s=SHORT_S)
    yield
    extensions.set_wait_callback(None)
    gc.enable()


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
