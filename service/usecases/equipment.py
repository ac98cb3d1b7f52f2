"""What the business does with customers' equipment."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain import equipment as rules
from service.domain.accounts import known_no
from service.domain.equipment import EquipmentOfAccount, NewChange, NewEquipment
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import equipment as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def install_equipment(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    new: NewEquipment,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record a transformer or a motor that runs from a day on; answer with all of the account's.

    :raises RoleForbidden: if the caller does not record equipment
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `equipment.check_new` says
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "equipment.record")

    def work(transaction: Transaction) -> Answer:
        held = store.hold(transaction, known_no(account_no), new.equipment_no, now=now)
        rules.check_new(new, held.standing)
        store.add(transaction, held=held, new=new)
        begins = NewChange(from_day=new.runs_from, condition="running", document_no=new.document_no)
        return _changed(transaction, held, begins, caller=caller, account_no=account_no, now=now)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def change_equipment(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    equipment_no: str,
    new: NewChange,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record that equipment is sealed, runs again, or is removed; answer with all of the account's.

    :raises RoleForbidden: if the caller does not record equipment
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `equipment.check_change` says
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "equipment.record")

    def work(transaction: Transaction) -> Answer:
        held = store.hold(transaction, known_no(account_no), equipment_no, now=now)
        rules.check_change(new, held.standing)
        return _changed(transaction, held, new, caller=caller, account_no=account_no, now=now)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def equipment_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> EquipmentOfAccount:
    """
    Return the equipment of an account, by number.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    """
    check(caller, "accounts.read")
    return database.read(
        lambda transaction: store.of_account(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )


def _changed(
    transaction: Transaction,
    held: store.HeldEquipment,
    new: NewChange,
    *,
    caller: Caller,
    account_no: str,
    now: datetime,
) -> Answer:
    store.change(transaction, held=held, new=new, principal_id=caller.principal_id, now=now)
    body = msgspec.json.encode(store.of_account(transaction, account_no))
    return Answer(status=201, body=body, headers={})
