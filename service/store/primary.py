"""Work on the primary, repeated until it succeeds or its time is over."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2

from service.store import sqlstates
from service.store.connection import Connection, connect
from service.store.metrics import RETRIES, UNKNOWN
from service.store.pool import DatabaseAway, Pool
from service.store.sqlstates import Verdict
from service.store.transaction import Transaction

_log = logging.getLogger(__name__)
T = TypeVar("T")
Begin = Callable[[Connection], Transaction]

# One attempt may take this long. Shorter would abandon commits that wait for a standby, each still
# holding a server connection; longer would find a dead primary late.
_ATTEMPT_S = 12.0
# What a node on its way down says is followed, within a second or two, by the end of the
# connection, which tells; a bug says the same each time.
_DOUBTS_MAX = 8
_PAUSE_FIRST_S = 0.02
_PAUSE_MAX_S = 0.5


class OutcomeUnknown(Exception):
    """A commit was not answered, or not replicated: it is neither done nor failed yet."""


class PrimaryOutdated(Exception):
    """A primary is not the newest: a client has seen what comes after it."""


class Primary:
    """Whichever server is the primary now, with the connections to it."""

    def __init__(
        self, *, dsn: str, connections_max: int, is_network_slow: Callable[[], bool]
    ) -> None:
        self._pool = Pool(
            connect=lambda deadline: connect(dsn, deadline=deadline),
            connections_max=connections_max,
            is_network_slow=is_network_slow,
        )

    @property
    def is_away(self) -> bool:
        """Tell if there was no primary a moment ago."""
        return self._pool.is_shut

    def close(self) -> None:
        """Close the idle connections; the last act of a program."""
        self._pool.end()

    def run(
        self, begin: Begin, work: Callable[[Transaction], T], *, deadline: float
    ) -> tuple[T, Transaction]:
        """
        Return what `work` returned, with the transaction it succeeded in.

        The whole of `work` is run again after a lost connection, a node that turned read-only, a
        shutdown, a deadlock or an unknown commit, each time in a transaction that `begin` makes.
        :raises DatabaseAway: if `deadline` passes first; the work may or may not have been done
        """
        attempts = doubts = 0
        is_unknown = False
        while True:
            connection = self._pool.acquire(deadline=deadline, is_again=attempts > 0)
            connection.operation_deadline = min(deadline, connection.lent_s + _ATTEMPT_S)
            transaction = begin(connection)
            try:
                result = self._attempt(transaction, connection, work, must_vouch=is_unknown)
            except psycopg2.Error as error:
                meant = sqlstates.verdict(error)
                doubts += meant is Verdict.DOUBTFUL
                if meant is Verdict.FAULT or doubts > _DOUBTS_MAX:
                    raise
                RETRIES.labels(sqlstates.reason(error)).inc()
            except OutcomeUnknown:
                is_unknown = True
                UNKNOWN.inc()
                RETRIES.labels("unknown").inc()
            except PrimaryOutdated:
                RETRIES.labels("outdated").inc()
            else:
                return result, transaction
            attempts += 1
            _pause(attempts, deadline, is_unknown=is_unknown)

    def _attempt(
        self,
        transaction: Transaction,
        connection: Connection,
        work: Callable[[Transaction], T],
        *,
        must_vouch: bool,
    ) -> T:
        """Run `work` once; give the connection back, or throw it away, whatever happens."""
        leave = self._pool.discard
        try:
            result = _committed(transaction, connection, work, must_vouch=must_vouch)
            leave = self._pool.release
        except psycopg2.Error as error:
            if sqlstates.verdict(error) is not Verdict.ELSEWHERE and _undone(transaction):
                leave = self._pool.release
            elif _was_impatient(connection):
                leave = self._pool.drop
            raise
        except OutcomeUnknown:
            raise
        except PrimaryOutdated:
            leave = self._pool.drop  # a client's word is no reason to close what others use
            raise
        except Exception:
            if _undone(transaction):  # a refusal: the business said no
                leave = self._pool.release
            raise
        finally:
            leave(connection)
        return result


def _committed(
    transaction: Transaction,
    connection: Connection,
    work: Callable[[Transaction], T],
    *,
    must_vouch: bool,
) -> T:
    """
    Return what `work` returned, once it is on two hosts' disks.

    :raises OutcomeUnknown: if the commit was not answered, or answered with the warning that the
        wait for a standby was cancelled: the row may then live on one host only

    :param must_vouch: an earlier attempt is unknown: what it did must be on two hosts as well
    """
    connection.notices.clear()
    result = work(transaction)
    if must_vouch:
        transaction.vouch()
    try:
        is_committed = transaction.commit()
    except psycopg2.Error as error:
        if sqlstates.verdict(error) not in {Verdict.ELSEWHERE, Verdict.DOUBTFUL}:
            raise
        raise OutcomeUnknown from error
    if any("synchronous replication" in notice for notice in connection.notices):
        raise OutcomeUnknown
    assert is_committed, "an error inside the transaction was swallowed by its work"
    return result


def _was_impatient(connection: Connection) -> bool:
    """Test if an attempt ended for lack of its caller's time, no fault of the server."""
    ended = time.monotonic()
    deadline = connection.operation_deadline or ended
    return ended >= deadline and deadline - connection.lent_s < _ATTEMPT_S


def _undone(transaction: Transaction) -> bool:
    try:
        transaction.rollback()
    except psycopg2.Error as error:
        _log.info("A connection broke while rolling back: %s", str(error).strip())
        return False
    return True


def _pause(attempts: int, deadline: float, *, is_unknown: bool) -> None:
    """Wait a little longer after each attempt, never the same twice, so that callers spread out."""
    pause_s = min(_PAUSE_MAX_S, _PAUSE_FIRST_S * 2 ** min(attempts - 1, 10))
    pause_s *= random.uniform(0.5, 1.5)  # noqa: S311  jitter needs no secrecy
    if time.monotonic() + pause_s >= deadline:
        if is_unknown:
            raise DatabaseAway("no replica has confirmed the work yet; it may be done")
        raise DatabaseAway(f"the database did not accept the work in {attempts} attempts")
    time.sleep(pause_s)
