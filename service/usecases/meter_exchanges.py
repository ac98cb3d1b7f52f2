"""What the business does when a meter is exchanged."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from service.domain.accounts import known_no
from service.domain.idempotency import Answer, Once
from service.domain.meter_exchanges import HungMeters, NewExchange, exchanged
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import account_locks, readings
from service.store import meter_exchanges as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def exchange_meter(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    new: NewExchange,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record that an account's meter was exchanged; answer with all its meters.

    What the old one measured since the newest bill is part of the next one.

    :raises RoleForbidden: if the caller does not exchange meters
    :raises AccountUnknown: if no account the caller may see has the number
    :raises AssetTaken: if the new meter hangs somewhere
    :raises Refusal: whatever `exchanged` refuses
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "meters.exchange")
    account_no = known_no(new.account_no)

    def work(transaction: Transaction) -> Answer:
        _exchange(transaction, new, by=caller, now=now)
        return Answer(
            status=201, body=msgspec.json.encode(store.of_account(transaction, account_no))
        )

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _exchange(transaction: Transaction, new: NewExchange, *, by: Caller, now: datetime) -> None:
    account_locks.lock(transaction, new.account_no)
    state = readings.lock_meters(transaction, [new.account_no]).get(new.account_no)
    exchange = exchanged(new, state, now=now, open_from=readings.open_from(transaction))
    assert state is not None, "a meter that nobody sees was refused"
    final = exchange.final
    readings.keep(
        transaction,
        readings=[final],
        states=[replace(state, read_at=final.read_at, register=final.register)],
        principal_id=by.principal_id,
        now=now,
    )
    store.hang(transaction, new=new, exchange=exchange, principal_id=by.principal_id, now=now)


def meters_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> HungMeters:
    """
    Return every meter an account has had, the newest first.

    :raises RoleForbidden: if the caller does not see readings
    :raises AccountUnknown: if no account the caller may see has the number
    """
    check(caller, "readings.read")
    return database.read(
        lambda transaction: store.of_account(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )
