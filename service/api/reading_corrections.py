"""HTTP for readings that were taken: what is in force, how one is put right."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.price_proposals import ReasonSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.sign_in import Nothing
from service.api.trials import RegisterName
from service.api.validation import Moment, Page, Text, parameters
from service.domain.correction_details import CorrectionPage, ReadingCorrection, ReadingPage
from service.domain.reading_corrections import CorrectionOrder
from service.usecases.reading_corrections import (
    approve_correction,
    correction_by_no,
    list_corrections,
    readings_of_account,
    reject_correction,
    request_correction,
)


class CorrectionSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a reading should have said, and why; a person may have seen the register pass zero.

    Of the meter's other registers `periods` names those that were misread.
    """

    account_no: Text
    read_at: Moment
    register: Text
    reason: Text
    is_roll_over_confirmed: bool = False
    periods: dict[RegisterName, Text] = {}


_CORRECTION, _REASON = JsonBody(CorrectionSent), JsonBody(ReasonSent)
_NOTHING = JsonBody(Nothing)


class AccountReadings(Resource):
    """`/v1/accounts/{account_no}/readings`"""

    @promises(
        Operation(
            summary="Read an account's readings as they are in force, newest first.",
            permission="readings.read",
            query=Page,
            answer=ReadingPage,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        asked = parameters(req.params, Page)
        page = readings_of_account(
            database=req.database,
            caller=req.caller,
            account_no=account_no,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)


class ReadingCorrections(Resource):
    """`/v1/reading-corrections`"""

    @promises(
        Operation(
            summary="List the corrections of readings, newest first; a page at a time.",
            permission="reading_corrections.read",
            query=Page,
            answer=CorrectionPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = list_corrections(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Ask for a reading's correction; it stays in force until another approves.",
            permission="reading_corrections.request",
            body=CorrectionSent,
            example={
                "account_no": "1000000005",
                "read_at": "2026-03-31T10:00:00+08:00",
                "register": "1234.5",
                "reason": "Two digits were exchanged.",
            },
            answer=ReadingCorrection,
            status=201,
            headers={"Location": "Where the correction can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Ask."""
        once, sent = _CORRECTION.read(req)
        answer = request_correction(
            database=req.database,
            caller=req.caller,
            once=once,
            order=msgspec.convert(sent, CorrectionOrder, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class ReadingCorrectionByNumber(Resource):
    """`/v1/reading-corrections/{correction_no}`"""

    @promises(
        Operation(
            summary="Read a correction with every step it has taken, by whom.",
            permission="reading_corrections.read",
            answer=ReadingCorrection,
        )
    )
    def on_get(self, req: Request, resp: Response, correction_no: int) -> None:
        """Read."""
        found = correction_by_no(
            database=req.database,
            caller=req.caller,
            correction_no=correction_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Approvals(Resource):
    """`/v1/reading-corrections/{correction_no}/approvals`"""

    @promises(
        Operation(
            summary="Approve a correction that another has asked for: it is in force from then on.",
            permission="reading_corrections.decide",
            body=Nothing,
            example={},
            answer=ReadingCorrection,
        )
    )
    def on_post(self, req: Request, resp: Response, correction_no: int) -> None:
        """Approve."""
        once, _ = _NOTHING.read(req)
        answer = approve_correction(
            database=req.database,
            caller=req.caller,
            once=once,
            correction_no=correction_no,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Rejections(Resource):
    """`/v1/reading-corrections/{correction_no}/rejections`"""

    @promises(
        Operation(
            summary="Reject a correction, or withdraw one's own, for a reason.",
            permission="reading_corrections.decide",
            body=ReasonSent,
            example={"reason": "The reading was right."},
            answer=ReadingCorrection,
        )
    )
    def on_post(self, req: Request, resp: Response, correction_no: int) -> None:
        """Reject."""
        once, sent = _REASON.read(req)
        answer = reject_correction(
            database=req.database,
            caller=req.caller,
            once=once,
            correction_no=correction_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
