"""The load of a drill: its clients while they pay, as far as a drill waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from failover_tests import budgets
from failover_tests.companions import Companion
from failover_tests.history import Tail
from failover_tests.progress import Progress
from ha.lab.waiting import NotInTime, until


class Load:
    """
    The clients of a drill while they pay.

    A wait that is named after what clients hope for ends quietly when it does not come: the
    history shows it, the drill's promises judge it.
    """

    def __init__(self, companion: Companion, written: Path) -> None:
        self._companion = companion
        self._tail = Tail(written)
        self._progress = Progress()

    def continues(self, *, for_s: float) -> None:
        """
        Wait until a payment was acknowledged `for_s` from now, or later.

        :raises NotInTime: if none is
        """
        enough_s = time.monotonic() + for_s
        self._until(
            lambda progress: progress.done_s >= enough_s,
            what=f"a payment acknowledged at {enough_s:.1f} s or later",
            within_s=for_s + budgets.LOAD_ANSWERED_S,
        )

    def keeps_pace(self, *, within_s: float = budgets.PACE_PATIENCE_S) -> None:
        """
        Wait until payments are acknowledged as they fall due.

        :raises NotInTime: if they are not: what clients then feel says nothing about a fault
        """
        self._until(
            lambda progress: progress.is_in_pace(now_s=time.monotonic()),
            what=f"a service that keeps pace with its clients (within {budgets.PACE_S:g} s)",
            within_s=within_s,
        )

    def is_served_again(self, *, at_most_s: float = budgets.RECOVERY_S) -> bool:
        """Wait until a payment that fell due after this call is acknowledged; tell if one was."""
        now_s = time.monotonic()
        return self._is_seen(lambda progress: progress.due_s >= now_s, at_most_s=at_most_s)

    def catches_up(self, *, at_most_s: float = budgets.RECOVERY_S) -> bool:
        """
        Wait until payments are acknowledged as they fall due again; tell if they are.

        What is broken stays so until then: no host that was lost is back two seconds later, and
        here its boot would take the processors from those who have waited.
        """
        return self._is_seen(
            lambda progress: progress.is_in_pace(now_s=time.monotonic(), for_s=budgets.CAUGHT_UP_S),
            at_most_s=at_most_s,
        )

    def is_refused(self, *, at_most_s: float) -> bool:
        """Wait until a request ends without the answer it asked for; tell if one did."""
        before = self._look().unanswered
        return self._is_seen(lambda progress: progress.unanswered > before, at_most_s=at_most_s)

    def acknowledges(self, count: int, *, within_s: float) -> None:
        """
        Wait until `count` more payments are acknowledged.

        :raises NotInTime: if they are not
        """
        enough = self._look().acknowledged + count
        self._until(
            lambda progress: progress.acknowledged >= enough,
            what=f"{count} more payments acknowledged",
            within_s=within_s,
        )

    def goes_on(self, *, for_s: float) -> None:
        """Let the clients go on for so long, whatever they are answered."""
        end_s = time.monotonic() + for_s
        self._until(
            lambda _: time.monotonic() >= end_s,
            what=f"{for_s:g} s of load",
            within_s=2 * for_s + 1,
        )

    def _is_seen(self, is_enough: Callable[[Progress], bool], *, at_most_s: float) -> bool:
        try:
            self._until(is_enough, what="an answer", within_s=at_most_s)
        except NotInTime:
            return False
        return True

    def _until(self, is_enough: Callable[[Progress], bool], *, what: str, within_s: float) -> None:
        until(self._look, is_enough=is_enough, what=what, within_s=within_s)

    def _look(self) -> Progress:
        self._companion.assert_running()
        self._progress.note(self._tail.fresh())
        return self._progress
