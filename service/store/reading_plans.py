"""Reading plans in the database: who is sent, how far a month's readings have come."""

from __future__ import annotations

from datetime import datetime

from service.domain import cursors
from service.domain.meters import shown
from service.domain.months import Month, business_date
from service.domain.numbers import BIGINT_MAX
from service.domain.reading_plans import (
    PlanPage,
    PlanStop,
    PlanUnknown,
    ReaderUnknown,
    ReadingPlan,
    ReadingRound,
    state_of,
)
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("reading_plans")


def make(
    transaction: Transaction, *, bureau_id: int, month: Month, principal_id: int, now: datetime
) -> int:
    """
    Plan every section of a bureau that is read in a month and not planned; return how many.

    Whoever was sent to a section last is sent again.
    """
    rows = transaction.all(
        _SQL["make_plans"],
        bureau_id=bureau_id,
        month=month.first_day,
        principal_id=principal_id,
        made_at=now,
    )
    plan_nos = [plan_no for (plan_no,) in rows]
    if plan_nos:
        transaction.run(
            _SQL["assign_as_before"], plan_nos=plan_nos, principal_id=principal_id, assigned_at=now
        )
    return len(plan_nos)


def unrouted(transaction: Transaction, *, bureau_id: int, month: Month) -> int:
    """Return how many accounts of a bureau no route leads to in a month."""
    found = transaction.one(
        _SQL["unrouted"],
        bureau_id=bureau_id,
        month=month.first_day,
        next_month=month.next.first_day,
    )
    assert found is not None, "a count has one row"
    count: int = found[0]
    return count


def assign(
    transaction: Transaction, *, plan_no: int, reader: str, principal_id: int, now: datetime
) -> None:
    """
    Send a reader.

    :raises ReaderUnknown: if no reader of the plan's bureau has the name
    """
    assigned = transaction.run(
        _SQL["assign"],
        plan_no=plan_no,
        reader=reader,
        principal_id=principal_id,
        assigned_at=now,
    )
    if not assigned:
        raise ReaderUnknown(f"no reader {reader!r}")


def by_no(transaction: Transaction, plan_no: int, *, now: datetime) -> ReadingPlan:
    """
    Return a plan with how far it has come.

    :raises PlanUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(_SQL["plan_by_no"], plan_no=plan_no)
    if found is None:
        raise PlanUnknown(f"no reading plan {plan_no}")
    return _plan(found, now=now)


def whole(transaction: Transaction, plan_no: int, *, now: datetime) -> ReadingRound:
    """
    Return a plan with every stop, in their order.

    :raises PlanUnknown: if there is none with this number that the caller may see
    """
    plan = by_no(transaction, plan_no, now=now)
    rows = transaction.all(_SQL["stops_of_plan"], plan_no=plan_no)
    return ReadingRound(plan=plan, stops=tuple(map(_stop, rows)))


def page(
    transaction: Transaction,
    *,
    month: Month | None,
    limit: int,
    cursor: str | None,
    now: datetime,
) -> PlanPage:
    """
    Return up to `limit` plans, of a month or of all, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else BIGINT_MAX
    rows = transaction.all(
        _SQL["plans_before"],
        before_no=before_no,
        month=None if month is None else month.first_day,
        limit=limit + 1,
    )
    is_more = len(rows) > limit
    return PlanPage(
        items=[_plan(row, now=now) for row in rows[:limit]],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def _plan(row: Row, *, now: datetime) -> ReadingPlan:
    plan_no, bureau_id, section_no, section, month, due_on, reader, *counts = row
    stops, measured, estimated = counts
    missing = stops - measured - estimated
    return ReadingPlan(
        plan_no=plan_no,
        bureau=bureau_id,
        section_no=section_no,
        section=section,
        month=str(Month.of(month)),
        due_on=due_on,
        reader=reader,
        state=state_of(missing=missing, due_on=due_on, today=business_date(now)),
        stops=stops,
        measured=measured,
        estimated=estimated,
        missing=missing,
    )


def _stop(row: Row) -> PlanStop:
    position, account_no, address, read_at, register, source, periods = row
    return PlanStop(
        position=position,
        account_no=account_no,
        address=address,
        read_at=read_at,
        register=None if register is None else shown(register),
        source=source,
        periods=tuple(periods),
    )
