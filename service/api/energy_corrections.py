"""HTTP for corrections of energy that was counted wrongly."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.price_proposals import ReasonSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.sign_in import Nothing
from service.api.trials import FactorText, SignedKwh
from service.api.validation import Page, Text, parameters
from service.domain.energy_corrections import (
    EnergyCorrection,
    EnergyCorrectionOrder,
    EnergyCorrectionPage,
)
from service.domain.metering_faults import Facts
from service.usecases.energy_correction_decisions import approve_correction, reject_correction
from service.usecases.energy_corrections import (
    correction_by_no,
    list_corrections,
    request_correction,
    request_reversal,
)

MeterErrorText = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,6})?$")]


class EnergyCorrectionSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What was found out about an account's metering, which was wrong from `since` up to `until`.

    The day `until`, when it was put right, is not one of them. One of four is sent.
    `meter_error`: the verified error of a meter beyond its tolerance, as a fraction (0.035 counts
    3.5 % too much), `since` being the day of its last test or of its installation.
    `wiring_factor`: the true energy per counted one. `true_multiplier`: what should have been
    recorded. `agreed_kwh`: what both sides agree upon, below zero to give back.
    """

    account_no: Text
    since: date
    until: date
    reason: Text
    meter_error: MeterErrorText | None = None
    wiring_factor: FactorText | None = None
    true_multiplier: FactorText | None = None
    agreed_kwh: SignedKwh | None = None


_CORRECTION, _REASON = JsonBody(EnergyCorrectionSent), JsonBody(ReasonSent)
_NOTHING = JsonBody(Nothing)


class EnergyCorrections(Resource):
    """`/v1/energy-corrections`"""

    @promises(
        Operation(
            summary="List the corrections of energy, newest first; a page at a time.",
            permission="energy_corrections.read",
            query=Page,
            answer=EnergyCorrectionPage,
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
            summary="Ask that energy which was counted wrongly is billed, or given back; answers "
            "with the calculation, nothing is owed until another approves.",
            permission="energy_corrections.request",
            body=EnergyCorrectionSent,
            example={
                "account_no": "1000000005",
                "since": "2026-01-01",
                "until": "2026-03-01",
                "true_multiplier": "40",
                "reason": "Work order 2026-118: current transformers of 200/5, recorded as 150/5.",
            },
            answer=EnergyCorrection,
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
            order=EnergyCorrectionOrder(
                account_no=sent.account_no,
                facts=msgspec.convert(sent, Facts, from_attributes=True),
                since=sent.since,
                until=sent.until,
                reason=sent.reason,
            ),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class CorrectionByNumber(Resource):
    """`/v1/energy-corrections/{energy_correction_no}`"""

    @promises(
        Operation(
            summary="Read a correction with its calculation and every step it has taken, by whom.",
            permission="energy_corrections.read",
            answer=EnergyCorrection,
        )
    )
    def on_get(self, req: Request, resp: Response, energy_correction_no: int) -> None:
        """Read."""
        found = correction_by_no(
            database=req.database,
            caller=req.caller,
            correction_no=energy_correction_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, found)


class Approvals(Resource):
    """`/v1/energy-corrections/{energy_correction_no}/approvals`"""

    @promises(
        Operation(
            summary="Approve a correction that another has asked for: a bill of its own follows "
            "for each bill concerned; what they give back is paid ahead, and pays what is owed.",
            permission="energy_corrections.decide",
            body=Nothing,
            example={},
            answer=EnergyCorrection,
        )
    )
    def on_post(self, req: Request, resp: Response, energy_correction_no: int) -> None:
        """Approve."""
        once, _ = _NOTHING.read(req)
        answer = approve_correction(
            database=req.database,
            caller=req.caller,
            once=once,
            correction_no=energy_correction_no,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Rejections(Resource):
    """`/v1/energy-corrections/{energy_correction_no}/rejections`"""

    @promises(
        Operation(
            summary="Reject a correction, or withdraw one's own, for a reason.",
            permission="energy_corrections.decide",
            body=ReasonSent,
            example={"reason": "The multiplier was right."},
            answer=EnergyCorrection,
        )
    )
    def on_post(self, req: Request, resp: Response, energy_correction_no: int) -> None:
        """Reject."""
        once, sent = _REASON.read(req)
        answer = reject_correction(
            database=req.database,
            caller=req.caller,
            once=once,
            correction_no=energy_correction_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Reversals(Resource):
    """`/v1/energy-corrections/{energy_correction_no}/reversals`"""

    @promises(
        Operation(
            summary="Ask that a correction in force is taken back, for a reason; another approves.",
            permission="energy_corrections.request",
            body=ReasonSent,
            example={"reason": "The plate was misread: 150/5 was right."},
            answer=EnergyCorrection,
            status=201,
            headers={"Location": "Where the reversal can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response, energy_correction_no: int) -> None:
        """Ask."""
        once, sent = _REASON.read(req)
        answer = request_reversal(
            database=req.database,
            caller=req.caller,
            once=once,
            correction_no=energy_correction_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
