"""Prices: what the published catalogue charges for energy, from which day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from service.domain.calendars import Calendar
from service.domain.errors import Missing
from service.domain.tariffs import Tariff

_UNITS_PER_YUAN = 100_000_000
_PLACES = 8


class PricesUnknown(Missing):
    """No catalogue was in force on that day."""

    code = "PRICES_UNKNOWN"
    hint = "Ask for a later day; the oldest catalogue does not reach back so far."


@dataclass(frozen=True, slots=True)
class PriceList:
    """
    A published version of the catalogue for one category: its tariff, valid from a day on.

    `calendar` says when the periods are that it prices, if it prices any.
    """

    catalogue_version_id: int
    category: str
    legal_document: str
    valid_from: date
    tariff: Tariff
    calendar: Calendar | None = None


class InForce(NamedTuple):
    """The price list of a category that is in force on a day."""

    category: str
    on: date


def in_force_from(prices: Sequence[PriceList], day: date) -> Sequence[PriceList]:
    """Return price lists (the oldest first) without those that others replaced by `day`."""
    ended = sum(each.valid_from <= day for each in prices[1:])
    return prices[ended:]


def yuan_text(price: int) -> str:
    """Write a price of 1e-8 yuan as yuan, in decimals without zeros at the end: `0.0225`, `1`."""
    sign = "-" if price < 0 else ""
    whole, fraction = divmod(abs(price), _UNITS_PER_YUAN)
    return f"{sign}{whole}.{fraction:0{_PLACES}}".rstrip("0").rstrip(".")
