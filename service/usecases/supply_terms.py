"""What the business does with how customers of two parts are charged."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.supply_terms import RecordedSupplyTerms, SupplyTerm, check_supply_term
from service.store import supply_terms as store
from service.store.database import Database
from service.usecases import terms


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
    return terms.record(
        database=database,
        caller=caller,
        once=once,
        account_no=account_no,
        from_month=term.from_month,
        judge=lambda month, standing: check_supply_term(term, month, standing),
        add=partial(store.add, term=term, principal_id=caller.principal_id, now=now),
        told=store.of_account,
        now=now,
        deadline=deadline,
    )


def supply_terms_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> RecordedSupplyTerms:
    """
    Return every term of an account, the newest first.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    """
    return terms.of_account(
        database=database,
        caller=caller,
        account_no=account_no,
        told=store.of_account,
        deadline=deadline,
    )
