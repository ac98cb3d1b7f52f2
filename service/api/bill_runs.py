"""HTTP for bill runs."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import BureauNumber, MonthText
from service.domain.bill_runs import BillRun
from service.domain.months import Month
from service.usecases.bill_runs import bill_run_by_id, start_bill_run


class BillRunSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which bureau to bill, for which closed month (YYYY-MM); one reading section of it, or all."""

    month: MonthText
    bureau: BureauNumber
    section_no: int | None = None


_BODY = JsonBody(BillRunSent)


class BillRuns(Resource):
    """`/v1/bill-runs`"""

    @promises(
        Operation(
            summary="Start billing a bureau for a closed month; answered at once, done by workers.",
            permission="bill_runs.start",
            body=BillRunSent,
            example={"month": "2026-03", "bureau": 1},
            answer=BillRun,
            status=202,
            headers={"Location": "Where the run's progress can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Start a run."""
        once, sent = _BODY.read(req)
        answer = start_bill_run(
            database=req.database,
            caller=req.caller,
            once=once,
            month=Month.parse(sent.month),
            bureau_id=sent.bureau,
            section_no=sent.section_no,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class BillRunByNumber(Resource):
    """`/v1/bill-runs/{bill_run_id}`"""

    @promises(
        Operation(
            summary="Read how far a run has come, and the accounts it could not bill.",
            permission="bill_runs.read",
            answer=BillRun,
        )
    )
    def on_get(self, req: Request, resp: Response, bill_run_id: int) -> None:
        """Read."""
        run = bill_run_by_id(
            database=req.database,
            caller=req.caller,
            bill_run_id=bill_run_id,
            deadline=req.deadline,
        )
        answers.found(req, resp, run)
