"""The warden itself: turns what is known into deeds, each logged as a sentence, each counted."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ha.rest import RestSilent
from ha.warden import guard, metrics, patience, processes
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.eagerness import Eagerness
from ha.warden.errands import Errands
from ha.warden.facts import Postgres
from ha.warden.guard import Order
from ha.warden.judge import Judge
from ha.warden.patroni import Patroni, PatroniRefused
from ha.warden.settings import Settings
from ha.warden.voter import Voter
from ha.warden.watches import ballast_of

_log = logging.getLogger(__name__)

# A hand-over stops PostgreSQL, with a checkpoint that may be large.
_HAND_OVER_WITHIN_S = 20.0


class Warden:
    """
    Decides, turn by turn, from what the watches know: about the vote, about its own processes.

    What is done to these may take seconds: the next turn does not wait for it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        board: Board,
        judge: Judge,
        patroni: Patroni,
        voter: Voter,
    ) -> None:
        self._settings = settings
        self._board = board
        self._judge = judge
        self._patroni = patroni
        self._voter = voter
        self._errands = Errands(board)
        self._eagerness = Eagerness()
        self._had_postgres = False
        self._done_s: dict[str, float] = {}

    def turn(self) -> None:
        """Decide once, and do what was decided."""
        known = self._judge.known()
        self._board.isolated_s = guard.isolation_s(known, dict(self._board.peers))
        if known.host is not None and known.host.postmaster is not None:
            self._had_postgres = True
        elif known.now_s - self._board.stop_planned_s < patience.PLANNED_STOP_S:
            self._let_stop()
        for order in guard.orders(
            known, had_postgres=self._had_postgres, isolated_s=self._board.isolated_s
        ):
            self._obey(order)
        if "hand_over" in self._settings.features and guard.wants_ballast(known):
            self._take_ballast()
        missing = self._failover(is_uneasy=self._voter.turn())
        self._board.be_eager(is_eager=self._eagerness.lasts(missing, now_s=known.now_s))
        self._judge.say_if_changed()

    def _failover(self, *, is_uneasy: bool) -> tuple[object, ...] | None:
        """
        Return what is known of the failover that is under way; None if there is none.

        There is one while the vote goes on, nobody leads, the leader cannot be written to yet, or
        the stream has just ended.
        """
        leader, postgres = self._board.store.leader, self._board.postgres
        has_lost_stream = postgres is not None and self._lost_its_stream(postgres)
        is_leader = leader is not None and leader.host == self._settings.host
        is_waited_for = is_leader and postgres is not None and not self._judge.primary().is_yes
        if not (is_uneasy or has_lost_stream or leader is None or is_waited_for):
            return None
        is_primary = postgres is not None and not postgres.is_in_recovery
        revision = None if leader is None else leader.revision
        return is_uneasy, has_lost_stream, revision, is_primary, postgres is None

    @staticmethod
    def _lost_its_stream(postgres: Postgres) -> bool:
        silent_s = now_s() - postgres.heard_s
        is_alone = postgres.is_in_recovery and postgres.streams_from is None
        return is_alone and silent_s < patience.LOST_LATELY_S

    def _obey(self, order: Order) -> None:
        feature, deed, again_s = self._deeds()[order.deed]
        if feature not in self._settings.features or self._is_too_soon(order.deed, again_s):
            return
        if not self._errands.send(order.deed, deed):
            return
        self._done_s[order.deed] = now_s()
        _log.warning("I %s: %s.", order.deed.replace("_", " "), order.because)
        metrics.count(order.deed)

    def _deeds(self) -> dict[str, tuple[str, Callable[[], object], float]]:
        """Return of each order the feature, the deed, the pause between repeats."""
        return {
            "wake": ("wake", self._tell_patroni, patience.AGAIN_S),
            "kill_patroni": ("kill_frozen", self._kill_patroni, patience.AGAIN_S),
            "kill_postgres": ("kill_frozen", self._kill_postgres, patience.AGAIN_S),
            "stop_postgres": ("self_fence", self._stop_postgres, patience.AGAIN_S),
            "hand_over": ("hand_over", self._hand_over, patience.HAND_OVER_AGAIN_S),
        }

    def _is_too_soon(self, deed: str, again_s: float) -> bool:
        return now_s() - self._done_s.get(deed, float("-inf")) < again_s

    def _let_stop(self) -> None:
        """
        Leave Patroni alone, which stops PostgreSQL itself.

        It releases the leader's key next; a turn of its loop would hold that up (both take
        `_async_executor`, patroni/ha.py).
        """
        self._board.postgres = None
        self._had_postgres = False

    def _tell_patroni(self) -> None:
        self._board.postgres = None
        if self._patroni.wakes():
            self._had_postgres = False

    def _kill_patroni(self) -> None:
        found = self._board.host and self._board.host.patroni
        if found:
            processes.end(found.pid)

    def _kill_postgres(self) -> None:
        found = self._board.host and self._board.host.postmaster
        if found:
            processes.end_family(found.pid)

    def _stop_postgres(self) -> None:
        found = self._board.host and self._board.host.postmaster
        if found:
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGQUIT)

    def _take_ballast(self) -> None:
        """Set room aside; a disk that will not give it is full, which `guard` judges by itself."""
        try:
            with ballast_of(self._settings).open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, patience.BALLAST_BYTES)
        except OSError as error:
            _log.warning("There is no room for ballast: %s.", error)

    def _hand_over(self) -> None:
        """Give the ballast back, so that a shutdown checkpoint fits; let another host lead."""
        try:
            ballast_of(self._settings).unlink(missing_ok=True)
            plan_stop(self._settings, self._board)
        except OSError as error:
            _log.warning("The stop of PostgreSQL will be slower than it could be: %s.", error)
        try:
            self._patroni.switch_over(self._settings.host, within_s=_HAND_OVER_WITHIN_S)
        except (RestSilent, PatroniRefused) as error:
            _log.warning("Handing over failed: %s.", error)


def plan_stop(settings: Settings, board: Board) -> None:
    """
    Leave the note that the next stop of PostgreSQL is wanted; `ha.handover` then does it at once.

    It is believed for a few seconds only.
    :raises OSError: if it cannot be written; the stop is then one that nobody announced
    """
    board.stop_planned_s = now_s()
    board.hurry_postgres.set()
    Path(settings.run_folder, "planned_stop").write_text(f"{time.time():.3f}\n", encoding="ascii")
