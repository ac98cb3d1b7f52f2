"""HTTP for prices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from service.api import answers
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import parameters
from service.domain.prices import PriceList, yuan_text
from service.usecases.prices import prices_on


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day whose prices are asked for."""

    on: date


class PriceAnswered(msgspec.Struct, frozen=True):
    """One price; `upto_kwh` is where its tier ends each month, null if it has no end."""

    component: str
    tier: int | None
    upto_kwh: int | None
    price_yuan_per_kwh: str
    is_levy: bool


class PriceListAnswered(msgspec.Struct, frozen=True):
    """What one category of customers pays, in the order of a bill's lines."""

    category: str
    legal_document: str
    valid_from: date
    prices: list[PriceAnswered]


class PricesAnswered(msgspec.Struct, frozen=True):
    """The price lists in force, one a category."""

    on: date
    items: list[PriceListAnswered]


class Prices(Resource):
    """`/v1/prices`"""

    @promises(
        Operation(
            summary="Read what energy costs on a day, for each category of customers.",
            permission="prices.read",
            query=Day,
            answer=PricesAnswered,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """Read."""
        asked = parameters(req.params, Day)
        lists = prices_on(
            database=req.database, caller=req.caller, on=asked.on, deadline=req.deadline
        )
        answers.found(req, resp, PricesAnswered(on=asked.on, items=_answered(lists)))


def _answered(lists: Iterable[PriceList]) -> list[PriceListAnswered]:
    return [
        PriceListAnswered(
            category=found.category,
            legal_document=found.legal_document,
            valid_from=found.valid_from,
            prices=[
                PriceAnswered(
                    component=price.component,
                    tier=price.tier,
                    upto_kwh=price.upto_kwh,
                    price_yuan_per_kwh=yuan_text(price.price),
                    is_levy=price.is_levy,
                )
                for price in found.prices
            ],
        )
        for found in lists
    ]
