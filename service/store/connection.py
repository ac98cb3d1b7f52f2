"""One connection to a server, with what its pool must know about it."""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2
from psycopg2 import extensions

from service.store.sqlstates import Verdict, verdict

T = TypeVar("T")

# Connecting crosses the local load balancer to a server that is up, or it fails: each answer takes
# milliseconds, over a long line that loses a packet a second. Longer means the server is dying, and
# waiting for it would delay finding the next.
CONNECT_ANSWER_S = 1.5
# A command of an operator's is patient: it may come in the middle of a failover, or of a start.
_PATIENCE_S = 30.0
_PAUSE_S = 0.2
# An idle connection younger than this is used without asking the kernel whether it still lives.
_TRUSTED_IDLE_S = 1.0


_log = logging.getLogger(__name__)


class _Opening(threading.local):
    """By when the connection that this greenlet is opening must be there."""

    deadline = float("inf")


_opening = _Opening()


class Connection(extensions.connection):
    """
    A psycopg2 connection with a deadline for its current operation.

    psycopg2 has no timeout of its own once gevent waits for it (connect_timeout is ignored then):
    `service.green` reads `operation_deadline`, a `time.monotonic` value, and gives up at it; it
    keeps what the quickest exchange with the server took since the connection was lent.
    """

    operation_deadline: float | None = None
    quickest_s = float("inf")

    def __init__(self, dsn: str, is_async: int = 0) -> None:
        self.opening_deadline = _opening.deadline
        self.prepared: set[str] = set()
        self.is_doubtful = False
        self.is_fresh = True
        self.opened_s = time.monotonic()
        self.lent_s = 0.0
        self.idle_since = 0.0
        try:
            super().__init__(dsn, is_async)  # type: ignore[call-arg]  # the stubs lack is_async
        except BaseException:
            # The socket would stay open for as long as anything remembers the error.
            self.close()
            raise

    def is_stale(self) -> bool:
        """
        Test if this idle connection is of no more use.

        The server has closed it, or sent what nobody asked for; or it is doubtful whether all that
        is in `prepared` is there.
        """
        if self.closed or self.is_doubtful:
            return True
        if time.monotonic() - self.idle_since < _TRUSTED_IDLE_S:
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))


def connect(dsn: str, *, deadline: float = float("inf")) -> Connection:
    """
    Open a connection that commits only where told to.

    :param deadline: a `time.monotonic` value; whoever waits for it gives up then
    :raises psycopg2.OperationalError: if an answer takes longer than `CONNECT_ANSWER_S`
    """
    _opening.deadline = deadline
    try:
        connection: Connection = psycopg2.connect(dsn, connection_factory=Connection)
    finally:
        _opening.deadline = float("inf")
    connection.autocommit = True
    return connection


def connect_patiently(dsn: str, *, dbname: str | None = None) -> extensions.connection:
    """
    Open a connection for an operator's command; wait for a primary if there is none just now.

    :raises psycopg2.OperationalError: if none answers within half a minute
    """
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return psycopg2.connect(dsn, dbname=dbname) if dbname else psycopg2.connect(dsn)
        except psycopg2.OperationalError as error:
            # A server that is there and says no (a wrong password) will say so again.
            is_final = "FATAL" in str(error) and "the database system is" not in str(error)
            if is_final or time.monotonic() > until_s:
                raise
        time.sleep(_PAUSE_S)


def on_primary(
    dsn: str, work: Callable[[extensions.connection], T], *, dbname: str | None = None
) -> T:
    """
    Do an operator's work on a connection of its own, again on another one if that is lost.

    It is lost in a failover, and to the load balancer beside it, whose reload ends what is left of
    the process before after some seconds. The work must be such that doing it again is right.
    :raises psycopg2.Error: what else goes wrong, or goes on for half a minute
    """
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        connection = connect_patiently(dsn, dbname=dbname)
        try:
            return work(connection)
        except psycopg2.Error as error:
            if verdict(error) is not Verdict.ELSEWHERE or time.monotonic() > until_s:
                raise
            _log.warning("Again, on another connection: %s", str(error).strip())
        finally:
            connection.close()
        time.sleep(_PAUSE_S)
