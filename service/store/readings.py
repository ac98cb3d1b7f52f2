"""Readings in the database: `reading`, with the newest of each meter in `meter_state`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec

from service.domain.meters import Register
from service.domain.reading_checks import BILLS_COMPARED, Use
from service.domain.reading_pasts import Past
from service.domain.readings import MeterState, Reading
from service.domain.registers import Counted
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("readings")
REGISTER_RULES = ("meter_register_known_to_all", "meter_register_period_check")
"""What keeps registers away while some program of an upgrade knows nothing of them."""


def lock_meters(transaction: Transaction, account_nos: Iterable[str]) -> dict[str, MeterState]:
    """
    Return the meters of accounts by account number, locked until the transaction ends.

    An account that the transaction does not see is left out.
    """
    wanted = set(account_nos)
    states = _locked(transaction, wanted)
    # A meter that was exchanged while its lock was waited for; another look finds the new one.
    missing = wanted - states.keys()
    return states | _locked(transaction, missing) if missing else states


def _locked(transaction: Transaction, account_nos: Iterable[str]) -> dict[str, MeterState]:
    rows = transaction.all(_SQL["lock_meters"], account_nos=list(account_nos))
    by_period = _by_period(transaction, {row[2]: row[5] for row in rows if row[8]})
    return {
        row[0]: MeterState(
            bureau_id=row[1],
            meter_id=row[2],
            shape=Register(row[3], row[4]),
            read_at=row[5],
            register=row[6],
            is_estimated=row[7],
            periods=by_period.get(row[2], {}),
        )
        for row in rows
    }


def _by_period(
    transaction: Transaction, read_at: Mapping[int, datetime]
) -> dict[int, dict[Counted, Decimal]]:
    """Return what other registers showed last, of locked meters (by id) that have any."""
    found: dict[int, dict[Counted, Decimal]] = defaultdict(dict)
    if read_at:
        rows = transaction.all(
            _SQL["registers_of_meters"], meter_ids=list(read_at), read_at=list(read_at.values())
        )
        for meter_id, period, register in rows:
            found[meter_id][period] = register
    return found


def pasts(transaction: Transaction, account_nos: Collection[str]) -> dict[str, Past]:
    """Return what readings are compared with, of those accounts that have bills enough for it."""
    if not account_nos:
        return {}
    rows = transaction.all(
        _SQL["pasts"], account_nos=list(account_nos), bills_compared=BILLS_COMPARED
    )
    return {
        row[0]: Past(
            multiplier=row[1],
            read_at=row[2],
            register=row[3],
            roll_overs=row[4],
            used=Use(row[5], row[6]),
        )
        for row in rows
    }


def lock_meter(transaction: Transaction, account_no: str) -> None:
    """Lock what the account's meter shows until the transaction ends: no reading comes between."""
    transaction.run(_SQL["lock_meter"], account_no=account_no)


def account_is_there(transaction: Transaction, account_no: str) -> bool:
    """Tell if the transaction sees the account."""
    return transaction.one(_SQL["account_is_there"], account_no=account_no) is not None


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
