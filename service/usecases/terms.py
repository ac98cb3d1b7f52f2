"""Terms: what is agreed with an account, or known of it, from a month on, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from service.domain.accounts import known_no
from service.domain.household_terms import Standing
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store.database import Database
from service.store.household_terms import Held, hold
from service.store.transaction import Transaction
from service.usecases.once import answer_once

Told = TypeVar("Told")


class Add(Protocol):
    """Records a term of an account that is locked."""

    def __call__(self, transaction: Transaction, *, held: Held, month: Month) -> None:
        """Record it from `month` on."""


def record(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    from_month: str,
    judge: Callable[[Month, Standing], None],
    add: Add,
    told: Callable[[Transaction, str], object],
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record what `judge` lets pass by `add`, while the account is locked; answer with all of `told`.

    :raises MonthMalformed: if the month is none
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `judge` says
    :raises KeyReused: if the key came with a different request before
    """
    month = Month.parse(from_month)

    def work(transaction: Transaction) -> Answer:
        held = hold(transaction, known_no(account_no))
        judge(month, held.standing)
        add(transaction, held=held, month=month)
        body = msgspec.json.encode(told(transaction, account_no))
        return Answer(status=201, body=body, headers={})

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def of_account(
    *,
    database: Database,
    caller: Caller,
    account_no: str,
    told: Callable[[Transaction, str], Told],
    deadline: float,
) -> Told:
    """
    Return what is `told` of an account.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    """
    check(caller, "accounts.read")
    return database.read(
        lambda transaction: told(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )
