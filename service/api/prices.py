"""HTTP for prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

import msgspec

from service.api import answers
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import parameters
from service.domain.calendars import Calendar
from service.domain.prices import PriceList, yuan_text
from service.domain.tariffs import Price, Unit
from service.domain.tiers import Extension
from service.domain.tou import Period
from service.usecases.prices import prices_on


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day whose prices are asked for."""

    on: date


class PriceAnswered(msgspec.Struct, frozen=True):
    """
    One price in yuan per kWh or per month: for a period of the day, for a tier, or for all energy.

    `upto_kwh` is where its tier ends, null if it has no end.
    """

    component: str
    period: Period | None
    tier: int | None
    upto_kwh: int | None
    unit: Unit
    price_yuan: str
    is_levy: bool


class PriceListAnswered(msgspec.Struct, frozen=True):
    """
    What one category of customers pays, in the order of a bill's lines.

    Tiers are those of a month or of a year. A household of many has `extension_kwh` more a month:
    `shift` moves every tier, `widen` the first. One in need has `free_kwh` a month. `calendar`
    says when the periods are, in business time; null if none has a price of its own.
    """

    category: str
    legal_document: str
    valid_from: date
    tiers: Literal["month", "year"] | None
    extension_kwh: int
    extension: Extension | None
    free_kwh: int
    prices: list[PriceAnswered]
    calendar: Calendar | None


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
    return [_list(found) for found in lists]


def _list(found: PriceList) -> PriceListAnswered:
    scheme = found.tariff.scheme
    limits = scheme.limits_kwh if scheme else ()
    basis: Literal["month", "year"] | None = None
    if scheme is not None:
        basis = "year" if scheme.is_annual else "month"
    return PriceListAnswered(
        category=found.category,
        legal_document=found.legal_document,
        valid_from=found.valid_from,
        tiers=basis,
        extension_kwh=scheme.extension_kwh if scheme else 0,
        extension=scheme.extension if scheme else None,
        free_kwh=found.tariff.free_kwh,
        prices=[_price(price, limits) for price in found.tariff.prices],
        calendar=found.calendar,
    )


def _price(price: Price, limits: Sequence[int]) -> PriceAnswered:
    return PriceAnswered(
        component=price.component,
        period=price.period,
        tier=price.tier,
        upto_kwh=dict(enumerate(limits, start=1)).get(price.tier or 0),
        unit=price.unit,
        price_yuan=yuan_text(price.price),
        is_levy=price.is_levy,
    )
