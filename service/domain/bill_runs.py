"""Bill runs: billing a bureau's accounts for a closed month, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.errors import Conflict, Invalid, Missing
from service.domain.months import Month

ACCOUNTS_PER_CHUNK = 500
"""One transaction's worth: well under a second, so that a crash repeats little, locks are short."""
FAILURES_SHOWN_MAX = 100
"""A run shows this many of its failures; the counts are always complete."""

State = Literal["queued", "calculating", "calculated", "issuing", "finished", "rejected"]
Decided = Literal["approved", "rejected"]


class MonthNotClosed(Invalid):
    """A month can be billed only once it is over."""

    code = "MONTH_NOT_CLOSED"
    hint = "Wait until the month has ended in Asia/Shanghai, or bill an earlier month."


class BillRunUnfinished(Conflict):
    """The bureau's month is being billed already."""

    code = "BILL_RUN_UNFINISHED"
    hint = "Approve or reject the run, wait until it has finished; then start another for the rest."


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
class BillRunDecision:
    """
    What another hand decided about a run.

    `remark` is what the samples showed if it was approved, the reason if it was rejected.
    """

    step: Decided
    done_by: str
    decided_at: datetime
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRunSummary:
    """
    How far the billing of a bureau's month (YYYY-MM) has come.

    Of the accounts of one reading section alone, unless `section_no` is null. What was calculated
    (`calculated` bills of `calculated_kwh`, `calculated_fen`) is issued once the run is approved;
    `billed` of them are, over `amount_fen`.
    """

    bill_run_id: int
    month: str
    bureau: int
    section_no: int | None
    state: State
    requested_by: str
    requested_at: datetime
    accounts: int
    calculated: int
    calculated_kwh: int
    calculated_fen: int
    billed: int
    failed: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRun(BillRunSummary):
    """A run in full, with its chunks, the accounts it could not bill, what was decided of it."""

    chunks: int
    chunks_calculated: int
    chunks_done: int
    decision: BillRunDecision | None
    failures: tuple[BillRunFailure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRunPage:
    """Runs, the newest first."""

    items: list[BillRunSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """
    A slice of a run: the bureau's accounts from `first_account_id` to `last_account_id`.

    Of them those of one reading section, unless `section_no` is None. `digests` says what was
    calculated and approved, by account; None as long as nothing is.
    """

    bill_run_id: int
    chunk: int
    bureau_id: int
    section_no: int | None
    month: Month
    first_account_id: int
    last_account_id: int
    digests: Mapping[int, bytes] | None

    @property
    def document_no(self) -> str:
        """What the chunk's journal is filed under."""
        return f"{self.bill_run_id}/{self.chunk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of a chunk: `failed` counts the accounts that could not be billed, by code."""

    bills: int
    consumption_kwh: int
    amount_fen: int
    failed: Mapping[str, int]


def check_closed(*, month: Month, now: datetime) -> None:
    """
    Let a month pass that is over in business time.

    :raises MonthNotClosed: if it still runs at `now`, or has not begun
    """
    if now < month.ends_at:
        raise MonthNotClosed(f"month {month} ends at {month.ends_at.isoformat()}")


def state_of(*, chunks: int, calculated: int, done: int, decided: Decided | None) -> State:
    """Return how far a run is of which so many chunks are calculated, so many are done."""
    if decided == "rejected":
        return "rejected"
    if done == chunks:
        return "finished"
    if decided == "approved":
        return "issuing"
    if calculated == chunks:
        return "calculated"
    return "calculating" if calculated else "queued"
