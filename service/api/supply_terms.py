"""HTTP for how customers of two parts are charged."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Text
from service.domain.supply_terms import RecordedSupplyTerms, SupplyTerm
from service.usecases.supply_terms import record_supply_term, supply_terms_of_account


class SupplyTermSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    How an account is charged from a month (YYYY-MM) on; decimal numbers are text.

    `contract_kw` goes with the mode `contract_demand`. A meter that is metered low hangs behind the
    transformers, whose losses are billed by `load_shape` (1.0 for three shifts, 3.0 for one).
    """

    from_month: Text
    basic_mode: Literal["capacity", "contract_demand", "actual_demand"]
    document_no: Text
    contract_kw: Text | None = None
    power_factor_standard: Literal[80, 85, 90] | None = None
    is_metered_low: bool = False
    load_shape: Text = "1.0"
    line_loss_hundredths_percent: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    has_heavy_use_discount: bool = False


_TERM = JsonBody(SupplyTermSent)


class SupplyTerms(Resource):
    """`/v1/accounts/{account_no}/supply-terms`"""

    @promises(
        Operation(
            summary="Read how a customer of two parts is charged, the newest terms first.",
            permission="accounts.read",
            answer=RecordedSupplyTerms,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = supply_terms_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Record how a customer of two parts is charged, from a month on.",
            permission="supply_terms.record",
            body=SupplyTermSent,
            example={
                "from_month": "2027-01",
                "basic_mode": "contract_demand",
                "contract_kw": "600",
                "power_factor_standard": 90,
                "is_metered_low": True,
                "load_shape": "1.5",
                "document_no": "Contract 650102-2027-31",
            },
            answer=RecordedSupplyTerms,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Record."""
        once, sent = _TERM.read(req)
        answer = record_supply_term(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            term=msgspec.convert(sent, SupplyTerm, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
