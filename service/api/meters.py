"""HTTP for the meters of an account."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.trials import RegisterName
from service.api.validation import Moment, Text
from service.domain.meter_exchanges import HungMeters, NewExchange
from service.domain.new_accounts import NewMeter
from service.usecases.meter_exchanges import exchange_meter, meters_of_account


class MeterHung(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The new meter, with what it showed as it was hung.

    `periods` names its other registers (periods of the day, reactive, demand), each with what it
    showed.
    """

    asset_no: str
    digits: int
    decimals: int
    multiplier: str
    initial_register: str
    periods: dict[RegisterName, str] = {}


class ExchangeSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    An exchange: what the old meter showed as it was removed, and the new one, hung at that moment.

    A register that is far below what it showed before has passed its last digit only if that is
    confirmed. `final_periods` are the old meter's other registers, if it has any.
    """

    exchanged_at: Moment
    final_register: str
    meter: MeterHung
    work_order_no: Text
    reason: Text
    is_roll_over_confirmed: bool = False
    final_periods: dict[RegisterName, str] = {}


_EXCHANGE = JsonBody(ExchangeSent)


class Meters(Resource):
    """`/v1/accounts/{account_no}/meters`"""

    @promises(
        Operation(
            summary="Read every meter an account has had, the newest first.",
            permission="readings.read",
            answer=HungMeters,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = meters_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Exchange the meter; what the old one measured is part of the next bill.",
            permission="meters.exchange",
            body=ExchangeSent,
            example={
                "exchanged_at": "2026-03-12T10:30:00+08:00",
                "final_register": "1398.00",
                "meter": {
                    "asset_no": "M0000000002",
                    "digits": 6,
                    "decimals": 2,
                    "multiplier": "40",
                    "initial_register": "0.20",
                },
                "work_order_no": "W-2026-0312-7",
                "reason": "Its verification was due.",
            },
            answer=HungMeters,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Exchange."""
        once, sent = _EXCHANGE.read(req)
        hung = msgspec.structs.asdict(sent.meter)
        answer = exchange_meter(
            database=req.database,
            caller=req.caller,
            once=once,
            new=NewExchange(
                account_no=account_no,
                final_register=sent.final_register,
                is_roll_over_confirmed=sent.is_roll_over_confirmed,
                meter=NewMeter(**hung, installed_at=sent.exchanged_at),
                work_order_no=sent.work_order_no,
                reason=sent.reason,
                final_periods=sent.final_periods,
            ),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
