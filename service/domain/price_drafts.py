"""Price drafts: what a price list of one category is meant to say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from service.domain import calendars
from service.domain.apportionments import PART_CATEGORIES
from service.domain.calculations import PeriodUnpriced
from service.domain.calendars import Calendar
from service.domain.errors import Invalid
from service.domain.ledger import LEVIES
from service.domain.new_accounts import CATEGORIES, CategoryUnknown
from service.domain.tariffs import BASIC, ENERGY, Price, Tariff
from service.domain.tiers import Extension, Scheme
from service.domain.tou import Period
from service.domain.two_part import TWO_PART

_PRICE_PLACES = 8
_BASIC_BELOW_YUAN = 5_000
_OF_SUPPLY = frozenset({"kVA", "kW"})


class EnergyUnpriced(Invalid):
    """A draft leaves the energy of its category without a price."""

    code = "ENERGY_UNPRICED"
    hint = "Give the component `energy` a price per kWh: for all, for each period or each tier."


class PriceTwice(Invalid):
    """A draft has two prices for the same."""

    code = "PRICE_TWICE"
    hint = "Give each component one price a period or a tier."


class LevyUnknown(Invalid):
    """A levy that the books have no account for could not be passed on."""

    code = "LEVY_UNKNOWN"
    hint = f"Use one of these components: {', '.join(LEVIES)}."


class TiersOfNoHome(Invalid):
    """Tiers are about what one household uses; a shop, a farm, a dormitory is none."""

    code = "TIERS_OF_NO_HOME"
    hint = "Leave `tiers` out, and send one price for all energy, or one for each period."


class BasicPricesMismatched(Invalid):
    """Customers of two parts pay for a kVA, or a kW; no others do."""

    code = "BASIC_PRICES_MISMATCHED"
    hint = "Price `basic` per kVA and per kW, from 0 to 5000 yuan, where there are two parts only."


class CalendarMissing(Invalid):
    """A draft prices periods of the day, and does not say when they are."""

    code = "CALENDAR_MISSING"
    hint = "Give the draft a `calendar`: the seasons, with the periods of each kind of day."


class PeriodNotInCalendar(Invalid):
    """A draft prices a period of the day that its calendar does not have."""

    code = "PERIOD_NOT_IN_CALENDAR"
    hint = "Give the period some hours in the calendar, or take its price away."


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPrice:
    """
    A price in decimal yuan per kWh or month; for one period, for one tier, or for all.

    Those of the component `basic` are per kVA and per kW, a month.
    """

    component: str
    price_yuan: str
    period: Period | None = None
    tier: int | None = None
    unit: Literal["kWh", "month", "kVA", "kW"] = "kWh"
    is_levy: bool = False
    is_in_power_factor_base: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTiers:
    """Where tiers end, in kWh a month or a year; what a household of many has more a month."""

    basis: Literal["month", "year"]
    limits_kwh: tuple[int, ...]
    extension_kwh: int = 0
    extension: Extension = "shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDraft:
    """
    A price list as it is proposed; `prices` are in the order of a bill's lines.

    `free_kwh` are a household's in need, a month. `legal_document` is the number of the order that
    sets the prices. `calendar` says when the periods are that have prices of their own.
    """

    category: str
    legal_document: str
    valid_from: date
    prices: tuple[DraftPrice, ...]
    tiers: DraftTiers | None = None
    free_kwh: int = 0
    calendar: Calendar | None = None

    def tariff(self, *, version: str) -> Tariff:
        """
        Return what a bill is calculated by.

        :raises TiersNotRising: if tiers do not end one above the other
        :raises TierUnpriced: if the prices do not fit the tiers
        """
        tiers = self.tiers
        return Tariff(
            version=version,
            prices=tuple(map(_price, self.prices)),
            scheme=Scheme(
                is_annual=tiers.basis == "year",
                limits_kwh=tiers.limits_kwh,
                extension_kwh=tiers.extension_kwh,
                extension=tiers.extension,
            )
            if tiers
            else None,
            free_kwh=self.free_kwh,
            tables={},
        )


def checked(draft: PriceDraft) -> PriceDraft:
    """
    Return `draft` if any bill of its category can be calculated, then booked, by it.

    :raises CategoryUnknown: if nobody is of the category
    :raises EnergyUnpriced: if energy has no price
    :raises BasicPricesMismatched: if a basic charge has no price, or a price and no customers
    :raises PriceTwice: if something has two
    :raises LevyUnknown: if a levy has no account in the books
    :raises PeriodUnpriced: if some periods have a price, and what is flat, or another one of the
        calendar, has none
    :raises CalendarMissing: if periods have prices and no calendar
    :raises CalendarHole, CalendarOverlap: if the calendar gives some time no period, or two
    :raises CalendarMalformed: if it names a day or a stretch of time that cannot be
    :raises PeriodNotInCalendar: if a period has a price, and is not in the calendar
    :raises TiersOfNoHome: if it has tiers for others than households
    :raises TiersNotRising: if tiers do not end one above the other
    :raises TierUnpriced: if the prices do not fit the tiers
    """
    if draft.category not in CATEGORIES:
        raise CategoryUnknown(f"category is {draft.category!r}")
    energy = [price for price in draft.prices if price.component == ENERGY and price.unit == "kWh"]
    if not energy:
        raise EnergyUnpriced(f"no price for the energy of {draft.category}")
    _check_basic(draft)
    named = Counter(
        (price.component, price.period, price.tier, price.unit if price.component == BASIC else "")
        for price in draft.prices
    )
    twice = [component for (component, *_), times in named.items() if times > 1]
    if twice:
        raise PriceTwice(f"{twice[0]} has two prices for the same")
    levies = [each.component for each in draft.prices if each.is_levy]
    if unknown := [component for component in levies if component not in LEVIES]:
        raise LevyUnknown(f"levy {unknown[0]!r}")
    if draft.tiers and draft.category in PART_CATEGORIES:
        raise TiersOfNoHome(f"prices of {draft.category}")
    draft.tariff(version="draft")
    _check_periods(draft)
    return draft


def _check_basic(draft: PriceDraft) -> None:
    found = [each for each in draft.prices if each.component == BASIC or each.unit in _OF_SUPPLY]
    wanted = _OF_SUPPLY if draft.category in TWO_PART else frozenset()
    if {each.unit for each in found} != wanted or not all(map(_is_plain_basic, found)):
        raise BasicPricesMismatched(f"{draft.category}, with {len(found)} prices of supply")


def _is_plain_basic(price: DraftPrice) -> bool:
    is_plain = price.period is None and price.tier is None and not price.is_levy
    # What exceeds a contract costs twice as much, which has to fit where prices are kept.
    is_price = 0 <= Decimal(price.price_yuan) < _BASIC_BELOW_YUAN
    return is_plain and is_price and price.component == BASIC


def _check_periods(draft: PriceDraft) -> None:
    """
    Check that each period of the calendar has its prices, and the other way round.

    Flat has one in any case: all that a meter with one register counts is flat.
    """
    named = calendars.checked(draft.calendar).periods if draft.calendar else frozenset()
    by_component: dict[str, set[Period]] = {}
    for price in draft.prices:
        if price.period is not None:
            by_component.setdefault(price.component, set()).add(price.period)
    if by_component and not named:
        raise CalendarMissing(f"prices for periods of {sorted(by_component)}")
    if named and not by_component:
        raise PeriodUnpriced(f"the calendar has {sorted(named)}, nothing has a price for any")
    for component, periods in by_component.items():
        unpriced = (named | {"flat"}) - periods
        if unpriced:
            raise PeriodUnpriced(f"{component} has no price for {sorted(unpriced)}")
        unknown = periods - named - {"flat"}
        if unknown:
            raise PeriodNotInCalendar(f"{component} has a price for {sorted(unknown)}")


def _price(price: DraftPrice) -> Price:
    return Price(
        component=price.component,
        price=int(Decimal(price.price_yuan).scaleb(_PRICE_PLACES)),
        period=price.period,
        tier=price.tier,
        unit=price.unit,
        is_levy=price.is_levy,
        is_in_base=price.is_in_power_factor_base,
    )
