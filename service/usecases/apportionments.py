"""What the business does with energy that is billed at the prices of another category."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from service.domain.apportionments import (
    Apportionment,
    RecordedApportionments,
    check_apportionment,
)
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import apportionments as store
from service.store.database import Database
from service.usecases import terms


def record_apportionment(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    account_no: str,
    apportionment: Apportionment,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record which parts of an account's energy are billed otherwise; answer with all there were.

    :raises RoleForbidden: if the caller does not record apportionments
    :raises MonthMalformed: if the month is none
    :raises AccountUnknown: if no account the caller may see has the number
    :raises Refusal: as `apportionments.check_apportionment` says
    :raises UpgradeUnderWay: while some program does not know yet what it means
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "apportionments.record")
    return terms.record(
        database=database,
        caller=caller,
        once=once,
        account_no=account_no,
        from_month=apportionment.from_month,
        judge=lambda month, standing: check_apportionment(apportionment, month, standing),
        add=partial(
            store.add, apportionment=apportionment, principal_id=caller.principal_id, now=now
        ),
        told=store.of_account,
        now=now,
        deadline=deadline,
    )


def apportionments_of_account(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> RecordedApportionments:
    """
    Return every apportionment of an account, the newest first.

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
