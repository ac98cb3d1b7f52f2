"""Reads answered by replicas, each with what it needs to have seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TypeVar

import psycopg2

from service.domain.consistency import Forks, Position, Standing, standing
from service.store import positions, reading, sqlstates
from service.store.connection import Connection
from service.store.positions import Told
from service.store.reading import Reading
from service.store.replica_pool import ReplicaConnection, ReplicaPool, Server
from service.store.sqlstates import Verdict
from service.store.transaction import Transaction

T = TypeVar("T")
# What a replica that was asked may cost a read which the primary has to answer in the end.
_LONGEST_S = 0.5
# The first replica asked is waited for as long as ordinary replication takes; if it is further
# behind, another may not be. Together they are waited for this long.
_PATIENCE_FIRST_S = 0.01
_PATIENCE_S = 0.05
_LOOK_EVERY_S = 0.004
_SERVERS_ASKED_MAX = 2


class Reason(StrEnum):
    """Why a read was answered where it was."""

    USUAL = "usual"  # a replica can
    NO_REPLICAS = "no_replicas"  # this service was told of none
    REPLICA_AWAY = "replica_away"  # none answers, or all its connections are in use
    REPLICA_FAILED = "replica_failed"  # it was cut off, cancelled by replay, too slow
    REPLICA_UNCLEAR = "replica_unclear"  # it cannot say which timeline it follows
    TOKEN_AHEAD = "token_ahead"  # noqa: S105  the client has seen more than the replicas have
    TIMELINE_ABANDONED = "timeline_abandoned"  # the token's timeline ended before the token
    MISSING = "missing"  # a replica found nothing, which may only mean not yet
    MONEY = "money"  # the client decides about money by the answer


class Unanswered(Exception):
    """No replica answers this read."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Replicas:
    """The replicas as one: a read goes to any that has seen enough."""

    def __init__(self, *, dsn: str, connections_max: int) -> None:
        self._pool = ReplicaPool(dsn=dsn, connections_max=connections_max)
        self._forks: dict[int, Forks] = {}

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close_idle()

    def read(
        self,
        work: Callable[[Transaction], T],
        *,
        scope: str,
        deadline: float,
        wanted: Position | None,
    ) -> tuple[T, Transaction]:
        """
        Return what `work` reads, with the reading it succeeded in.

        :param wanted: what the replica must have replayed before; None for any
        :raises Unanswered: if the primary must answer; half a second after a replica was asked
        """
        asked: list[Server] = []
        began = 0.0
        reason = Reason.REPLICA_AWAY
        for patience_s in (_PATIENCE_FIRST_S, _PATIENCE_S):
            by = min(deadline, began + _LONGEST_S) if asked else deadline
            lent = self._pool.lend(deadline=by, avoiding=asked)
            if lent is None:
                break
            began = began if asked else time.monotonic()
            asked.append(lent.server)
            try:
                return self._answered(
                    lent, work, scope=scope, wanted=wanted,
                    until=min(deadline, began + _LONGEST_S), patient_until=began + patience_s,
                )  # fmt: skip
            except Unanswered as refused:
                reason = refused.reason
                if reason is Reason.TIMELINE_ABANDONED:
                    break  # the others follow the same
        raise Unanswered(reason)

    def _answered(
        self,
        lent: ReplicaConnection,
        work: Callable[[Transaction], T],
        *,
        scope: str,
        wanted: Position | None,
        until: float,
        patient_until: float,
    ) -> tuple[T, Transaction]:
        """Ask one replica; give its connection back, or throw it away, whatever happens."""
        lent.connection.lent_s = time.monotonic()
        lent.connection.operation_deadline = until
        asked = _Question(lent, wanted=wanted, forks=self._forks)
        leave: Callable[[ReplicaConnection], None] = self._pool.discard
        try:
            result = asked.answer(work, scope=scope, patient_until=patient_until)
            leave = self._pool.discard if asked.is_promoted else self._pool.give_back
        except psycopg2.Error as error:
            leave = self._leaving(error, connection=lent.connection)
            raise Unanswered(Reason.REPLICA_FAILED) from error
        except _NotYet as refused:
            leave = self._pool.give_back
            raise Unanswered(refused.reason) from refused
        except Exception:
            leave = self._pool.give_back  # each statement was a transaction of its own
            raise
        finally:
            leave(lent)
        return result

    def _leaving(
        self, error: psycopg2.Error, *, connection: Connection
    ) -> Callable[[ReplicaConnection], None]:
        """Return what to do with a connection after `error`."""
        if sqlstates.verdict(error) is not Verdict.ELSEWHERE:
            return self._pool.give_back
        if time.monotonic() >= (connection.operation_deadline or 0.0):
            return partial(self._pool.give_up, asked_s=connection.lent_s)
        return self._pool.discard


