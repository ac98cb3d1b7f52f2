"""Energy corrections in the database: what was asked for, who decided, the bills that follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.domain.accounts import AccountUnknown
from service.domain.bill_bases import first_month
from service.domain.bill_quantities import days_between
from service.domain.bills import household_of
from service.domain.correction_sheets import BillToCorrect, Sheet, Spell
from service.domain.energy_corrections import Cause, CorrectionStanding, Step
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.months import BUSINESS_TIME, Month, months_between
from service.store import account_locks, correction_lines, queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("energy_corrections")


@dataclass(frozen=True, slots=True)
class Held:
    """An account that is locked until the transaction ends."""

    bureau_id: int
    account_id: int
    category: str
    opened_on: date
    standing: CorrectionStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a correction is about, whose energy counts on the days of `spell`."""

    cause: Cause
    fact: Decimal | None
    reverses_no: int | None
    since: date
    spell: Spell


def hold(
    transaction: Transaction, account_no: str, *, since: date, until: date, now: datetime
) -> Held:
    """
    Lock an account; return how a correction of these days would stand.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account_locks.lock(transaction, account_no)
    found = transaction.one(
        _SQL["standing"], account_no=account_no, since=since, until=until, now=now
    )
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    bureau_id, account_id, category, opened_on, pending, overlapping, moved_fen = found
    standing = CorrectionStanding(pending=pending, overlapping=overlapping, moved_fen=moved_fen)
    return Held(bureau_id, account_id, category, opened_on, standing)


def bills_to_correct(transaction: Transaction, held: Held, spell: Spell) -> list[BillToCorrect]:
    """Return the bills in force that may share one of the days, the oldest first."""
    since, until = (datetime(day.year, day.month, day.day, tzinfo=BUSINESS_TIME) for day in spell)
    rows = transaction.all(
        _SQL["bills_to_correct"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        category=held.category,
        since=since,
        until=until,
    )
    return [_bill_to_correct(row, opened_on=held.opened_on) for row in rows]


def add(transaction: Transaction, held: Held, asked: Asked, sheet: Sheet) -> int:
    """
    Record what is to be corrected, with its calculation; return its number.

    :raises UpgradeUnderWay: while some program does not know yet what it means
    """
    transaction.on_conflict(
        "energy_correction_upgrade_check", UpgradeUnderWay("the release is not whole yet")
    )
    added = transaction.one(
        _SQL["add_correction"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        cause=asked.cause,
        fact=asked.fact,
        reverses_no=asked.reverses_no,
        since=asked.since,
        counts_from=asked.spell.first,
        until=asked.spell.last,
        calculation=sheet.calculation,
        base_kwh=sheet.base_kwh,
        kwh=sheet.kwh,
    )
    assert added is not None, "an INSERT of one row returns it"
    number: int = added[0]
    transaction.run(
        _SQL["add_bills"],
        correction_no=number,
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        months=[item.bill.month.first_day for item in sheet.items],
        serials=[item.bill.serial for item in sheet.items],
        days=[item.days for item in sheet.items],
        base_kwhs=[item.base_kwh for item in sheet.items],
        kwhs=[item.kwh for item in sheet.items],
        amounts_fen=[item.amount_fen for item in sheet.items],
        lines=[correction_lines.to_text(item.lines) for item in sheet.items],
    )
    return number


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
    transaction: Transaction,
    *,
    correction_no: int,
    principal_id: int,
    due_on: date,
    now: datetime,
) -> list[tuple[str, int]]:
    """Issue the bills of a correction; return each one's number and amount in fen, by month."""
    rows = transaction.all(
        _SQL["correct"],
        correction_no=correction_no,
        principal_id=principal_id,
        due_on=due_on,
        happened_at=now,
    )
    return [(bill_no, amount_fen) for bill_no, amount_fen in rows]


def _bill_to_correct(row: Row, *, opened_on: date) -> BillToCorrect:
    bill_no, first_day, serial, last_serial, previous_read_at, read_at, multiplier = row[:7]
    read_kwh, billed_kwh, newest_before, year_kwh, year_fen, closed_in, persons, subsidy = row[7:15]
    percent, has_parts, has_exchange = row[15:]
    month = Month.of(first_day)
    last_billed = Month.of(newest_before) if newest_before else None
    begins_on, ends_on = days_between(previous_read_at, read_at)
    return BillToCorrect(
        bill_no=bill_no,
        month=month,
        serial=serial,
        last_serial=last_serial,
        begins_on=begins_on,
        ends_on=ends_on,
        multiplier=multiplier,
        read_kwh=read_kwh,
        billed_kwh=billed_kwh,
        year_fen=year_fen,
        household=household_of(
            month=month,
            months=months_between(
                first_month(last_billed, previous_read_at=previous_read_at), month
            ),
            opened_on=opened_on,
            before_kwh=year_kwh - billed_kwh,
            persons=persons or 1,
            subsidy=subsidy or "none",
            closed_in=Month.of(closed_in) if closed_in else None,
        ),
        percent=percent,
        has_parts=has_parts,
        has_exchange=has_exchange,
    )
