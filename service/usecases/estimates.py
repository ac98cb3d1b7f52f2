"""How a month in which nobody read a meter gets its reading."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain import bill_runs
from service.domain.accounts import known_no
from service.domain.estimates import EstimatePage, estimated
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import estimates as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def make_estimate(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    month: Month,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Estimate what an account's meter showed as a month ended; it is the month's reading from now on.

    :raises RoleForbidden: if the caller does not estimate
    :raises MonthNotClosed: if the month is not over
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: whatever `estimated` refuses
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "estimates.make")
    bill_runs.check_closed(month=month, now=now)

    def work(transaction: Transaction) -> Answer:
        held = store.hold(transaction, known_no(account_no))
        made = estimated(held.standing, month=month, by=caller)
        store.keep(
            transaction,
            held,
            made,
            month=month,
            reason=reason,
            principal_id=caller.principal_id,
            now=now,
        )
        newest = store.page(transaction, account_no, limit=1, cursor=None).items[0]
        return Answer(status=201, body=msgspec.json.encode(newest))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def estimates_of_account(
    *,
    database: Database,
    caller: Caller,
    account_no: str,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> EstimatePage:
    """
    Return a page of an account's estimates, the newest first.

    :raises RoleForbidden: if the caller does not see readings
    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "readings.read")
    return database.read(
        lambda transaction: store.page(
            transaction, known_no(account_no), limit=limit, cursor=cursor
        ),
        scope=caller.scope,
        deadline=deadline,
    )
