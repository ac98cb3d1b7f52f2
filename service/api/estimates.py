"""HTTP for estimates: the reading of a month in which nobody read the meter."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Page, Text, parameters
from service.domain.estimates import Estimate, EstimatePage
from service.domain.months import Month
from service.usecases.estimates import estimates_of_account, make_estimate


class EstimateSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which closed month (YYYY-MM) nobody read the meter in, and why."""

    month: Text
    reason: Text


_ESTIMATE = JsonBody(EstimateSent)


class Estimates(Resource):
    """`/v1/accounts/{account_no}/estimates`"""

    @promises(
        Operation(
            summary="Read what an account's meter was taken to show, and by which bills.",
            permission="readings.read",
            query=Page,
            answer=EstimatePage,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        asked = parameters(req.params, Page)
        page = estimates_of_account(
            database=req.database,
            caller=req.caller,
            account_no=account_no,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Estimate the reading of a month by earlier bills; the next one makes it good.",
            permission="estimates.make",
            body=EstimateSent,
            example={"month": "2026-03", "reason": "Nobody was at home, twice."},
            answer=Estimate,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Estimate."""
        once, sent = _ESTIMATE.read(req)
        answer = make_estimate(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            month=Month.parse(sent.month),
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
