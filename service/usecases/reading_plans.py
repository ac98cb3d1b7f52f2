"""What the utility does to have its meters read: plan a month, send readers, watch them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.reading_plans import (
    PlanPage,
    PlansMade,
    PlanUnknown,
    ReadingRound,
    check_running,
)
from service.store import reading_plans as store
from service.store import reading_sections
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.bureaus import check_bureau
from service.usecases.once import answer_once


def make_plans(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    bureau_id: int,
    month: Month,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Plan every section of a bureau for a month; what is planned already stays as it is.

    :raises RoleForbidden: if the caller does not plan readings
    :raises MonthOver: if the month has ended
    :raises MonthTooFar: if it is years ahead
    :raises BureauUnknown: if there is no such bureau, or the caller belongs to another
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_plans.manage")
    check_running(month=month, now=now)

    def work(transaction: Transaction) -> Answer:
        check_bureau(transaction, caller=caller, bureau_id=bureau_id)
        reading_sections.lock_routes(transaction, bureau_id=bureau_id)
        made = store.make(
            transaction,
            bureau_id=bureau_id,
            month=month,
            principal_id=caller.principal_id,
            now=now,
        )
        told = PlansMade(
            month=str(month),
            made=made,
            unrouted=store.unrouted(transaction, bureau_id=bureau_id, month=month),
        )
        return Answer(status=201, body=msgspec.json.encode(told))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def assign_reader(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    plan_no: int,
    reader: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Send a reader to a section in a month, whoever was sent before.

    :raises RoleForbidden: if the caller does not plan readings
    :raises PlanUnknown: if no plan the caller may see has the number
    :raises ReaderUnknown: if no reader of the plan's bureau has the name
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_plans.manage")
    number = known_number(plan_no, PlanUnknown)

    def work(transaction: Transaction) -> Answer:
        store.by_no(transaction, number, now=now)
        store.assign(
            transaction,
            plan_no=number,
            reader=reader,
            principal_id=caller.principal_id,
            now=now,
        )
        plan = store.by_no(transaction, number, now=now)
        return Answer(status=201, body=msgspec.json.encode(plan))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def plan_by_no(
    *, database: Database, caller: Caller, plan_no: int, now: datetime, deadline: float
) -> ReadingRound:
    """
    Return a plan with every stop, in the order of the round.

    :raises RoleForbidden: if the caller does not see plans
    :raises PlanUnknown: if no plan the caller may see has the number
    """
    check(caller, "reading_plans.read")
    number = known_number(plan_no, PlanUnknown)
    return database.read(
        lambda transaction: store.whole(transaction, number, now=now),
        scope=caller.scope,
        deadline=deadline,
    )


def list_plans(
    *,
    database: Database,
    caller: Caller,
    month: Month | None,
    limit: int,
    cursor: str | None,
    now: datetime,
    deadline: float,
) -> PlanPage:
    """
    Return a page of plans, of a month or of all, the newest first.

    :raises RoleForbidden: if the caller does not see plans
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "reading_plans.read")
    return database.read(
        lambda transaction: store.page(
            transaction, month=month, limit=limit, cursor=cursor, now=now
        ),
        scope=caller.scope,
        deadline=deadline,
    )
