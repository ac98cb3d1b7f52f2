"""Bill runs in the database: the only module that knows a run with its chunks, its failures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from service.domain.bill_runs import (
    ACCOUNTS_PER_CHUNK,
    FAILURES_SHOWN_MAX,
    BillRun,
    BillRunFailure,
    BillRunUnfinished,
    BillRunUnknown,
    Chunk,
    Tally,
    state_of,
)
from service.domain.bills import Basis, Stand
from service.domain.errors import Refusal
from service.domain.months import Month
from service.domain.reading_checks import BILLS_COMPARED, Use
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("bill_runs")


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

    :raises BillRunUnfinished: if another run of the month still has accounts to bill
    """
    names = {"bureau_id": bureau_id, "month": month.first_day}
    transaction.later(_SQL["lock_prices_shared"])
    transaction.one(_SQL["lock_month"], **names)
    unfinished = transaction.one(_SQL["unfinished_run"], **names)
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
    first_day, bureau_id, section_no, requested_at, *counts = found
    accounts, billed, failed, fen, chunks, done = counts
    failures = transaction.all(
        _SQL["failures_of_run"], bill_run_id=bill_run_id, limit=FAILURES_SHOWN_MAX
    )
    return BillRun(
        bill_run_id=bill_run_id,
        month=str(Month.of(first_day)),
        bureau=bureau_id,
        section_no=section_no,
        state=state_of(chunks=chunks, chunks_done=done),
        accounts=accounts,
        billed=billed,
        failed=failed,
        amount_fen=fen,
        chunks=chunks,
        chunks_done=done,
        requested_at=requested_at,
        failures=tuple(
            BillRunFailure(account_no=account_no, code=code, detail=detail)
            for account_no, code, detail in failures
        ),
    )


def claim(transaction: Transaction, *, passed: Collection[tuple[int, int]]) -> Chunk | None:
    """
    Claim the next chunk until the transaction ends; None if there is none to be had.

    :param passed: chunks to leave alone, each by its run and its number
    """
    found = transaction.one(
        _SQL["claim_chunk"],
        passed_runs=[bill_run_id for bill_run_id, _ in passed],
        passed_chunks=[chunk for _, chunk in passed],
    )
    if found is None:
        return None
    bill_run_id, chunk, bureau_id, section_no, first_day, first_account_id, last_account_id = found
    return Chunk(
        bill_run_id=bill_run_id,
        chunk=chunk,
        bureau_id=bureau_id,
        section_no=section_no,
        month=Month.of(first_day),
        first_account_id=first_account_id,
        last_account_id=last_account_id,
    )


def bases(transaction: Transaction, chunk: Chunk) -> list[Basis]:
    """
    Lock those accounts of a chunk that have no bill in force; return what to bill them on.

    In the order of the accounts. A bill that is cancelled between the two statements leaves its
    account for another run: this one has not locked it.
    """
    locked = transaction.all(
        _SQL["lock_accounts"],
        bureau_id=chunk.bureau_id,
        section_no=chunk.section_no,
        first_account_id=chunk.first_account_id,
        last_account_id=chunk.last_account_id,
        month=chunk.month.first_day,
    )
    rows = transaction.all(
        _SQL["bases_of_chunk"],
        bureau_id=chunk.bureau_id,
        account_ids=[account_id for (account_id,) in locked],
        month=chunk.month.first_day,
        year_starts=chunk.month.first_day.replace(month=1),
        next_month=chunk.month.next.first_day,
        starts_at=chunk.month.starts_at,
        ends_at=chunk.month.ends_at,
    )
    return [_basis(row) for row in rows]


def finish(
    transaction: Transaction,
    *,
    chunk: Chunk,
    tally: Tally,
    failures: Sequence[tuple[int, Refusal]],
    now: datetime,
) -> None:
    """Record that a chunk is billed, with the accounts (by id) that could not be."""
    if failures:
        transaction.run(
            _SQL["record_failures"],
            bill_run_id=chunk.bill_run_id,
            bureau_id=chunk.bureau_id,
            account_ids=[account_id for account_id, _ in failures],
            codes=[refusal.code for _, refusal in failures],
            details=[refusal.detail for _, refusal in failures],
        )
    transaction.run(
        _SQL["finish_chunk"],
        bill_run_id=chunk.bill_run_id,
        chunk=chunk.chunk,
        done_at=now,
        billed=tally.billed,
        failed=sum(tally.failed.values()),
        amount_fen=tally.amount_fen,
    )


def oldest_unfinished(transaction: Transaction) -> datetime | None:
    """Return when the oldest run that still has chunks to bill was asked for."""
    found = transaction.one(_SQL["oldest_unfinished"])
    return found[0] if found else None


def _basis(row: Row) -> Basis:
    last_billed: date | None = row[9]
    return Basis(
        account_id=row[0],
        account_no=row[1],
        category=row[2],
        opened_on=row[3],
        digits=row[4],
        decimals=row[5],
        multiplier=row[6],
        previous=Stand(row[7], row[8]),
        last_billed=Month.of(last_billed) if last_billed else None,
        reading=Stand(row[10], row[11]) if row[10] else None,
        roll_overs=row[12],
        before_kwh=row[13],
        persons=row[14] or 1,
        subsidy=row[15] or "none",
        serial=row[16],
        used_before=Use(row[18], row[19]) if row[17] == BILLS_COMPARED else None,
        accepted=frozenset(_accepted(each) for each in row[20] or ()),
        estimated_kwh=row[21],
    )


def _accepted(text: str) -> tuple[str, int]:
    code, _, kwh = text.partition(" ")
    return code, int(kwh)
