"""What the business does when an account closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from service.domain.account_closings import AccountClosing, NewClosing, closed
from service.domain.accounts import known_no
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import account_closings as store
from service.store import readings
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def close_account(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    new: NewClosing,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record that an account's meter was removed for good; answer with the closing.

    What it measured since the newest bill is the last one's, which a run of the month makes. What
    is owed stays owed, what was paid ahead stays the customer's.

    :raises RoleForbidden: if the caller does not close accounts
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `account_closings.closed` says
    :raises UpgradeUnderWay, KeyReused: as everywhere
    """
    check(caller, "accounts.close")
    account_no = known_no(new.account_no)

    def work(transaction: Transaction) -> Answer:
        standing = store.hold(transaction, new)
        state = readings.lock_meters(transaction, [account_no]).get(account_no)
        final = closed(new, state, standing, now=now, open_from=readings.open_from(transaction))
        assert state is not None, "a meter that nobody sees was refused"
        readings.keep(
            transaction,
            readings=[final],
            states=[replace(state, read_at=final.read_at, register=final.register)],
            principal_id=caller.principal_id,
            now=now,
        )
        store.close(transaction, new=new, final=final, principal_id=caller.principal_id, now=now)
        body = msgspec.json.encode(store.of_account(transaction, account_no))
        return Answer(status=201, body=body, headers={})

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def closing_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> AccountClosing:
    """
    Return how an account was closed.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    :raises AccountOpen: if it was not closed
    """
    check(caller, "accounts.read")
    return database.read(
        lambda transaction: store.of_account(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )
