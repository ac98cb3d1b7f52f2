"""What the business does with how customers of two parts are charged."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain.accounts import known_no
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.supply_terms import RecordedSupplyTerms, SupplyTerm, check_supply_term
from service.store import supply_terms as store
from service.store.database import Database
from service.store.household_terms import hold
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def record_supply_term(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    term: SupplyTerm,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record how an account is charged from a month on; answer with all its terms.

    :raises RoleForbidden: if the caller does not record terms
    :raises MonthMalformed: if the month is none
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `supply_terms.check_supply_term` says
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "supply_terms.record")
    month = Month.parse(term.from_month)

    def work(transaction: Transaction) -> Answer:
        held = hold(transaction, known_no(account_no))
        check_supply_term(term, month, held.standing)
        store.add(
            transaction,
            held=held,
            term=term,
            month=month,
            principal_id=caller.principal_id,
            now=now,
        )
        body = msgspec.json.encode(store.of_account(transaction, account_no))
        return Answer(status=201, body=body, headers={})

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def supply_terms_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> RecordedSupplyTerms:
    """
    Return every term of an account, the newest first.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    """
    check(caller, "accounts.read")
    return database.read(
        lambda transaction: store.of_account(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )
