"""Reading sections in the database: their routes, the stops of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from service.domain import cursors
from service.domain.months import Month
from service.domain.numbers import BIGINT_MAX
from service.domain.reading_sections import (
    NewRoute,
    Place,
    ReadingRoute,
    ReadingSection,
    RouteStanding,
    SectionNameTaken,
    SectionPage,
    SectionUnknown,
    Stop,
)
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("reading_sections")


def add(
    transaction: Transaction, *, bureau_id: int, name: str, principal_id: int, now: datetime
) -> int:
    """
    Record a section of a bureau; return its number.

    :raises SectionNameTaken: if the bureau has one of this name
    """
    added = transaction.one(
        _SQL["add_section"],
        bureau_id=bureau_id,
        name=name,
        principal_id=principal_id,
        added_at=now,
    )
    if added is None:
        raise SectionNameTaken(f"bureau {bureau_id} has a section {name!r}")
    section_no: int = added[0]
    return section_no


def by_no(transaction: Transaction, section_no: int, *, month: Month) -> ReadingSection:
    """
    Return a section as it is read in a month.

    :raises SectionUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(
        _SQL["sections"],
        first_no=section_no,
        last_no=section_no,
        month=month.first_day,
        limit=1,
    )
    if found is None:
        raise SectionUnknown(f"no reading section {section_no}")
    return _section(found)


def route(transaction: Transaction, section_no: int, *, month: Month) -> ReadingRoute:
    """
    Return a section with every stop of its route in a month.

    :raises SectionUnknown: if there is none with this number that the caller may see
    """
    section = by_no(transaction, section_no, month=month)
    rows = transaction.all(_SQL["stops_of_section"], section_no=section_no, month=month.first_day)
    return ReadingRoute(
        section=section,
        stops=tuple(
            Stop(position=position, account_no=account_no, address=address)
            for position, account_no, address in rows
        ),
    )


def page(transaction: Transaction, *, month: Month, limit: int, cursor: str | None) -> SectionPage:
    """
    Return up to `limit` sections as they are read in a month, the oldest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    after_no = cursors.decode(cursor, int)[0] if cursor else 0
    rows = transaction.all(
        _SQL["sections"],
        first_no=after_no + 1,
        last_no=BIGINT_MAX,
        month=month.first_day,
        limit=limit + 1,
    )
    is_more = len(rows) > limit
    return SectionPage(
        items=[_section(row) for row in rows[:limit]],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def lock_routes(transaction: Transaction, *, bureau_id: int) -> None:
    """Let nobody else change routes or plans of a bureau until the transaction ends."""
    transaction.later(_SQL["lock_routes"], bureau_id=bureau_id)


def standing(
    transaction: Transaction,
    section: ReadingSection,
    *,
    from_month: Month,
    account_nos: Sequence[str],
) -> RouteStanding:
    """Return what a new route of a section is judged by."""
    newest = transaction.one(_SQL["newest_of_section"], section_no=section.section_no)
    assert newest is not None, "a SELECT without FROM has one row"
    rows = transaction.all(
        _SQL["places"],
        section_no=section.section_no,
        bureau_id=section.bureau,
        from_month=from_month.first_day,
        account_nos=list(account_nos),
    )
    return RouteStanding(
        newest=_month(newest[0]),
        places={
            account_no: Place(account_id=account_id, section_no=section_no)
            for account_no, account_id, section_no in rows
        },
    )


def change_route(
    transaction: Transaction,
    section: ReadingSection,
    new: NewRoute,
    account_ids: Sequence[int],
    *,
    principal_id: int,
    now: datetime,
) -> None:
    """Let a section have another route, to these accounts (by id), from a month on."""
    names = {"section_no": section.section_no, "from_month": new.from_month.first_day}
    transaction.run(
        _SQL["add_route"],
        **names,
        bureau_id=section.bureau,
        example_day=new.example_day,
        principal_id=principal_id,
        recorded_at=now,
    )
    transaction.run(_SQL["leave_stops"], **names)
    if account_ids:
        transaction.run(
            _SQL["add_stops"], **names, bureau_id=section.bureau, account_ids=list(account_ids)
        )


def _section(row: Row) -> ReadingSection:
    section_no, bureau_id, name, month, from_month, example_day, stops = row
    began = _month(from_month)
    return ReadingSection(
        section_no=section_no,
        bureau=bureau_id,
        name=name,
        month=str(Month.of(month)),
        from_month=None if began is None else str(began),
        example_day=example_day,
        stops=stops,
    )


def _month(day: date | None) -> Month | None:
    return None if day is None else Month.of(day)
