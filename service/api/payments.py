"""HTTP for payments."""

from __future__ import annotations

from typing import Annotated

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Page, Text, parameters
from service.domain.payments import AMOUNT_MAX_FEN, PaymentOrder, PaymentReceipt
from service.domain.statements import StatementPage
from service.usecases.payments import payment_by_no, statement_of_account, take_payment

# The domain judges the amount, with a code of its own; the description only says how.
_AMOUNT = msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": AMOUNT_MAX_FEN})
_EXAMPLE = {
    "account_no": "1000000005",
    "amount_fen": 12_345,
    "channel": "hall",
    "channel_serial": "H01-20260331-0001",
}


class PaymentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money received for an account; the channel's serial names it once a business day."""

    account_no: Text
    amount_fen: Annotated[int, _AMOUNT]
    channel: Text
    channel_serial: Text


_BODY = JsonBody(PaymentSent)


class Payments(Resource):
    """`/v1/payments`"""

    @promises(
        Operation(
            summary="Take a payment: the oldest bills first, the rest is kept as prepayment.",
            permission="payments.take",
            body=PaymentSent,
            example=_EXAMPLE,
            answer=PaymentReceipt,
            status=201,
            headers={"Location": "Where the payment can be read again."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Take a payment."""
        once, sent = _BODY.read(req)
        answer = take_payment(
            database=req.database,
            caller=req.caller,
            once=once,
            order=msgspec.convert(sent, PaymentOrder, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class PaymentByNumber(Resource):
    """`/v1/payments/{payment_no}`"""

    @promises(
        Operation(
            summary="Read a payment with the bills it paid.",
            permission="payments.read",
            answer=PaymentReceipt,
        )
    )
    def on_get(self, req: Request, resp: Response, payment_no: str) -> None:
        """Read."""
        receipt = payment_by_no(
            database=req.database,
            caller=req.caller,
            payment_no=payment_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, receipt)


class Statement(Resource):
    """`/v1/accounts/{account_no}/statement`"""

    @promises(
        Operation(
            summary="Read what moved an account's balance, newest first; a page at a time.",
            permission="statements.read",
            query=Page,
            answer=StatementPage,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        asked = parameters(req.params, Page)
        page = statement_of_account(
            database=req.database,
            caller=req.caller,
            account_no=account_no,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)
