"""What administrators or auditors ask about what happened to the staff."""

from __future__ import annotations

from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.staff_events import StaffEventFilter, StaffEventPage
from service.store import staff_events as store
from service.store.database import Database


def list_staff_events(
    *,
    database: Database,
    caller: Caller,
    wanted: StaffEventFilter,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> StaffEventPage:
    """
    Return a page of what happened to the staff whom the caller sees, newest first.

    :raises RoleForbidden: if the caller does not see it
    :raises StaffUnknown: if nobody the caller may see has the name
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "staff_events.read")
    return database.read(
        lambda transaction: store.page(
            transaction, wanted=wanted, bureau_id=caller.bureau_id, limit=limit, cursor=cursor
        ),
        scope=caller.scope,
        deadline=deadline,
    )
