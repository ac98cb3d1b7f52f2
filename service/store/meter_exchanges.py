"""Meter exchanges in the database: `meter`, removed once, beside `meter_exchange`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain.account_imports import AssetTaken
from service.domain.accounts import AccountUnknown
from service.domain.meter_exchanges import (
    Exchange,
    HungMeter,
    HungMeters,
    NewExchange,
    PeriodRegister,
    UpgradeUnderWay,
)
from service.domain.readings import Reading
from service.store import queries
from service.store.readings import REGISTER_RULES
from service.store.transaction import Row, Transaction

_SQL = queries.load("meter_exchanges")


def hang(
    transaction: Transaction,
    *,
    new: NewExchange,
    exchange: Exchange,
    principal_id: int,
    now: datetime,
) -> None:
    """
    Let a new meter measure the account of a locked one, whose last reading is kept already.

    :raises AssetTaken: if the new one hangs somewhere; then the transaction has to be undone
    :raises UpgradeUnderWay: as long as programs run that know less of meters
    """
    for rule in ("bureau_id_account_id", *REGISTER_RULES):
        transaction.on_conflict(rule, UpgradeUnderWay("the release is not whole yet"))
    remove(transaction, exchange.final)
    hung = transaction.one(
        _SQL["hang_meter"],
        asset_no=new.meter.asset_no,
        digits=new.meter.digits,
        decimals=new.meter.decimals,
        multiplier=new.meter.multiplier,
        installed_at=exchange.final.read_at,
        initial_register=exchange.initial_register,
        work_order_no=new.work_order_no,
        reason=new.reason,
        periods=msgspec.json.encode(new.meter.periods).decode(),
        principal_id=principal_id,
        now=now,
        bureau_id=exchange.final.bureau_id,
        removed_id=exchange.final.meter_id,
    )
    if hung is None:
        raise AssetTaken(f"asset is {new.meter.asset_no}")


def remove(transaction: Transaction, final: Reading) -> None:
    """Let the meter of a locked account measure no more, which `final` was the last reading of."""
    transaction.run(
        _SQL["remove_meter"],
        bureau_id=final.bureau_id,
        removed_id=final.meter_id,
        removed_at=final.read_at,
    )


def of_account(transaction: Transaction, account_no: str) -> HungMeters:
    """
    Return every meter an account has had, the newest first.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    rows = transaction.all(_SQL["meters_of_account"], account_no=account_no)
    if not rows:
        raise AccountUnknown(f"no account {account_no}")
    return HungMeters(account_no=account_no, items=tuple(map(_meter, rows)))


def _meter(row: Row) -> HungMeter:
    return HungMeter(
        asset_no=row[0],
        digits=row[1],
        decimals=row[2],
        multiplier=row[3],
        installed_at=row[4],
        initial_register=row[5],
        removed_at=row[6],
        final_register=row[7],
        work_order_no=row[8],
        reason=row[9],
        recorded_by=row[10],
        recorded_at=row[11],
        periods=msgspec.convert(row[12] or (), tuple[PeriodRegister, ...]),
    )
