"""Equipment in the database: `equipment` with `equipment_change`, append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from service.domain.accounts import AccountUnknown
from service.domain.equipment import (
    EquipmentOfAccount,
    EquipmentStanding,
    NewChange,
    NewEquipment,
    RecordedChange,
    RecordedEquipment,
)
from service.domain.months import Month, business_date
from service.domain.supplies import Change
from service.store import account_locks, queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("equipment")


@dataclass(frozen=True, slots=True)
class HeldEquipment:
    """Equipment of an account that is locked until the transaction ends, known or not."""

    bureau_id: int
    account_id: int
    equipment_no: str
    standing: EquipmentStanding


def hold(
    transaction: Transaction, account_no: str, equipment_no: str, *, now: datetime
) -> HeldEquipment:
    """
    Lock an account; return what a change of its equipment is judged by.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account_locks.lock(transaction, account_no)
    names = {"account_no": account_no, "equipment_no": equipment_no}
    found = transaction.one(_SQL["standing"], **names)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    bureau_id, account_id, category, newest_billed, changes, closed_at = found
    standing = EquipmentStanding(
        today=business_date(now),
        category=category,
        newest_billed=Month.of(newest_billed) if newest_billed else None,
        changes=[
            Change(date.fromisoformat(from_day), condition) for from_day, condition in changes or ()
        ],
        closed_at=closed_at,
    )
    return HeldEquipment(bureau_id, account_id, equipment_no, standing)


def add(transaction: Transaction, *, held: HeldEquipment, new: NewEquipment) -> None:
    """Record equipment of a held account; `change` says since when it runs."""
    transaction.run(
        _SQL["add_equipment"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        equipment_no=new.equipment_no,
        kind=new.kind,
        capacity_kva=new.capacity_kva,
        no_load_kw=new.no_load_kw,
        load_kw=new.load_kw,
        no_load_percent=new.no_load_percent,
        short_circuit_percent=new.short_circuit_percent,
    )


def change(
    transaction: Transaction,
    *,
    held: HeldEquipment,
    new: NewChange,
    principal_id: int,
    now: datetime,
) -> None:
    """Record a change of a held piece of equipment."""
    transaction.run(
        _SQL["add_change"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        equipment_no=held.equipment_no,
        from_day=new.from_day,
        condition=new.condition,
        document_no=new.document_no,
        principal_id=principal_id,
        recorded_at=now,
    )


def of_account(transaction: Transaction, account_no: str) -> EquipmentOfAccount:
    """
    Return the equipment of an account, by number.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if account is None:
        raise AccountUnknown(f"no account {account_no}")
    names = {"bureau_id": account[0], "account_id": account[1]}
    rows = transaction.all(_SQL["equipment_of_account"], **names)
    return EquipmentOfAccount(account_no=account_no, items=tuple(map(_equipment, rows)))


def _equipment(row: Row) -> RecordedEquipment:
    number, kind, capacity_kva, no_load_kw, load_kw, no_load, short_circuit, changes = row
    return RecordedEquipment(
        equipment_no=number,
        kind=kind,
        capacity_kva=capacity_kva,
        no_load_kw=no_load_kw,
        load_kw=load_kw,
        no_load_percent=no_load,
        short_circuit_percent=short_circuit,
        changes=msgspec.convert(changes, tuple[RecordedChange, ...]),
    )
