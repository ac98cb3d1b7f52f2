"""What happened to the staff, read from the database."""

from __future__ import annotations

from datetime import UTC, datetime

from service.domain import cursors
from service.domain.staff import StaffUnknown
from service.domain.staff_events import StaffEventEntry, StaffEventFilter, StaffEventPage
from service.store import queries, staff
from service.store.transaction import Row, Transaction

_SQL = queries.load("staff_events")


def page(
    transaction: Transaction,
    *,
    wanted: StaffEventFilter,
    bureau_id: int | None,
    limit: int,
    cursor: str | None,
) -> StaffEventPage:
    """
    Return up to `limit` of the `wanted` events, newest first, from `cursor` on.

    :param bureau_id: the bureau that the caller sees, None for all of them
    :raises StaffUnknown: if nobody the caller may see has the name
    :raises CursorBroken: if the cursor is not one of this list
    """
    before_at, before_id = _before(wanted, cursor)
    rows = _rows(
        transaction,
        wanted.user_name,
        bureau_id,
        since=wanted.begins_at,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    is_more = len(rows) > limit
    last = rows[limit - 1] if is_more else None
    return StaffEventPage(
        items=[_entry(row) for row in rows[:limit]],
        next_cursor=cursors.encode((last[0].astimezone(UTC), last[1])) if last else None,
    )


def _before(wanted: StaffEventFilter, cursor: str | None) -> tuple[datetime, int]:
    """Return the key that the page lies before: where the last one ended, or the period does."""
    if cursor is None:
        return wanted.ends_at, 0
    at, event_id = cursors.decode(cursor, datetime, int)
    return min((at, event_id), (wanted.ends_at, 0))


def _rows(
    transaction: Transaction, user_name: str | None, bureau_id: int | None, **asked: object
) -> list[Row]:
    """Return the events by the shortest way to them: a person's, a bureau's, all."""
    if user_name is not None:
        found = staff.by_name(transaction, name=user_name)
        if found is None:
            raise StaffUnknown(f"nobody is called {user_name}")
        return transaction.all(
            _SQL["events_of_person_before"], principal_id=found.principal_id, **asked
        )
    if bureau_id is not None:
        return transaction.all(_SQL["events_of_bureau_before"], bureau_id=bureau_id, **asked)
    return transaction.all(_SQL["events_before"], **asked)


def _entry(row: Row) -> StaffEventEntry:
    happened_at, _, kind, user_name, bureau_id, done_by, address = row
    return StaffEventEntry(
        happened_at=happened_at,
        kind=kind,
        user_name=user_name,
        bureau=bureau_id,
        done_by=done_by,
        address=address,
    )
