"""Readings in the database: `reading`, with the newest of each meter in `meter_state`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from service.domain.meters import Register
from service.domain.readings import MeterState, Reading
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("readings")


def lock_meters(transaction: Transaction, account_nos: Iterable[str]) -> dict[str, MeterState]:
    """
    Return the meters of accounts by account number, locked until the transaction ends.

    An account that the transaction does not see is left out.
    """
    rows = transaction.all(_SQL["lock_meters"], account_nos=list(account_nos))
    return {
        account_no: MeterState(
            bureau_id=bureau_id,
            meter_id=meter_id,
            shape=Register(digits, decimals),
            read_at=read_at,
            register=register,
        )
        for account_no, bureau_id, meter_id, digits, decimals, read_at, register in rows
    }


def open_from(transaction: Transaction) -> date:
    """Return the first day whose readings can be kept."""
    row = transaction.one(_SQL["readings_open_from"])
    assert row is not None, "an aggregate has one row"
    day: date = row[0]
    return day


def keep(
    transaction: Transaction,
    *,
    readings: Iterable[Reading],
    states: Iterable[MeterState],
    principal_id: int,
    now: datetime,
) -> None:
    """Keep readings of locked meters, whose newest are `states`."""
    transaction.run(
        _SQL["keep_readings"],
        readings=msgspec.json.encode(list(readings)).decode(),
        states=msgspec.json.encode(list(states)).decode(),
        principal_id=principal_id,
        now=now,
    )
