"""The promises of a drill: what clients are told to expect while one thing is broken."""

from __future__ import annotations

from dataclasses import dataclass

from failover_tests import budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """
    What clients are promised while one thing is broken, beside the invariants; None: nothing.

    The slowest answer may come `slowest_beyond_s` later than the write stall allows.
    `is_retrying`: clients repeat a request with its key, as whoever loses a connection must.
    `may_refuse`: payments are refused with a reason once the API's deadline has passed.
    `takeovers_min`: so often at least another host leads afterwards than before.
    `is_unconfirmed`: meanwhile no replica can confirm a commit, so nothing may be acknowledged.
    """

    write_stall_s: float | None = None
    slowest_beyond_s: float = budgets.SLOWEST_BEYOND_STALL_S
    read_stall_s: float | None = None
    failovers_max: int = 0
    is_retrying: bool = False
    may_refuse: bool = False
    takeovers_min: int = 0
    is_unconfirmed: bool = False
