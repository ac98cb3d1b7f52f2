"""Waiting for PostgreSQL without holding up the other requests of the process."""

from __future__ import annotations

import time
from typing import Protocol

import psycopg2
from gevent import socket
from psycopg2 import extensions

ANSWERS_MAX = 8
"""All of a connection's opening may take so many times what one answer of the server may."""


class OperationTimedOut(psycopg2.OperationalError):
    """The server did not answer before the connection's deadline; psycopg2 then closes it."""


class Waiting(Protocol):
    """What the callback asks of a connection."""

    operation_deadline: float | None
    opening_deadline: float
    quickest_s: float

    def poll(self) -> int:
        """Return what libpq waits for."""

    def fileno(self) -> int:
        """Return the socket's number; it changes while libpq tries one address after the other."""


def install(*, answer_s: float) -> None:
    """
    Make every psycopg2 connection of this process yield to gevent while it waits.

    psycopg2 ignores connect_timeout in this mode, so a connection that says no deadline yet (it is
    being opened) waits `answer_s` for each of the server's answers.
    """

    def wait(connection: Waiting) -> None:
        if connection.operation_deadline is None:
            wait_while_answered(connection, answer_s=answer_s)
        else:
            asked_s = time.monotonic()
            wait_until(connection, connection.operation_deadline)
            took_s = time.monotonic() - asked_s
            connection.quickest_s = min(connection.quickest_s, took_s)

    extensions.set_wait_callback(wait)


def wait_while_answered(connection: Waiting, *, answer_s: float) -> None:
    """
    Run libpq's state machine until the connection is open.

    Each answer of the server may take `answer_s`, all of them `ANSWERS_MAX` times as long: far
    away, TLS and the password's proof are a dozen of them.
    :raises OperationTimedOut: if one takes longer, or all
    """
    last = min(connection.opening_deadline, time.monotonic() + ANSWERS_MAX * answer_s)
    while (state := connection.poll()) != extensions.POLL_OK:
        _wait(connection, state, min(last, time.monotonic() + answer_s))


def wait_until(connection: Waiting, deadline: float) -> None:
    """
    Run libpq's state machine until the operation is done.

    :raises OperationTimedOut: if `deadline`, a `time.monotonic` value, passes first
    """
    while (state := connection.poll()) != extensions.POLL_OK:
        _wait(connection, state, deadline)


def _wait(connection: Waiting, state: int, deadline: float) -> None:
    left_s = deadline - time.monotonic()
    late = OperationTimedOut("the server did not answer before the deadline")
    if left_s <= 0:
        raise late
    if state == extensions.POLL_READ:
        socket.wait_read(connection.fileno(), timeout=left_s, timeout_exc=late)
    else:
        socket.wait_write(connection.fileno(), timeout=left_s, timeout_exc=late)
