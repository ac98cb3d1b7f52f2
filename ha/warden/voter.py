"""The voter: takes the steps of the voter fence, one a turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from ha.warden import fences, metrics, patience, voting
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.errands import Errands
from ha.warden.etcd import StoreSilent
from ha.warden.fences import FenceIncomplete
from ha.warden.postgres import Watched
from ha.warden.settings import Settings
from ha.warden.store import Records
from ha.warden.voting import Step, View
from ha.warden.watches import StoreWatch

_log = logging.getLogger(__name__)


class Voter:
    """
    One host's voice: what `voting` says, done to the kernel and to etcd.

    After every attempt to change what etcd holds, it reads etcd again before it decides anew.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        board: Board,
        server: Watched,
        records: Records,
        store_watch: StoreWatch,
        wake_patroni: Callable[[], object],
    ) -> None:
        self._settings = settings
        self._board = board
        self._server = server
        self._records = records
        self._store_watch = store_watch
        self._wake_patroni = wake_patroni
        self._errands = Errands(board)
        self._fenced = dict.fromkeys(fences.standing(settings.peers), float("-inf"))
        self._fences_seen_s = now_s()
        self._promised_s = now_s()
        self._released_s: float | None = None
        self._ended_lease: int | None = None
        self._withholds: str | None = None
        self._failed_s = float("-inf")
        self._revoked_s = float("-inf")

    def turn(self) -> bool:
        """Take the next step, if there is one; return whether each should follow at once."""
        self._look_at_fences()
        view = self._view()
        self._board.is_true_to_word |= voting.keeps_its_word(view)
        # Before the step: whoever is told that a leader is outvoted must find its fence standing.
        self._board.outvoted = voting.outvoted(view)
        self._say_if_reticent(view)
        if "voter_fence" in self._settings.features or self._fenced or view.promise:
            self._step(view)
        return voting.leader_silent_s(view) > patience.UNEASY_S or bool(self._fenced)

    def fenced(self) -> list[str]:
        """Return the hosts that this one sends nothing to."""
        return sorted(self._fenced)

    def withholds(self) -> str | None:
        """Return why a leader that is suspected is not fenced; None if there is no such reason."""
        return self._withholds

    def _view(self) -> View:
        board = self._board
        return View(
            me=self._settings.host,
            now_s=now_s(),
            store=board.store,
            postgres=board.postgres,
            peers=dict(board.peers),
            fenced=dict(self._fenced),
            promised_s=self._promised_s,
            released_s=self._released_s,
            ended_lease=self._ended_lease,
        )

    def _step(self, view: View) -> None:
        step = voting.next_step(view)
        if step is None or now_s() - self._failed_s < patience.RETRY_S:
            return
        if step.deed == "revoke" and now_s() - self._revoked_s < patience.AGAIN_S:
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
            return self._release(view)
        if step.deed == "revoke":
            self._revoke(view)
            return True
        assert leader is not None, "every other step is about a leadership"
        if step.deed == "promise":
            self._promised_s, self._released_s = now_s(), None
            return self._records.promise(view.store, leader)
        return self._records.decide(view.store, leader)

    def _fence(self, host: str, view: View) -> None:
        has_postgres = self._board.host is not None and self._board.host.postmaster is not None
        try:
            fences.put_up(self._settings.peers[host], self._server, is_running=has_postgres)
        except FenceIncomplete:
            if view.promise is None:
                fences.take_down(self._settings.peers[host])
            raise
        self._fenced[host] = now_s()

    def _release(self, view: View) -> bool:
        is_released = self._records.release(view.store)
        self._released_s = now_s() if is_released else None
        if is_released:  # one that never was complete has a route to be lifted all the same
            routes = fences.standing(self._settings.peers)
            self._fenced = {**dict.fromkeys(routes, float("-inf")), **self._fenced}
        return is_released

    def _revoke(self, view: View) -> None:
        verdict = view.store.verdict
        assert verdict is not None, "nothing is revoked without"
        self._revoked_s = now_s()
        self._records.revoke(verdict.lease)
        self._ended_lease = verdict.lease
        # Patroni's watch of the leader's key may hang on a member of etcd that is gone too.
        self._errands.send("wake", self._wake_patroni)

    def _forget_store(self) -> None:
        """Decide nothing until etcd was read anew: an attempt may have changed what it holds."""
        self._board.store = replace(self._board.store, seen_s=float("-inf"))

    def _look_at_fences(self) -> None:
        """
        See which fences the kernel has: anybody may take one away, or one may have been left.

        One that was left is taken for an old one: no promise can follow, and it is lifted as all
        are, once etcd has answered that no promise relies on it.
        """
        if now_s() - self._fences_seen_s < patience.FENCE_EVERY_S:
            return
        try:
            standing = fences.standing(self._settings.peers)
        except FenceIncomplete as error:
            _log.warning("The fences could not be seen: %s.", error)
            return
        finally:  # a look that takes long leaves time for turns before the next
            self._fences_seen_s = now_s()
        for host in self._fenced.keys() - standing:
            _log.warning("Somebody else took the fence against %s away.", host)
            del self._fenced[host]
        for host in voting.strays(self._view(), standing):
            _log.warning("A fence against %s was left, and nothing calls for it.", host)
            self._fenced[host] = float("-inf")

    def _say_if_reticent(self, view: View) -> None:
        """Log why a suspicion has no consequence, once for each reason."""
        is_off = "voter_fence" not in self._settings.features
        why = voting.suspicion(view)
        why_not = "the voter fence is switched off" if is_off else voting.reticence(view)
        self._withholds, before = (why_not if why else None), self._withholds
        if self._withholds not in {None, before}:
            leader = view.leader.host if view.leader else ""
            _log.warning("I do not fence %s, though %s: %s.", leader, why, why_not)
