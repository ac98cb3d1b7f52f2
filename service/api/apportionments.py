"""HTTP for energy that is billed at the prices of another category."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Text
from service.domain.apportionments import PARTS_MAX, Apportionment, RecordedApportionments
from service.domain.meters import CONSUMPTION_MAX_KWH
from service.usecases.apportionments import apportionments_of_account, record_apportionment


class PartSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Energy that is billed at the prices of `category`.

    `fixed_kwh` a month, or a share of what the fixed ones leave: one of them. `participation` says
    how it counts where the power factor is assessed.
    """

    category: Text
    participation: Literal["energy_and_money", "energy_only", "neither"]
    fixed_kwh: Annotated[int, msgspec.Meta(ge=1, le=CONSUMPTION_MAX_KWH)] | None = None
    share_hundredths_percent: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None


class ApportionmentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts that hold from a month (YYYY-MM) on, each taken in turn; none of them ends it."""

    from_month: Text
    document_no: Text
    parts: Annotated[list[PartSent], msgspec.Meta(max_length=PARTS_MAX)]


_APPORTIONMENT = JsonBody(ApportionmentSent)


class Apportionments(Resource):
    """`/v1/accounts/{account_no}/apportionments`"""

    @promises(
        Operation(
            summary="Read which parts of an account's energy are billed otherwise, newest first.",
            permission="accounts.read",
            answer=RecordedApportionments,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = apportionments_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Bill parts of an account's energy at other prices, from a month on.",
            permission="apportionments.record",
            body=ApportionmentSent,
            example={
                "from_month": "2027-01",
                "document_no": "Contract 650102-2027-31, annex 2",
                "parts": [
                    {
                        "category": "residential_collective",
                        "fixed_kwh": 500,
                        "participation": "energy_only",
                    },
                    {
                        "category": "agricultural",
                        "share_hundredths_percent": 2000,
                        "participation": "energy_and_money",
                    },
                ],
            },
            answer=RecordedApportionments,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Record."""
        once, sent = _APPORTIONMENT.read(req)
        answer = record_apportionment(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            apportionment=msgspec.convert(sent, Apportionment, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
