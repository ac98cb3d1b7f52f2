"""Bill runs: billing a bureau's accounts for a closed month, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.domain.errors import Conflict, Invalid, Missing
from service.domain.months import Month

ACCOUNTS_PER_CHUNK = 500
"""One transaction's worth: well under a second, so that a crash repeats little, locks are short."""
FAILURES_SHOWN_MAX = 100
"""A run shows this many of its failures; the counts are always complete."""


class MonthNotClosed(Invalid):
    """A month can be billed only once it is over."""

    code = "MONTH_NOT_CLOSED"
    hint = "Wait until the month has ended in Asia/Shanghai, or bill an earlier month."


class BillRunUnfinished(Conflict):
    """The bureau's month is being billed already."""

    code = "BILL_RUN_UNFINISHED"
    hint = "Wait until the run has finished; start another for what it could not bill."


class BillRunUnknown(Missing):
    """No bill run has this number."""

    code = "BILL_RUN_UNKNOWN"
    hint = "Use the number or the Location that starting the run answered."


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRunFailure:
    """An account that a run could not bill, and why."""

    account_no: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRun:
    """
    How far the billing of a bureau's month (YYYY-MM) has come.

    Of the accounts of one reading section alone, unless `section_no` is null.
    """

    bill_run_id: int
    month: str
    bureau: int
    section_no: int | None
    state: str
    accounts: int
    billed: int
    failed: int
    amount_fen: int
    chunks: int
    chunks_done: int
    requested_at: datetime
    failures: tuple[BillRunFailure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """
    A slice of a run: the bureau's accounts from `first_account_id` to `last_account_id`.

    Of them those of one reading section, unless `section_no` is None.
    """

    bill_run_id: int
    chunk: int
    bureau_id: int
    section_no: int | None
    month: Month
    first_account_id: int
    last_account_id: int

    @property
    def document_no(self) -> str:
        """What the chunk's journal is filed under."""
        return f"{self.bill_run_id}/{self.chunk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of a chunk: `failed` counts the accounts that could not be billed, by code."""

    billed: int
    amount_fen: int
    failed: Mapping[str, int]


def check_closed(*, month: Month, now: datetime) -> None:
    """
    Let a month pass that is over in business time.

    :raises MonthNotClosed: if it still runs at `now`, or has not begun
    """
    if now < month.ends_at:
        raise MonthNotClosed(f"month {month} ends at {month.ends_at.isoformat()}")


def state_of(*, chunks: int, chunks_done: int) -> str:
    """Return `queued` while no chunk is done, `running` in between, `finished` when all are."""
    if chunks_done == chunks:
        return "finished"
    return "running" if chunks_done else "queued"
