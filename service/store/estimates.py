"""Estimates in the database: a reading that the service made itself, with what it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from service.domain import cursors
from service.domain.accounts import AccountUnknown
from service.domain.estimates import (
    BasisBill,
    Billed,
    Estimate,
    Estimated,
    EstimatePage,
    EstimateStanding,
)
from service.domain.meters import Register, shown
from service.domain.months import Month, months_between
from service.store import account_locks, queries
from service.store.readings import account_is_there, lock_meter
from service.store.transaction import Transaction

_SQL = queries.load("estimates")
# A trend needs sixteen months; one more says how many months the last of them is about.
_BILLS_READ = 17
_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HeldMeter:
    """A meter that is locked, with its account, until the transaction ends."""

    bureau_id: int
    meter_id: int
    standing: EstimateStanding


def hold(transaction: Transaction, account_no: str) -> HeldMeter:
    """
    Lock the account with its meter; return what an estimate is made from.

    :raises AccountUnknown: if no account the caller may see has the number
    """
    account_locks.lock(transaction, account_no)
    lock_meter(transaction, account_no)
    found = transaction.one(_SQL["standing"], account_no=account_no)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    bureau_id, account_id, meter_id, digits, decimals, multiplier, installed_at, *rest = found
    read_at, register, in_a_row, billed_until, is_exchanged, counts_by_period = rest
    rows = transaction.all(
        _SQL["history"], bureau_id=bureau_id, account_id=account_id, limit=_BILLS_READ
    )
    first = Month.at(installed_at)
    standing = EstimateStanding(
        shape=Register(digits, decimals),
        multiplier=multiplier,
        read_at=read_at,
        register=register,
        in_a_row=in_a_row,
        billed_until=billed_until,
        history=tuple(_history(rows, first)),
        is_exchanged=is_exchanged,
        counts_by_period=counts_by_period,
    )
    return HeldMeter(bureau_id, meter_id, standing)


def keep(
    transaction: Transaction,
    held: HeldMeter,
    estimated: Estimated,
    *,
    month: Month,
    reason: str,
    principal_id: int,
    now: datetime,
) -> None:
    """Keep an estimate as the meter's newest reading."""
    basis = [BasisBill(month=str(b.month), months=b.months, kwh=b.kwh) for b in estimated.basis]
    transaction.run(
        _SQL["keep_estimate"],
        bureau_id=held.bureau_id,
        meter_id=held.meter_id,
        read_at=estimated.read_at,
        register=estimated.register,
        rolled_over=estimated.rolled_over,
        month=month.first_day,
        kwh=estimated.kwh,
        method=estimated.method,
        basis=msgspec.json.encode(basis).decode(),
        reason=reason,
        principal_id=principal_id,
        now=now,
    )


def page(
    transaction: Transaction, account_no: str, *, limit: int, cursor: str | None
) -> EstimatePage:
    """
    Return up to `limit` estimates of an account, the newest first, from `cursor` on.

    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    before = cursors.decode(cursor, datetime)[0] if cursor else _EVER
    if not account_is_there(transaction, account_no):
        raise AccountUnknown(f"no account {account_no}")
    rows = transaction.all(
        _SQL["estimates_before"], account_no=account_no, before=before, limit=limit + 1
    )
    is_more = len(rows) > limit
    items = [
        Estimate(
            account_no=account_no,
            month=str(Month.of(month)),
            read_at=read_at,
            register=shown(register),
            consumption_kwh=kwh,
            method=method,
            basis=msgspec.json.decode(basis, type=tuple[BasisBill, ...]),
            reason=reason,
            made_by=made_by,
            made_at=made_at,
        )
        for month, read_at, register, kwh, method, basis, reason, made_by, made_at in rows[:limit]
    ]
    last = items[-1].read_at.astimezone(UTC) if is_more else None
    return EstimatePage(items=items, next_cursor=cursors.encode((last,)) if last else None)


def _history(rows: list[tuple[date, int]], first: Month) -> Iterable[Billed]:
    """Yield each bill with how many months it is about, since the one before or since `first`."""
    months = [Month.of(month) for month, _ in rows]
    is_whole = len(rows) < _BILLS_READ
    for at, (month, (_, kwh)) in enumerate(zip(months, rows, strict=True)):
        if at + 1 < len(months):
            yield Billed(month, months_between(months[at + 1].next, month), kwh)
        elif is_whole:
            yield Billed(month, months_between(first, month), kwh)
