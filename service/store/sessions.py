"""One client's view of the database, which never goes back in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar

from service.domain.consistency import Position
from service.domain.errors import Missing
from service.store.database import Database
from service.store.metrics import READS
from service.store.positions import Told
from service.store.primary import PrimaryOutdated
from service.store.reading import Reading
from service.store.replicas import Reason, Unanswered
from service.store.transaction import Transaction

T = TypeVar("T")
# A primary that was cut off and replaced may still be asked for this long at most, until load
# balancer and cluster agree. A client who has seen its successor waits for that one. Whoever shows
# a timeline that nobody knows waits as long, then is served.
_OUTDATED_S = 1.5


class Session(Database):
    """
    What one request does in the database: reads go to replicas that have seen enough.

    `seen` is the newest position it was shown; None before, and on a refusal.

    :param after: the newest position that the client says it has seen; None if it says nothing
    """

    def __init__(self, database: Database, *, after: Position | None = None) -> None:
        self.primary = database.primary
        self.primary_to_read = database.primary_to_read
        self.replicas = database.replicas
        self._after = after
        self.seen: Position | None = None

    def transaction(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """Run `work` as `Database.transaction` does; remember where its commit lies."""
        begin = partial(Transaction, scope=scope, is_read=False, is_telling=True)
        result, transaction = self.primary.run(begin, work, deadline=deadline)
        self.seen = transaction.position
        return result

    def read(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Return what `work` reads, on a replica that has seen what the client has, or the primary.

        :raises DatabaseAway: if it must be the primary, and the deadline passes first
        """
        if self.replicas is None:
            return self._on_primary(work, scope, deadline, reason=Reason.NO_REPLICAS)
        try:
            result, reading = self.replicas.read(
                work, scope=scope, deadline=deadline, wanted=self._after
            )
        except Unanswered as handed_over:
            return self._on_primary(work, scope, deadline, reason=handed_over.reason)
        except Missing:
            # Whoever shows no token may ask for what was recorded a millisecond ago.
            if self._after is not None:
                _counted("replica", Reason.USUAL)()
                raise
            return self._on_primary(work, scope, deadline, reason=Reason.MISSING)
        _counted("replica", Reason.USUAL)()
        self.seen = reading.position
        return result

    def read_for_money(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Return what `work` reads on the primary: whoever asks decides about money by the answer.

        :raises DatabaseAway: if the deadline passes first
        """
        return self._on_primary(work, scope, deadline, reason=Reason.MONEY)

    def _on_primary(
        self, work: Callable[[Transaction], T], scope: str, deadline: float, *, reason: Reason
    ) -> T:
        begin = partial(Reading, scope=scope, judge=self._judge(time.monotonic()))
        result, reading = self.primary_to_read.run(begin, work, deadline=deadline)
        _counted("primary", reason)()
        self.seen = reading.position
        return result

    def _judge(self, began: float) -> Callable[[Told], Position]:
        """Return what refuses a primary that the client's own has replaced."""
        after = self._after

        def judge(told: Told) -> Position:
            is_outdated = after is not None and told.newest < after.timeline
            if is_outdated and time.monotonic() < began + _OUTDATED_S:
                raise PrimaryOutdated
            return Position(told.newest, told.seen_lsn)

        return judge


@cache
def _counted(answered_by: str, reason: Reason) -> Callable[[], None]:
    """Return what counts one more read; looking labels up costs more than counting."""
    return READS.labels(answered_by, reason).inc
