"""HTTP for what happened to the staff."""

from __future__ import annotations

from datetime import date

import msgspec

from service.api import answers
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import PageSize, Text, parameters
from service.domain.staff_events import StaffEventFilter, StaffEventPage
from service.usecases.staff_events import list_staff_events


class EventSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose events, of which business dates: from `since` up to, not into, `until`."""

    user_name: Text | None = None
    since: date | None = None
    until: date | None = None
    limit: PageSize = 50
    cursor: Text | None = None


class StaffEvents(Resource):
    """`/v1/staff-events`"""

    @promises(
        Operation(
            summary="Read what happened to the staff, newest first; a page at a time.",
            permission="staff_events.read",
            query=EventSearch,
            answer=StaffEventPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, EventSearch)
        page = list_staff_events(
            database=req.database,
            caller=req.caller,
            wanted=msgspec.convert(asked, StaffEventFilter, from_attributes=True),
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)
