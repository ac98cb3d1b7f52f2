"""HTTP for reading plans."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import BureauNumber, MonthText, PageSize, Text, parameters
from service.domain.months import Month
from service.domain.reading_plans import PlanPage, PlansMade, ReadingPlan, ReadingRound
from service.usecases.reading_plans import assign_reader, list_plans, make_plans, plan_by_no


class PlansSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which bureau's sections are to be read, in which month (YYYY-MM)."""

    month: MonthText
    bureau: BureauNumber


class AssignmentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name of the reader who is sent."""

    reader: Text


class PlansAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list, of which month (YYYY-MM): of all unless it says so."""

    month: MonthText | None = None
    limit: PageSize = 50
    cursor: Text | None = None


_PLANS = JsonBody(PlansSent)
_ASSIGNMENT = JsonBody(AssignmentSent)


class ReadingPlans(Resource):
    """`/v1/reading-plans`"""

    @promises(
        Operation(
            summary="List who reads which section in a month and how far they are, newest first.",
            permission="reading_plans.read",
            query=PlansAsked,
            answer=PlanPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, PlansAsked)
        page = list_plans(
            database=req.database,
            caller=req.caller,
            month=None if asked.month is None else Month.parse(asked.month),
            limit=asked.limit,
            cursor=asked.cursor,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Plan the month of every section of a bureau that is not planned yet.",
            permission="reading_plans.manage",
            body=PlansSent,
            example={"month": "2027-01", "bureau": 1},
            answer=PlansMade,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Plan."""
        once, sent = _PLANS.read(req)
        answer = make_plans(
            database=req.database,
            caller=req.caller,
            once=once,
            bureau_id=sent.bureau,
            month=Month.parse(sent.month),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class ReadingPlanByNumber(Resource):
    """`/v1/reading-plans/{plan_no}`"""

    @promises(
        Operation(
            summary="Read a plan with its stops, in the order of the round, and what was read.",
            permission="reading_plans.read",
            answer=ReadingRound,
        )
    )
    def on_get(self, req: Request, resp: Response, plan_no: int) -> None:
        """Read."""
        found = plan_by_no(
            database=req.database,
            caller=req.caller,
            plan_no=plan_no,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Assignments(Resource):
    """`/v1/reading-plans/{plan_no}/assignments`"""

    @promises(
        Operation(
            summary="Send a reader of the bureau, whoever was sent before.",
            permission="reading_plans.manage",
            body=AssignmentSent,
            example={"reader": "reader.east"},
            answer=ReadingPlan,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, plan_no: int) -> None:
        """Assign."""
        once, sent = _ASSIGNMENT.read(req)
        answer = assign_reader(
            database=req.database,
            caller=req.caller,
            once=once,
            plan_no=plan_no,
            reader=sent.reader,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
