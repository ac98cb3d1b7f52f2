"""Progress: what clients have been answered so far, in a few numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from failover_tests import budgets
from failover_tests.history import Request


@dataclass(slots=True)
class Progress:
    """
    Sums up a history that grows; it costs the same however long that is.

    `done_s` is when the newest acknowledged payment was answered, `due_s` the latest time at which
    one fell due, `late_s` that at which one was answered that had fallen due more than
    `budgets.PACE_S` before (monotonic, 0 before the first).
    """

    done_s: float = 0.0
    due_s: float = 0.0
    late_s: float = 0.0
    acknowledged: int = 0
    unanswered: int = 0

    def note(self, requests: Iterable[Request]) -> None:
        """Take finished requests into account, each once."""
        for request in requests:
            if not request.is_answered:
                self.unanswered += 1
            elif request.kind == "payment":
                self.acknowledged += 1
                self.done_s = max(self.done_s, request.done_s)
                self.due_s = max(self.due_s, request.due_s)
                if request.done_s - request.due_s > budgets.PACE_S:
                    self.late_s = max(self.late_s, request.done_s)

    def is_in_pace(self, *, now_s: float, for_s: float = budgets.IN_PACE_S) -> bool:
        """Test if payments are answered as they fall due, and have been for so long."""
        is_on_time = self.due_s >= now_s - budgets.PACE_S
        return is_on_time and self.late_s < now_s - for_s
