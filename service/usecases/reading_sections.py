"""What the utility does with its reading sections: add one, change its route, show them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain.account_numbers import has_check_digit
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.reading_sections import (
    NewRoute,
    ReadingRoute,
    SectionPage,
    SectionUnknown,
    check_reach,
    check_route,
)
from service.store import reading_sections as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.bureaus import check_bureau
from service.usecases.once import answer_once


def add_section(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    bureau_id: int,
    name: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Add a section to a bureau; it has no route yet.

    :raises RoleForbidden: if the caller does not manage sections
    :raises BureauUnknown: if there is no such bureau, or the caller belongs to another
    :raises SectionNameTaken: if the bureau has a section of this name
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_sections.manage")

    def work(transaction: Transaction) -> Answer:
        check_bureau(transaction, caller=caller, bureau_id=bureau_id)
        section_no = store.add(
            transaction,
            bureau_id=bureau_id,
            name=name,
            principal_id=caller.principal_id,
            now=now,
        )
        added = store.by_no(transaction, section_no, month=Month.at(now))
        return Answer(
            status=201,
            body=msgspec.json.encode(added),
            headers={"Location": f"/v1/reading-sections/{section_no}"},
        )

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def change_route(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    section_no: int,
    route: NewRoute,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Let a section have another route from a month on; answer with it.

    :raises RoleForbidden: if the caller does not manage sections
    :raises MonthTooFar: if the month is years ahead
    :raises SectionUnknown: if no section the caller may see has the number
    :raises RouteTooEarly: if that month of the section, or a later one, is recorded already
    :raises StopFaulty: naming every account that is unknown, named twice, on another route
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_sections.manage")
    number = known_number(section_no, SectionUnknown)
    check_reach(route.from_month, now=now)
    possible = [account_no for account_no in route.account_nos if has_check_digit(account_no)]

    def work(transaction: Transaction) -> Answer:
        month, by = route.from_month, caller.principal_id
        section = store.by_no(transaction, number, month=month)
        store.lock_routes(transaction, bureau_id=section.bureau)
        standing = store.standing(transaction, section, from_month=month, account_nos=possible)
        stops = check_route(route, standing)
        store.change_route(transaction, section, route, stops, principal_id=by, now=now)
        changed = store.route(transaction, number, month=month)
        return Answer(status=201, body=msgspec.json.encode(changed))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def route_of_section(
    *,
    database: Database,
    caller: Caller,
    section_no: int,
    month: Month,
    deadline: float,
) -> ReadingRoute:
    """
    Return a section with every stop of its route in a month.

    :raises RoleForbidden: if the caller does not see sections
    :raises SectionUnknown: if no section the caller may see has the number
    """
    check(caller, "reading_sections.read")
    number = known_number(section_no, SectionUnknown)
    return database.read(
        lambda transaction: store.route(transaction, number, month=month),
        scope=caller.scope,
        deadline=deadline,
    )


def list_sections(
    *,
    database: Database,
    caller: Caller,
    month: Month,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> SectionPage:
    """
    Return a page of sections as they are read in a month, the oldest first.

    :raises RoleForbidden: if the caller does not see sections
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "reading_sections.read")
    return database.read(
        lambda transaction: store.page(transaction, month=month, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )
