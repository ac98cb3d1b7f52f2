"""HTTP for bill runs."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.price_proposals import ReasonSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import BureauNumber, MonthText, Page, Text, parameters
from service.domain.bill_runs import BillRun, BillRunPage
from service.domain.bill_samples import SamplePage
from service.domain.bill_sign_offs import ControlSums
from service.domain.months import Month
from service.usecases.bill_runs import (
    approve_bill_run,
    bill_run_by_id,
    list_bill_runs,
    reject_bill_run,
    samples_of_run,
    start_bill_run,
)


class BillRunSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which bureau to bill, for which closed month (YYYY-MM); one reading section of it, or all."""

    month: MonthText
    bureau: BureauNumber
    section_no: int | None = None


class SignOffSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What was checked before a run is approved: its control sums, and what the samples showed.

    The sums are those that the run shows under the same names.
    """

    calculated: int
    calculated_kwh: int
    calculated_fen: int
    sample_result: Text


_BODY, _SIGN_OFF, _REASON = JsonBody(BillRunSent), JsonBody(SignOffSent), JsonBody(ReasonSent)


class BillRuns(Resource):
    """`/v1/bill-runs`"""

    @promises(
        Operation(
            summary="List the bill runs, the newest first; a page at a time.",
            permission="bill_runs.read",
            query=Page,
            answer=BillRunPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = list_bill_runs(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Start billing a bureau for a closed month: workers calculate the bills, which "
            "are issued once another hand has approved them.",
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


class BillRunSamples(Resource):
    """`/v1/bill-runs/{bill_run_id}/samples`"""

    @promises(
        Operation(
            summary="Read the calculated bills that stand for the others: the largest amount, the "
            "largest change of some hundred accounts, an estimate, the first of each category.",
            permission="bill_runs.read",
            query=Page,
            answer=SamplePage,
        )
    )
    def on_get(self, req: Request, resp: Response, bill_run_id: int) -> None:
        """Read."""
        asked = parameters(req.params, Page)
        page = samples_of_run(
            database=req.database,
            caller=req.caller,
            bill_run_id=bill_run_id,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)


class Approvals(Resource):
    """`/v1/bill-runs/{bill_run_id}/approvals`"""

    @promises(
        Operation(
            summary="Approve what a run has calculated, as another hand than asked for it or read "
            "its meters: workers issue those bills that are still the same.",
            permission="bill_runs.decide",
            body=SignOffSent,
            example={
                "calculated": 1912,
                "calculated_kwh": 401520,
                "calculated_fen": 24889410,
                "sample_result": "12 samples recalculated, all as billed.",
            },
            answer=BillRun,
        )
    )
    def on_post(self, req: Request, resp: Response, bill_run_id: int) -> None:
        """Approve."""
        once, sent = _SIGN_OFF.read(req)
        answer = approve_bill_run(
            database=req.database,
            caller=req.caller,
            once=once,
            bill_run_id=bill_run_id,
            sums=ControlSums(sent.calculated, sent.calculated_kwh, sent.calculated_fen),
            sample_result=sent.sample_result,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Rejections(Resource):
    """`/v1/bill-runs/{bill_run_id}/rejections`"""

    @promises(
        Operation(
            summary="Reject a run, or withdraw one's own, for a reason: nothing of it is issued.",
            permission="bill_runs.decide",
            body=ReasonSent,
            example={"reason": "The readings of one section are those of the month before."},
            answer=BillRun,
        )
    )
    def on_post(self, req: Request, resp: Response, bill_run_id: int) -> None:
        """Reject."""
        once, sent = _REASON.read(req)
        answer = reject_bill_run(
            database=req.database,
            caller=req.caller,
            once=once,
            bill_run_id=bill_run_id,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
