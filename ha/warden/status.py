"""Status: an operator's desk at one database host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg2

from ha.statements import statement
from ha.warden import metrics
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.judge import Judge
from ha.warden.postgres import Watched
from ha.warden.server import CannotNow
from ha.warden.settings import Settings
from ha.warden.voter import Voter
from ha.warden.warden import plan_stop

# A checkpoint of a busy server writes for seconds; its caller waits longer than this.
_CHECKPOINT_S = 60.0
_QUESTION_S = 2.0

_TRANSACTIONS = statement("warden_longest_transaction")
_ARCHIVER = statement("warden_archiver")
_WAITING = statement("warden_segments_waiting")


class Desk:
    """Where an operator's questions to one warden are answered."""

    def __init__(self, settings: Settings, *, board: Board, judge: Judge, voter: Voter) -> None:
        self._settings = settings
        self._board = board
        self._judge = judge
        self._voter = voter
        self._store_seen_s = now_s()
        self._server = Watched(
            socket_folder=settings.socket_folder, port=settings.postgres_port, hosts={}
        )

    def status(self) -> dict[str, Any]:
        """Return what is known of this host, from memory."""
        known, board = self._judge.known(), self._board
        primary, replica = self._judge.primary(), self._judge.replica(1 << 40)
        postgres, store = known.postgres, known.store
        return {
            "host": known.me,
            "is_primary": primary.is_yes,
            "is_replica": replica.is_yes,
            "why": primary.why if primary.is_yes or not replica.is_yes else replica.why,
            "lsn": postgres.lsn if postgres else None,
            "timeline": postgres.timeline if postgres else None,
            "streams_from": postgres.streams_from if postgres else None,
            "behind_s": round(postgres.behind_s, 2) if postgres else None,
            "canary_age_s": _age(known.canary.worked_s if known.canary else None, known.now_s),
            "fenced": self._voter.fenced(),
            "withholds": self._voter.withholds(),
            "isolated_s": round(board.isolated_s, 1),
            "disk_free_bytes": known.host.disk_free_bytes if known.host else None,
            "store": {
                "age_s": _age(store.seen_s, known.now_s),
                "leader": store.leader.host if store.leader else None,
                "voters": sorted(store.sync.voters) if store.sync else [],
                "quorum": store.sync.quorum if store.sync else None,
                "is_paused": store.is_paused,
                "promises": sorted(store.promises),
                "is_cooling": store.is_cooling,
            },
        }

    def measured(self, page: Callable[[], bytes]) -> bytes:
        """Return the page of metrics, brought up to now."""
        known = self._judge.known()
        canary, host = known.canary, known.host
        # The warden forgets what it read when it must read anew; that is no silence of etcd's.
        self._store_seen_s = max(self._store_seen_s, known.store.seen_s)
        metrics.IS_PRIMARY.set(self._judge.primary().is_yes)
        metrics.HAS_LOCK.set(bool(known.patroni and known.patroni.has_lock))
        metrics.CANARY_AGE.set(known.now_s - canary.worked_s if canary else 0)
        metrics.STORE_AGE.set(known.now_s - self._store_seen_s)
        metrics.FENCES.set(len(self._voter.fenced()))
        metrics.CERTIFICATE_ENDS.set(self._board.certificate_ends)
        metrics.DISK_FREE.set(host.disk_free_bytes if host else float("nan"))
        return page()

    def acts(self) -> dict[str, Callable[[], Mapping[str, Any]]]:
        """Return what may be asked for with the password, by path."""
        return {
            "/checkpoint": self._checkpoint,
            "/planned-stop": self._plan_stop,
            "/preflight": self._preflight,
        }

    def _checkpoint(self) -> dict[str, Any]:
        began_s = now_s()
        self._ask("CHECKPOINT", within_s=_CHECKPOINT_S)
        return {"took_s": round(now_s() - began_s, 3)}

    def _plan_stop(self) -> dict[str, Any]:
        try:
            plan_stop(self._settings, self._board)
        except OSError as error:
            raise CannotNow(f"the note for Patroni: {error}") from error
        return {"planned": True}

    def _preflight(self) -> dict[str, Any]:
        """Return what could hold up a switchover away from this host."""
        (longest_s,) = self._ask(_TRANSACTIONS)[0]
        is_archiving, has_failed, failed_wal = self._ask(_ARCHIVER)[0]
        (waiting,) = self._ask(_WAITING)[0]
        return {
            "longest_transaction_s": round(float(longest_s), 1),
            "is_archiving": is_archiving,
            "archiver_failed_on": failed_wal if has_failed else None,
            "segments_not_archived": int(waiting),
        }

    def _ask(self, sql: str, *, within_s: float = _QUESTION_S) -> list[tuple[Any, ...]]:
        try:
            return self._server.ask(sql, within_s=within_s)
        except psycopg2.Error as error:
            raise CannotNow(f"PostgreSQL: {str(error).strip() or type(error).__name__}") from error


def _age(at_s: float | None, now: float) -> float | None:
    """Return how long ago something was, in seconds; None if it never was."""
    return None if at_s is None or at_s == float("-inf") else round(now - at_s, 2)
