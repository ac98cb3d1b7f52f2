"""HTTP for reading sections."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import BureauNumber, MonthText, PageSize, Text, parameters
from service.domain.months import Month
from service.domain.reading_sections import (
    EXAMPLE_DAY_MAX,
    STOPS_MAX,
    NewRoute,
    ReadingRoute,
    ReadingSection,
    SectionPage,
)
from service.usecases.reading_sections import (
    add_section,
    change_route,
    list_sections,
    route_of_section,
)


class SectionSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section's name, which no other of the bureau has."""

    bureau: BureauNumber
    name: Text


class RouteSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which month (YYYY-MM), on which day, which accounts in which order; none ends it."""

    from_month: MonthText
    example_day: Annotated[int, msgspec.Meta(ge=1, le=EXAMPLE_DAY_MAX)]
    account_nos: Annotated[list[Text], msgspec.Meta(max_length=STOPS_MAX)]

    def route(self) -> NewRoute:
        """Return the route that was sent."""
        return NewRoute(
            from_month=Month.parse(self.from_month),
            example_day=self.example_day,
            account_nos=tuple(self.account_nos),
        )


class MonthAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As of which month (YYYY-MM): the running one unless it says so."""

    month: MonthText | None = None


class SectionsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list, as of which month (YYYY-MM): the running one unless it says so."""

    month: MonthText | None = None
    limit: PageSize = 50
    cursor: Text | None = None


_SECTION = JsonBody(SectionSent)
_ROUTE = JsonBody(RouteSent)


class ReadingSections(Resource):
    """`/v1/reading-sections`"""

    @promises(
        Operation(
            summary="List the sections that meters are read in, the oldest first.",
            permission="reading_sections.read",
            query=SectionsAsked,
            answer=SectionPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, SectionsAsked)
        page = list_sections(
            database=req.database,
            caller=req.caller,
            month=_month(asked.month, self._clock()),
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Add a section to a bureau; its route comes next.",
            permission="reading_sections.manage",
            body=SectionSent,
            example={"bureau": 1, "name": "East 3, north of the canal"},
            answer=ReadingSection,
            status=201,
            headers={"Location": "Where the section can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Add."""
        once, sent = _SECTION.read(req)
        answer = add_section(
            database=req.database,
            caller=req.caller,
            once=once,
            bureau_id=sent.bureau,
            name=sent.name,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class ReadingSectionByNumber(Resource):
    """`/v1/reading-sections/{section_no}`"""

    @promises(
        Operation(
            summary="Read a section with the stops of its route in a month, in their order.",
            permission="reading_sections.read",
            query=MonthAsked,
            answer=ReadingRoute,
        )
    )
    def on_get(self, req: Request, resp: Response, section_no: int) -> None:
        """Read."""
        asked = parameters(req.params, MonthAsked)
        found = route_of_section(
            database=req.database,
            caller=req.caller,
            section_no=section_no,
            month=_month(asked.month, self._clock()),
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Routes(Resource):
    """`/v1/reading-sections/{section_no}/routes`"""

    @promises(
        Operation(
            summary="Give a section another route, from a month on that is not planned yet.",
            permission="reading_sections.manage",
            body=RouteSent,
            example={
                "from_month": "2027-01",
                "example_day": 12,
                "account_nos": ["1000000005", "1000000013"],
            },
            answer=ReadingRoute,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, section_no: int) -> None:
        """Change the route."""
        once, sent = _ROUTE.read(req)
        answer = change_route(
            database=req.database,
            caller=req.caller,
            once=once,
            section_no=section_no,
            route=sent.route(),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


def _month(asked: str | None, now: datetime) -> Month:
    return Month.at(now) if asked is None else Month.parse(asked)
