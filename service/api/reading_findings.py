"""HTTP for what is odd about readings."""

from __future__ import annotations

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.price_proposals import ReasonSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Page, parameters
from service.domain.reading_findings import FindingPage, ReadingFinding
from service.usecases.reading_findings import accept_finding, finding_by_no, open_findings

_REASON = JsonBody(ReasonSent)


class ReadingFindings(Resource):
    """`/v1/reading-findings`"""

    @promises(
        Operation(
            summary="List what is odd about readings and waits for somebody, the oldest first.",
            permission="reading_findings.read",
            query=Page,
            answer=FindingPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = open_findings(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)


class ReadingFindingByNumber(Resource):
    """`/v1/reading-findings/{finding_no}`"""

    @promises(
        Operation(
            summary="Read a finding, and what has become of it.",
            permission="reading_findings.read",
            answer=ReadingFinding,
        )
    )
    def on_get(self, req: Request, resp: Response, finding_no: int) -> None:
        """Read."""
        found = finding_by_no(
            database=req.database,
            caller=req.caller,
            finding_no=finding_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Acceptances(Resource):
    """`/v1/reading-findings/{finding_no}/acceptances`"""

    @promises(
        Operation(
            summary="Accept a finding, for a reason: the next run of the month bills the reading.",
            permission="reading_findings.accept",
            body=ReasonSent,
            example={"reason": "The customer has bought an electric heater."},
            answer=ReadingFinding,
        )
    )
    def on_post(self, req: Request, resp: Response, finding_no: int) -> None:
        """Accept."""
        once, sent = _REASON.read(req)
        answer = accept_finding(
            database=req.database,
            caller=req.caller,
            once=once,
            finding_no=finding_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
