"""The promises of a drill: what clients are told to expect while one thing is broken."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from failover_tests import budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """
    What clients are promised while one thing is broken, beside the invariants; None: nothing.

    Where a write stall is promised, the slowest answer may take `slowest_beyond_s` more than the
    stall that was measured; `slowest_s` is promised where none is.
    `is_retrying`: clients repeat a request with its key, as whoever loses a connection must; only
    what was on its way as the address of the edge moved needs it.
    `may_refuse`: payments are refused with a reason once the API's deadline has passed, while no
    replica can confirm one; afterwards they are taken again.
    `takeovers_min`: so often at least another host leads afterwards than before.
    `is_unconfirmed`: meanwhile no replica can confirm a commit, so nothing may be acknowledged.
    """

    write_stall_s: float | None = None
    slowest_beyond_s: float = budgets.SLOWEST_BEYOND_STALL_S
    slowest_s: float | None = None
    read_stall_s: float | None = None
    failovers_max: int = 0
    is_retrying: bool = False
    may_refuse: bool = False
    takeovers_min: int = 0
    is_unconfirmed: bool = False

    def slowest_max_s(self, *, stall_s: float) -> float:
        """Return how long any answer may take if writes stalled for `stall_s`; inf: unpromised."""
        if self.slowest_s is not None:
            return self.slowest_s
        return math.inf if self.write_stall_s is None else stall_s + self.slowest_beyond_s

    def allowing(self, times: float) -> Promises:
        """Return these promises with every time `times` as long; what is counted stays."""
        return replace(
            self,
            write_stall_s=_longer(self.write_stall_s, times),
            slowest_beyond_s=self.slowest_beyond_s * times,
            slowest_s=_longer(self.slowest_s, times),
            read_stall_s=_longer(self.read_stall_s, times),
        )


def _longer(promised_s: float | None, times: float) -> float | None:
    return None if promised_s is None else promised_s * times
