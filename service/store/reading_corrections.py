"""Reading corrections in the database: who asked, who decided, what is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from service.domain import cursors
from service.domain.accounts import AccountUnknown
from service.domain.correction_details import (
    CorrectionEvent,
    CorrectionPage,
    CorrectionSummary,
    CorrectionUnknown,
    PeriodCorrection,
    ReadingCorrection,
    ReadingPage,
    ShownReading,
    Step,
)
from service.domain.meters import Register, shown
from service.domain.reading_corrections import (
    Corrected,
    NextReading,
    PeriodStanding,
    ReadingStanding,
    ReadingUnknown,
)
from service.store import account_locks, queries
from service.store.readings import account_is_there, lock_meter
from service.store.transaction import Transaction

_SQL = queries.load("reading_corrections")
_AFTER_ALL = 2**63 - 1
_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Held:
    """A reading whose account and meter are locked until the transaction ends."""

    bureau_id: int
    meter_id: int
    standing: ReadingStanding


def hold(transaction: Transaction, account_no: str, read_at: datetime) -> Held:
    """
    Lock the account with its meter; return how the reading stands.

    :raises ReadingUnknown: if none was taken then that the caller may see
    """
    at = _known_moment(read_at)
    account_locks.lock(transaction, account_no)
    lock_meter(transaction, account_no)
    found = transaction.one(_SQL["standing"], account_no=account_no, read_at=at)
    if found is None:
        raise ReadingUnknown(f"no reading of {account_no} at {read_at.isoformat()}")
    bureau_id, meter_id, digits, decimals, at, register, rolled_over, previous, *rest = found
    next_register, next_rolled_over, billed_until, pending = rest
    following = None
    if next_register is not None:
        following = NextReading(register=next_register, rolled_over=next_rolled_over)
    standing = ReadingStanding(
        read_at=at,
        shape=Register(digits, decimals),
        register=register,
        rolled_over=rolled_over,
        previous=previous,
        next=following,
        billed_until=billed_until,
        pending=pending,
        periods=_by_period(transaction, bureau_id=bureau_id, meter_id=meter_id, read_at=at),
    )
    return Held(bureau_id, meter_id, standing)


def _by_period(
    transaction: Transaction, *, bureau_id: int, meter_id: int, read_at: datetime
) -> tuple[PeriodStanding, ...]:
    rows = transaction.all(
        _SQL["standing_by_period"], bureau_id=bureau_id, meter_id=meter_id, read_at=read_at
    )
    return tuple(
        PeriodStanding(
            period=period,
            register=register,
            rolled_over=rolled_over,
            previous=previous,
            next=None
            if next_register is None
            else NextReading(register=next_register, rolled_over=next_rolled_over),
        )
        for period, register, rolled_over, previous, next_register, next_rolled_over in rows
    )


def add(transaction: Transaction, held: Held, corrected: Corrected, *, is_confirmed: bool) -> int:
    """Record what a reading shall say; return the number of the correction."""
    pairs = zip(held.standing.periods, corrected.periods, strict=True)
    misread = [
        PeriodCorrection(
            period=to.period,
            register_before=shown(at.register),
            register=shown(to.register),
            rolled_over=to.rolled_over,
        )
        for at, to in pairs
        if at.register != to.register
    ]
    added = transaction.one(
        _SQL["add_correction"],
        bureau_id=held.bureau_id,
        meter_id=held.meter_id,
        read_at=held.standing.read_at,
        register_before=held.standing.register,
        register=corrected.register,
        rolled_over=corrected.rolled_over,
        is_confirmed=is_confirmed,
        periods=msgspec.json.encode(misread).decode(),
    )
    assert added is not None, "an INSERT of one row returns it"
    correction_no: int = added[0]
    return correction_no


def record(
    transaction: Transaction,
    *,
    correction_no: int,
    step: Step,
    principal_id: int,
    reason: str,
    now: datetime,
) -> None:
    """Record a step of a correction; `correct` records its own."""
    transaction.run(
        _SQL["add_event"],
        correction_no=correction_no,
        step=step,
        principal_id=principal_id,
        happened_at=now,
        reason=reason,
    )


def correct(
    transaction: Transaction, *, correction_no: int, principal_id: int, now: datetime
) -> None:
    """Let what a correction says be in force."""
    transaction.run(
        _SQL["correct"], correction_no=correction_no, principal_id=principal_id, happened_at=now
    )


def by_no(transaction: Transaction, correction_no: int) -> ReadingCorrection:
    """
    Return a correction with its steps.

    :raises CorrectionUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(_SQL["correction_by_no"], correction_no=correction_no)
    if found is None:
        raise CorrectionUnknown(f"no reading correction {correction_no}")
    account_no, read_at, register_before, register, rolled_over, is_confirmed, periods = found
    rows = transaction.all(_SQL["events_of_correction"], correction_no=correction_no)
    events = tuple(
        CorrectionEvent(step=step, done_by=by, happened_at=at, reason=reason)
        for step, by, at, reason in rows
    )
    return ReadingCorrection(
        correction_no=correction_no,
        state=events[-1].step,
        account_no=account_no,
        read_at=read_at,
        register_before=shown(register_before),
        register=shown(register),
        rolled_over=rolled_over,
        is_roll_over_confirmed=is_confirmed,
        periods=msgspec.convert(periods, tuple[PeriodCorrection, ...]),
        events=events,
    )


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> CorrectionPage:
    """
    Return up to `limit` corrections, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else _AFTER_ALL
    rows = transaction.all(_SQL["corrections_before"], before_no=before_no, limit=limit + 1)
    is_more = len(rows) > limit
    return CorrectionPage(
        items=[
            CorrectionSummary(
                correction_no=number,
                state=state,
                account_no=account_no,
                read_at=read_at,
                register=shown(register),
            )
            for number, state, account_no, read_at, register in rows[:limit]
        ],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def readings_page(
    transaction: Transaction, account_no: str, *, limit: int, cursor: str | None
) -> ReadingPage:
    """
    Return up to `limit` readings of an account, the newest first, from `cursor` on.

    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    before = cursors.decode(cursor, datetime)[0] if cursor else _EVER
    if not account_is_there(transaction, account_no):
        raise AccountUnknown(f"no account {account_no}")
    rows = transaction.all(
        _SQL["readings_before"], account_no=account_no, before=before, limit=limit + 1
    )
    is_more = len(rows) > limit
    return ReadingPage(
        items=[
            ShownReading(
                read_at=read_at,
                register=shown(register),
                rolled_over=rolled_over,
                source=source,
                first_register=None if first is None else shown(first),
                asset_no=asset_no,
                periods=periods or {},
            )
            for read_at, register, rolled_over, source, first, asset_no, periods in rows[:limit]
        ],
        next_cursor=cursors.encode((rows[limit - 1][0].astimezone(UTC),)) if is_more else None,
    )


def _known_moment(read_at: datetime) -> datetime:
    """
    Return `read_at` as told from UTC: PostgreSQL reads no offset of 16 h or more.

    :raises ReadingUnknown: if it lies before or after all that can be told
    """
    try:
        return read_at.astimezone(UTC)
    except OverflowError as error:
        raise ReadingUnknown(f"no reading at {read_at.isoformat()}") from error
