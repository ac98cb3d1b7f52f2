"""HTTP for bill cancellations."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.price_proposals import ReasonSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.sign_in import Nothing
from service.api.validation import Page, Text, parameters
from service.domain.bill_cancellations import BillCancellation, CancellationPage
from service.usecases.bill_cancellations import (
    approve_cancellation,
    cancellation_by_no,
    list_cancellations,
    reject_cancellation,
    request_cancellation,
)


class CancellationSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which bill is to be cancelled, and why."""

    bill_no: Text
    reason: Text


_CANCELLATION, _REASON = JsonBody(CancellationSent), JsonBody(ReasonSent)
_NOTHING = JsonBody(Nothing)


class BillCancellations(Resource):
    """`/v1/bill-cancellations`"""

    @promises(
        Operation(
            summary="List the cancellations of bills, newest first; a page at a time.",
            permission="bill_cancellations.read",
            query=Page,
            answer=CancellationPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = list_cancellations(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Ask for a bill's cancellation; it stays in force until another approves.",
            permission="bill_cancellations.request",
            body=CancellationSent,
            example={
                "bill_no": "202602100000000501",
                "reason": "The household's subsidy was recorded too late.",
            },
            answer=BillCancellation,
            status=201,
            headers={"Location": "Where the cancellation can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Ask."""
        once, sent = _CANCELLATION.read(req)
        answer = request_cancellation(
            database=req.database,
            caller=req.caller,
            once=once,
            bill_no=sent.bill_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class BillCancellationByNumber(Resource):
    """`/v1/bill-cancellations/{cancellation_no}`"""

    @promises(
        Operation(
            summary="Read a cancellation with every step it has taken, by whom.",
            permission="bill_cancellations.read",
            answer=BillCancellation,
        )
    )
    def on_get(self, req: Request, resp: Response, cancellation_no: int) -> None:
        """Read."""
        found = cancellation_by_no(
            database=req.database,
            caller=req.caller,
            cancellation_no=cancellation_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Approvals(Resource):
    """`/v1/bill-cancellations/{cancellation_no}/approvals`"""

    @promises(
        Operation(
            summary="Approve a cancellation that another has asked for: a mirror takes the bill "
            "back, what was paid of it is paid ahead.",
            permission="bill_cancellations.decide",
            body=Nothing,
            example={},
            answer=BillCancellation,
        )
    )
    def on_post(self, req: Request, resp: Response, cancellation_no: int) -> None:
        """Approve."""
        once, _ = _NOTHING.read(req)
        answer = approve_cancellation(
            database=req.database,
            caller=req.caller,
            once=once,
            cancellation_no=cancellation_no,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Rejections(Resource):
    """`/v1/bill-cancellations/{cancellation_no}/rejections`"""

    @promises(
        Operation(
            summary="Reject a cancellation, or withdraw one's own, for a reason.",
            permission="bill_cancellations.decide",
            body=ReasonSent,
            example={"reason": "The reading was right."},
            answer=BillCancellation,
        )
    )
    def on_post(self, req: Request, resp: Response, cancellation_no: int) -> None:
        """Reject."""
        once, sent = _REASON.read(req)
        answer = reject_cancellation(
            database=req.database,
            caller=req.caller,
            once=once,
            cancellation_no=cancellation_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
