"""HTTP for the closing of an account."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.trials import RegisterName
from service.api.validation import Moment, Text
from service.domain.account_closings import AccountClosing, NewClosing
from service.usecases.account_closings import close_account, closing_of_account


class ClosingSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A closing: what the meter showed as it was removed for good, on which work order.

    A register that is far below what it showed before has passed its last digit only if that is
    confirmed. `final_periods` are the meter's other registers, if it has any.
    """

    closed_at: Moment
    final_register: str
    work_order_no: Text
    reason: Text
    is_roll_over_confirmed: bool = False
    final_periods: dict[RegisterName, str] = {}


_CLOSING = JsonBody(ClosingSent)


class Closing(Resource):
    """`/v1/accounts/{account_no}/closing`"""

    @promises(
        Operation(
            summary="Read how an account was closed.",
            permission="accounts.read",
            answer=AccountClosing,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = closing_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Close an account: its meter is removed, the month's bill is its last.",
            permission="accounts.close",
            body=ClosingSent,
            example={
                "closed_at": "2026-03-12T10:30:00+08:00",
                "final_register": "1398.00",
                "work_order_no": "W-2026-0312-8",
                "reason": "The customer moves away.",
            },
            answer=AccountClosing,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Close."""
        once, sent = _CLOSING.read(req)
        answer = close_account(
            database=req.database,
            caller=req.caller,
            once=once,
            new=NewClosing(account_no=account_no, **msgspec.structs.asdict(sent)),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