class _NotYet(Exception):
    """The replica cannot answer this read now, but perhaps in a moment."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class _Question:
    """One read put to one replica."""

    def __init__(
        self, lent: ReplicaConnection, *, wanted: Position | None, forks: dict[int, Forks]
    ) -> None:
        self._connection = lent.connection
        self._server = lent.server
        self._wanted = wanted
        self._forks = forks
        self.is_promoted = False

    def answer(
        self, work: Callable[[Transaction], T], *, scope: str, patient_until: float
    ) -> tuple[T, Transaction]:
        """
        Return what `work` reads, once the replica has replayed what is wanted.

        Asks at once, because it nearly always has; only if not, looks until it has.
        """
        try:
            return self._run(work, scope)
        except _NotYet as refused:
            self._wait(refused, patient_until)
        return self._run(work, scope)

    def _run(self, work: Callable[[Transaction], T], scope: str) -> tuple[T, Transaction]:
        wanted = self._wanted
        is_known = wanted is None or wanted.lsn <= self._server.replayed_lsn
        reading_ = Reading(
            self._connection,
            scope=scope,
            judge=self._judge,
            demanded_lsn=None if wanted is None or is_known else wanted.lsn,
        )
        try:
            return work(reading_), reading_
        except psycopg2.Error as error:
            if error.pgcode == positions.BEHIND:
                raise _NotYet(Reason.TOKEN_AHEAD) from error
            raise

    def _wait(self, refused: _NotYet, patient_until: float) -> None:
        """Look until the replica has what is wanted; pass the replica over if it takes too long."""
        if self._server.is_fit(time.monotonic(), lagging=False):
            while time.monotonic() < patient_until:
                time.sleep(_LOOK_EVERY_S)
                try:
                    self._judge(positions.told(reading.ask(self._connection)))
                except _NotYet as again:
                    refused = again
                else:
                    return
        self._server.lags()
        raise refused

    def _judge(self, told: Told) -> Position:
        """
        Return the position that a reader has seen at most.

        Whether the rows may be shown depends on the timeline only: how far the replica had replayed
        before it took its snapshot was known, or demanded in the same message.
        """
        server = self._server
        server.learn(told)
        self.is_promoted = told.is_primary
        timeline = told.newest if told.is_primary else server.timeline
        is_clear = told.is_primary or server.is_followed(told)
        if not told.is_sure or not (is_clear or self._wanted is None):
            raise _NotYet(Reason.REPLICA_UNCLEAR)
        if self._wanted is not None:
            self._check(self._wanted, timeline, told.replayed_lsn)
        return Position(timeline, told.seen_lsn)

    def _check(self, wanted: Position, timeline: int, replayed_lsn: int) -> None:
        forks = self._forks_of(timeline) if wanted.timeline < timeline else {}
        stands = standing(wanted, timeline=timeline, replayed_lsn=replayed_lsn, forks=forks)
        if stands is Standing.ASTRAY:
            raise Unanswered(Reason.TIMELINE_ABANDONED)
        if stands is Standing.BEHIND:
            raise _NotYet(Reason.TOKEN_AHEAD)

    def _forks_of(self, timeline: int) -> Forks:
        """Return where the timelines ended that `timeline` descends from; it never changes."""
        if timeline not in self._forks:
            history = reading.answer_to(self._connection, positions.HISTORY, timeline=timeline)
            if history is None:
                return {}
            self._forks[timeline] = positions.forks(str(history))
        return self._forks[timeline]
