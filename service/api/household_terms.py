"""HTTP for what is known of households."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Text
from service.domain.household_terms import HouseholdTerm, RecordedTerms
from service.usecases.household_terms import record_term, terms_of_account


class TermSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a household is from a month (YYYY-MM) on, and the number of what proves it."""

    from_month: Text
    persons: Annotated[int, msgspec.Meta(ge=1, le=100)]
    document_no: Text
    subsidy: Literal["none", "low_income", "five_guarantees"] = "none"


_TERM = JsonBody(TermSent)


class HouseholdTerms(Resource):
    """`/v1/accounts/{account_no}/household-terms`"""

    @promises(
        Operation(
            summary="Read what is known of a household, the newest first.",
            permission="accounts.read",
            answer=RecordedTerms,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = terms_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Record how a household is, from a month on that is not billed yet.",
            permission="household_terms.record",
            body=TermSent,
            example={
                "from_month": "2027-01",
                "persons": 6,
                "subsidy": "low_income",
                "document_no": "Register 650102-118",
            },
            answer=RecordedTerms,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Record."""
        once, sent = _TERM.read(req)
        answer = record_term(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            term=msgspec.convert(sent, HouseholdTerm, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
