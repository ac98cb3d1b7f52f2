"""The warden itself: turns what is known into deeds, each logged as a sentence, each counted."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ha.rest import RestSilent
from ha.warden import fences, guard, metrics, patience, processes, voting
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.etcd import StoreSilent
from ha.warden.facts import Postgres
from ha.warden.fences import FenceIncomplete
from ha.warden.guard import Order
from ha.warden.judge import Judge
from ha.warden.patroni import Patroni, PatroniRefused
from ha.warden.postgres import Watched
from ha.warden.settings import Settings
from ha.warden.store import Records
from ha.warden.voting import Step, View
from ha.warden.watches import StoreWatch, ballast_of

_log = logging.getLogger(__name__)

# A hand-over stops PostgreSQL, with a checkpoint that may be large.
_HAND_OVER_WITHIN_S = 20.0


class Warden:
    """
    Decides, turn by turn, from what the watches know; does one thing at a time.

    After every attempt to change what etcd holds, it reads etcd again before it decides anew.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        board: Board,
        judge: Judge,
        server: Watched,
        records: Records,
        patroni: Patroni,
        store_watch: StoreWatch,
    ) -> None:
        self._settings = settings
        self._board = board
        self._judge = judge
        self._server = server
        self._records = records
        self._patroni = patroni
        self._store_watch = store_watch
        self._fenced = dict.fromkeys(fences.standing(settings.peers), float("-inf"))
        self._promised_s = now_s()
        self._released_s: float | None = None
        self._had_postgres = False
        self._failed_s = float("-inf")
        self._done_s: dict[str, float] = {}

    def turn(self) -> None:
        """Decide once, and do what was decided."""
        known = self._judge.known()
        self._board.isolated_s = guard.isolation_s(known, self._board.peers)
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
        self._vote()
        self._judge.say_if_changed()

    def fenced(self) -> list[str]:
        """Return the hosts that this one sends nothing to."""
        return sorted(self._fenced)

    # --- the voter fence -------------------------------------------------------------------------

    def _vote(self) -> None:
        board = self._board
        view = View(
            me=self._settings.host,
            now_s=now_s(),
            store=board.store,
            postgres=board.postgres,
            peers=dict(board.peers),
            fenced=dict(self._fenced),
            promised_s=self._promised_s,
            released_s=self._released_s,
        )
        is_uneasy = voting.leader_silent_s(view) > patience.UNEASY_S
        board.be_eager(is_eager=is_uneasy or bool(self._fenced) or self._is_between_roles())
        if "voter_fence" not in self._settings.features and not self._fenced:
            return
        step = voting.next_step(view)
        if step is None or now_s() - self._failed_s < patience.RETRY_S:
            return
        if step.deed == "revoke" and self._is_too_soon(step.deed, patience.AGAIN_S):
            return
        _log.warning("I %s %s: %s.", step.deed, step.host, step.because)
        try:
            is_done = self._take(step, view)
            self._store_watch.refresh()
        except (StoreSilent, FenceIncomplete) as error:
            _log.warning("To %s %s failed: %s.", step.deed, step.host, error)
            self._failed_s = now_s()
            self._forget_store()
        else:
            metrics.count(step.deed, is_refused=not is_done)
            self._done_s[step.deed] = now_s()

    def _take(self, step: Step, view: View) -> bool:
        """Do one step of the vote; return False if what it rested on has changed."""
        leader = view.leader
        if step.deed == "fence":
            self._fence(step.host, view)
            return True
        if step.deed == "lift":
            fences.take_down(self._settings.peers[step.host])
            del self._fenced[step.host]
            return True
        if step.deed == "release":
            is_released = self._records.release(view.store)
            self._released_s = now_s() if is_released else None
            return is_released
        assert leader is not None, "every other step is about a leadership"
        if step.deed == "promise":
            self._promised_s, self._released_s = now_s(), None
            return self._records.promise(view.store, leader)
        if step.deed == "decide":
            return self._records.decide(view.store, leader)
        self._records.revoke(leader.lease)
        self._wake()  # its watch of the leader's key may hang on a member of etcd that is gone too
        return True

    def _fence(self, host: str, view: View) -> None:
        has_postgres = self._board.host is not None and self._board.host.postmaster is not None
        try:
            fences.put_up(self._settings.peers[host], self._server, is_running=has_postgres)
        except FenceIncomplete:
            if view.promise is None:
                fences.take_down(self._settings.peers[host])
            raise
        self._fenced[host] = now_s()

    def _forget_store(self) -> None:
        """Decide nothing until etcd was read anew: an attempt may have changed what it holds."""
        self._board.store = replace(self._board.store, seen_s=float("-inf"))

    def _is_between_roles(self) -> bool:
        """
        Test if a failover is under way.

        That is: nobody leads, or the leader cannot be written to yet, or the stream has just ended.
        """
        store, board = self._board.store, self._board
        if board.postgres is not None and self._lost_its_stream(board.postgres):
            return True
        if store.leader is None:
            return True
        is_leader = store.leader.host == self._settings.host
        return is_leader and not self._judge.primary().is_yes and board.postgres is not None

    @staticmethod
    def _lost_its_stream(postgres: Postgres) -> bool:
        silent_s = now_s() - postgres.heard_s
        is_alone = postgres.is_in_recovery and postgres.streams_from is None
        return is_alone and silent_s < patience.LOST_LATELY_S

    # --- this host's processes -------------------------------------------------------------------

    def _obey(self, order: Order) -> None:
        feature, deed, again_s = self._deeds()[order.deed]
        if feature not in self._settings.features or self._is_too_soon(order.deed, again_s):
            return
        self._done_s[order.deed] = now_s()
        _log.warning("I %s: %s.", order.deed.replace("_", " "), order.because)
        metrics.count(order.deed)
        deed()

    def _deeds(self) -> dict[str, tuple[str, Callable[[], None], float]]:
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
        if self._wake():
            self._had_postgres = False

    def _wake(self) -> bool:
        try:
            self._patroni.wake()
        except RestSilent as silence:
            _log.warning("Patroni could not be woken: %s.", silence)
            return False
        return True

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
        ballast_of(self._settings).unlink(missing_ok=True)
        plan_stop(self._settings, self._board)
        try:
            self._patroni.switch_over(self._settings.host, within_s=_HAND_OVER_WITHIN_S)
        except (RestSilent, PatroniRefused) as error:
            _log.warning("Handing over failed: %s.", error)


def plan_stop(settings: Settings, board: Board) -> None:
    """
    Leave the note that the next stop of PostgreSQL is wanted; `before_stop` then does it at once.

    It is believed for a few seconds only.
    """
    board.stop_planned_s = now_s()
    Path(settings.run_folder, "planned_stop").write_text(f"{time.time():.3f}\n", encoding="ascii")
