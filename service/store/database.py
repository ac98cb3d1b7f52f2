"""Transactions that end one way or the other, through the loss of the primary if need be."""

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

# One attempt may take this long. Shorter would abandon commits that wait for a standby, each still
# holding a server connection; longer would find a dead primary late.
_ATTEMPT_S = 12.0
_PAUSE_FIRST_S = 0.02
_PAUSE_MAX_S = 0.5


class OutcomeUnknown(Exception):
    """A commit was not answered, or not replicated: it is neither done nor failed yet."""


class Database:
    """Runs work on the current primary, again and again until it succeeds or its time is over."""

    def __init__(self, *, dsn: str, connections_max: int) -> None:
        self._pool = Pool(connect=lambda: connect(dsn), connections_max=connections_max)

    def transaction(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Run `work` in one transaction, commit it, and return what it returned.

        The whole of `work` is run again after a lost connection, a node that turned read-only, a
        shutdown, a deadlock or an unknown commit, so it must find out by itself whether an earlier
        attempt took effect (an idempotency key, a unique key, a state that it reads first).

        :param scope: '*' for every bureau, or the number of the only one it may see
        :param deadline: a `time.monotonic` value
        :raises DatabaseAway: if the deadline passes first; the work may or may not have been done
        """
        return self._until(deadline, work, scope, is_read=False)

    def read(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Return what `work` reads; each of its statements sees its own moment.

        :raises DatabaseAway: if the deadline passes first
        """
        return self._until(deadline, work, scope, is_read=True)

    def close(self) -> None:
        """Close the idle connections; the last act of a program."""
        self._pool.close_idle()

    def _until(
        self, deadline: float, work: Callable[[Transaction], T], scope: str, *, is_read: bool
    ) -> T:
        attempts = 0
        is_unknown = False
        while True:
            connection = self._pool.acquire(deadline=deadline)
            connection.operation_deadline = min(deadline, time.monotonic() + _ATTEMPT_S)
            transaction = Transaction(connection, scope=scope, is_read=is_read)
            try:
                return self._attempt(transaction, connection, work, must_vouch=is_unknown)
            except psycopg2.Error as error:
                if sqlstates.verdict(error) is Verdict.FAULT:
                    raise
                RETRIES.labels(sqlstates.reason(error)).inc()
            except OutcomeUnknown:
                is_unknown = True
                UNKNOWN.inc()
                RETRIES.labels("unknown").inc()
            attempts += 1
            _pause(attempts, deadline)

    def _attempt(
        self,
        transaction: Transaction,
        connection: Connection,
        work: Callable[[Transaction], T],
        *,
        must_vouch: bool,
    ) -> T:
        """Run `work` once; give the connection back, or throw it away, whatever happens."""
        is_sound = False
        try:
            result = _committed(transaction, connection, work, must_vouch=must_vouch)
            is_sound = True
        except psycopg2.Error as error:
            is_sound = sqlstates.verdict(error) is not Verdict.ELSEWHERE and _undone(transaction)
            raise
        except OutcomeUnknown:
            raise
        except Exception:
            is_sound = _undone(transaction)  # a refusal: the business said no
            raise
        finally:
            (self._pool.release if is_sound else self._pool.discard)(connection)
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
        if sqlstates.verdict(error) is not Verdict.ELSEWHERE:
            raise
        raise OutcomeUnknown from error
    if any("synchronous replication" in notice for notice in connection.notices):
        raise OutcomeUnknown
    assert is_committed, "an error inside the transaction was swallowed by its work"
    return result


def _undone(transaction: Transaction) -> bool:
    try:
        transaction.rollback()
    except psycopg2.Error as error:
        _log.info("A connection broke while rolling back: %s", str(error).strip())
        return False
    return True


def _pause(attempts: int, deadline: float) -> None:
    """Wait a little longer after each attempt, never the same twice, so that callers spread out."""
    pause_s = min(_PAUSE_MAX_S, _PAUSE_FIRST_S * 2 ** min(attempts - 1, 10))
    pause_s *= random.uniform(0.5, 1.5)  # noqa: S311  jitter needs no secrecy
    if time.monotonic() + pause_s >= deadline:
        raise DatabaseAway(f"the database did not accept the work in {attempts} attempts")
    time.sleep(pause_s)
