"""HTTP for calculations of bills that nobody owes yet."""

from __future__ import annotations

from functools import partial
from typing import Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.trial_parts import trial
from service.api.trials import TrialSent
from service.domain.calculations import Calculation, Line
from service.domain.explanations import formula
from service.domain.months import business_date
from service.domain.power_factors import in_hundredths
from service.domain.prices import InForce, yuan_text
from service.domain.tou import Period
from service.usecases.bill_calculations import calculate_bill

_EXAMPLE = {
    "published": {"now": {"category": "residential", "on": "2026-04-01"}},
    "tariffs": {
        "proposed": {
            "prices": [
                {"component": "energy", "price_yuan": "0.56", "tier": 1},
                {"component": "energy", "price_yuan": "0.62", "tier": 2},
                {"component": "energy", "price_yuan": "0.88", "tier": 3},
            ],
            "tiers": {"basis": "month", "limits_kwh": [170, 260]},
        }
    },
    "spells": [{"tariff": "now", "days": 14}, {"tariff": "proposed", "days": 16}],
    "energy": {"flat": 310},
}


class CalculatedLine(msgspec.Struct, frozen=True):
    """
    One line; `sub_meter` counts from 1, 0 is the main meter, null the customer as a whole.

    `price` is in yuan per unit, of the power factor's adjustment in percent of the base.
    """

    sub_meter: int | None
    component: str
    period: Period | None
    tier: int | None
    quantity: str
    unit: Literal["kWh", "kVA", "kW", "month", "yuan"]
    price: str
    amount_fen: int
    is_levy: bool
    tariff: str
    why: str


class BillCalculated(msgspec.Struct, frozen=True):
    """What a bill would come to; `power_factor` is null where none is assessed."""

    amount_fen: int
    power_factor: str | None
    lines: list[CalculatedLine]


_BODY = JsonBody(TrialSent)


class BillCalculations(Resource):
    """`/v1/bill-calculations`"""

    @promises(
        Operation(
            summary="Calculate what a bill would come to, by the rules that bills are made by.",
            permission="bill_calculations.make",
            body=TrialSent,
            example=_EXAMPLE,
            answer=BillCalculated,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Calculate; nothing is recorded."""
        _, sent = _BODY.read(req)
        today = business_date(self._clock())
        found = calculate_bill(
            database=req.database,
            caller=req.caller,
            published={
                name: InForce(each.category, each.on or today)
                for name, each in sent.published.items()
            },
            trial=partial(trial, asked=sent),
            deadline=req.deadline,
        )
        answers.made(resp, _answered(found), status=200)


def _answered(found: Calculation) -> BillCalculated:
    factor = found.power_factor
    return BillCalculated(
        amount_fen=found.amount_fen,
        power_factor=None if factor is None else in_hundredths(factor),
        lines=[_line(line) for line in found.lines],
    )


def _line(line: Line) -> CalculatedLine:
    is_adjustment = line.unit == "fen"
    return CalculatedLine(
        sub_meter=line.portion,
        component=line.component,
        period=line.period,
        tier=line.tier,
        quantity=yuan_text(int(line.quantity) * 10**6) if is_adjustment else str(line.quantity),
        unit="yuan" if line.unit == "fen" else line.unit,
        price=yuan_text(line.price * 10**6) if is_adjustment else yuan_text(line.price),
        amount_fen=line.amount_fen,
        is_levy=line.is_levy,
        tariff=line.version,
        why=formula(line),
    )
