"""Progress: what clients have been answered so far, in a few numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from failover_tests.history import Request


@dataclass(slots=True)
class Progress:
    """
    Sums up a history that grows; it costs the same however long that is.

    `done_s` is when the newest acknowledged payment was answered, `due_s` the latest time at which
    one fell due (monotonic, 0 before the first).
    """

    done_s: float = 0.0
    due_s: float = 0.0
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
