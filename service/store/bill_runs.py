"""Bill runs in the database: who asked for one, how far it is, what was decided of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service.domain import cursors
from service.domain.bill_runs import (
    ACCOUNTS_PER_CHUNK,
    FAILURES_SHOWN_MAX,
    BillRun,
    BillRunDecision,
    BillRunFailure,
    BillRunPage,
    BillRunSummary,
    BillRunUnfinished,
    BillRunUnknown,
    Decided,
    state_of,
)
from service.domain.bill_samples import BillSample, SamplePage
from service.domain.months import Month
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("bill_runs")
_AFTER_ALL = 2**63 - 1


def start(
    transaction: Transaction,
    *,
    bureau_id: int,
    section_no: int | None,
    month: Month,
    principal_id: int,
    now: datetime,
) -> int:
    """
    Start a run over the accounts that have no bill for `month`; return its number.

    Over those of one reading section, unless `section_no` is None.

    :raises BillRunUnfinished: if another run of the month, over some of them, has not ended
    """
    names = {"bureau_id": bureau_id, "month": month.first_day}
    transaction.later(_SQL["lock_prices_shared"])
    transaction.one(_SQL["lock_month"], **names)
    unfinished = transaction.one(_SQL["unfinished_run"], section_no=section_no, **names)
    if unfinished is not None:
        raise BillRunUnfinished(f"run {unfinished[0]} is billing {month} of bureau {bureau_id}")
    started = transaction.one(
        _SQL["start_run"],
        **names,
        section_no=section_no,
        next_month=month.next.first_day,
        ends_at=month.ends_at,
        principal_id=principal_id,
        requested_at=now,
        accounts_per_chunk=ACCOUNTS_PER_CHUNK,
    )
    assert started is not None, "an INSERT of one row returns it"
    bill_run_id: int = started[0]
    return bill_run_id


def by_id(transaction: Transaction, bill_run_id: int) -> BillRun:
    """
    Return how far a run has come.

    :raises BillRunUnknown: if no run the caller may see has this number
    """
    found = transaction.one(_SQL["run_by_id"], bill_run_id=bill_run_id)
    if found is None:
        raise BillRunUnknown(f"no bill run {bill_run_id}")
    failures = transaction.all(
        _SQL["failures_of_run"], bill_run_id=bill_run_id, limit=FAILURES_SHOWN_MAX
    )
    step, *decided = found[16:]
    return BillRun(
        **_summary(found),
        chunks=found[13],
        chunks_calculated=found[14],
        chunks_done=found[15],
        decision=BillRunDecision(
            step=step, done_by=decided[0], decided_at=decided[1], remark=decided[2]
        )
        if step
        else None,
        failures=tuple(
            BillRunFailure(account_no=account_no, code=code, detail=detail)
            for account_no, code, detail in failures
        ),
    )


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> BillRunPage:
    """
    Return up to `limit` runs, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else _AFTER_ALL
    rows = transaction.all(_SQL["runs_before"], before_no=before_no, limit=limit + 1)
    is_more = len(rows) > limit
    return BillRunPage(
        items=[BillRunSummary(**_summary(row)) for row in rows[:limit]],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def samples(
    transaction: Transaction, *, bill_run_id: int, limit: int, cursor: str | None
) -> SamplePage:
    """
    Return up to `limit` samples of a run, in the order of their accounts, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    after_id = cursors.decode(cursor, int)[0] if cursor else 0
    rows = transaction.all(
        _SQL["samples_after"], bill_run_id=bill_run_id, after_id=after_id, limit=limit + 1
    )
    is_more = len(rows) > limit
    return SamplePage(
        items=[msgspec.json.decode(text, type=BillSample) for _, text in rows[:limit]],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def hold(transaction: Transaction, bill_run_id: int) -> BillRun:
    """
    Let nobody else decide about a run until the transaction ends; return the run.

    :raises BillRunUnknown: if no run the caller may see has this number
    """
    transaction.later(_SQL["lock_decision"], bill_run_id=bill_run_id)
    return by_id(transaction, bill_run_id)


def has_taken_readings(transaction: Transaction, *, bill_run_id: int, principal_id: int) -> bool:
    """Test if somebody took one of the readings that a run's bills rest on."""
    found = transaction.one(
        _SQL["has_taken_readings"], bill_run_id=bill_run_id, principal_id=principal_id
    )
    assert found is not None, "EXISTS has one row"
    return bool(found[0])


def decide(
    transaction: Transaction,
    *,
    bill_run_id: int,
    step: Decided,
    principal_id: int,
    remark: str,
    now: datetime,
) -> None:
    """Record what somebody decided about a run; an approval lets workers issue its bills."""
    transaction.one(
        _SQL["decide"],
        bill_run_id=bill_run_id,
        step=step,
        principal_id=principal_id,
        remark=remark,
        decided_at=now,
    )


def _summary(row: Row) -> dict[str, Any]:
    chunks, calculated, done, step = row[13:17]
    return {
        "bill_run_id": row[0],
        "month": str(Month.of(row[1])),
        "bureau": row[2],
        "section_no": row[3],
        "state": state_of(chunks=chunks, calculated=calculated, done=done, decided=step),
        "requested_by": row[4],
        "requested_at": row[5],
        "accounts": row[6],
        "calculated": row[7],
        "calculated_kwh": row[8],
        "calculated_fen": row[9],
        "billed": row[10],
        "failed": row[11],
        "amount_fen": row[12],
    }
