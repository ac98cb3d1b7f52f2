"""Bill cancellations in the database: who asked, who decided, the mirror."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain import cursors
from service.domain.bill_cancellations import (
    BillCancellation,
    BillStanding,
    CancellationEvent,
    CancellationPage,
    CancellationSummary,
    CancellationUnknown,
    Step,
)
from service.domain.bill_numbers import BillUnknown, parts_of_number
from service.domain.months import Month
from service.store import account_locks, queries
from service.store.transaction import Transaction

_SQL = queries.load("bill_cancellations")
_AFTER_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Held:
    """A bill whose account is locked until the transaction ends."""

    bureau_id: int
    account_id: int
    category: str
    standing: BillStanding


def hold(transaction: Transaction, bill_no: str) -> Held:
    """
    Lock the account of a bill; return how the bill stands.

    :raises BillUnknown: if no bill the caller may see has this number
    """
    month, account_no, serial = parts_of_number(bill_no)
    account_locks.lock(transaction, account_no)
    found = transaction.one(
        _SQL["standing"], account_no=account_no, month=month.first_day, serial=serial
    )
    if found is None:
        raise BillUnknown(f"no bill {bill_no}")
    bureau_id, account_id, category, is_in_force, newest_billed, pending, is_corrected = found
    standing = BillStanding(
        bill_no=bill_no,
        month=month,
        serial=serial,
        is_in_force=is_in_force,
        newest_billed=Month.of(newest_billed) if newest_billed else None,
        pending=pending,
        is_corrected=is_corrected,
    )
    return Held(bureau_id, account_id, category, standing)


def add(transaction: Transaction, held: Held) -> int:
    """Record that a bill is to be cancelled; return the number of the cancellation."""
    bill_no = held.standing.bill_no
    month, _, serial = parts_of_number(bill_no)
    added = transaction.one(
        _SQL["add_cancellation"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        month=month.first_day,
        serial=serial,
        bill_no=bill_no,
    )
    assert added is not None, "an INSERT of one row returns it"
    cancellation_no: int = added[0]
    return cancellation_no


def record(
    transaction: Transaction,
    *,
    cancellation_no: int,
    step: Step,
    principal_id: int,
    reason: str,
    now: datetime,
) -> None:
    """Record a step of a cancellation; `cancel` records its own."""
    transaction.run(
        _SQL["add_event"],
        cancellation_no=cancellation_no,
        step=step,
        principal_id=principal_id,
        happened_at=now,
        reason=reason,
    )


def cancel(
    transaction: Transaction, *, cancellation_no: int, principal_id: int, now: datetime
) -> tuple[str, int]:
    """
    Cancel a bill by its mirror.

    Return the mirror's number, and what was paid of the bill, in fen, which is paid ahead now.
    """
    cancelled = transaction.one(
        _SQL["cancel"], cancellation_no=cancellation_no, principal_id=principal_id, happened_at=now
    )
    assert cancelled is not None, "a function that answers has one row"
    mirror_no, paid_fen = cancelled
    return mirror_no, paid_fen


def by_no(transaction: Transaction, cancellation_no: int) -> BillCancellation:
    """
    Return a cancellation with its steps.

    :raises CancellationUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(_SQL["cancellation_by_no"], cancellation_no=cancellation_no)
    if found is None:
        raise CancellationUnknown(f"no bill cancellation {cancellation_no}")
    rows = transaction.all(_SQL["events_of_cancellation"], cancellation_no=cancellation_no)
    events = tuple(
        CancellationEvent(step=step, done_by=by, happened_at=at, reason=reason)
        for step, by, at, reason, _ in rows
    )
    return BillCancellation(
        cancellation_no=cancellation_no,
        state=events[-1].step,
        bill_no=found[0],
        amount_fen=found[1],
        mirror_bill_no=rows[-1][4],
        events=events,
    )


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> CancellationPage:
    """
    Return up to `limit` cancellations, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else _AFTER_ALL
    rows = transaction.all(_SQL["cancellations_before"], before_no=before_no, limit=limit + 1)
    is_more = len(rows) > limit
    return CancellationPage(
        items=[
            CancellationSummary(
                cancellation_no=number, state=state, bill_no=bill_no, amount_fen=amount_fen
            )
            for number, state, bill_no, amount_fen in rows[:limit]
        ],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )
