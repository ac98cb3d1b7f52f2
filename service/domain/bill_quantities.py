"""Bill quantities: the energy that a bill is about, by period, by the days of each price list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from service.domain.bill_bases import Basis, Stand
from service.domain.errors import Conflict
from service.domain.metered import energy_of
from service.domain.meters import Register, Span, measured_kwh
from service.domain.months import Month, business_date
from service.domain.portions import Spell
from service.domain.prices import PriceList
from service.domain.tariffs import Tariff
from service.domain.tou import Energy


class PriceMissing(Conflict):
    """No catalogue was in force for the category of the account, or of a part of it."""

    code = "PRICE_MISSING"
    hint = "Publish a catalogue that is valid from the first day of the bill."


class PeriodsUnread(Conflict):
    """The books have half a reading of a meter with several registers."""

    code = "PERIODS_UNREAD"
    hint = "Tell whoever runs the service: readings are taken whole, no program leaves one so."


def spells(
    basis: Basis,
    reading: Stand,
    prices: Sequence[PriceList],
    *,
    season: Month | None = None,
    of: str = "",
) -> tuple[Spell, ...]:
    """
    Return the days under each price list, from the day of the reading before to that of this one.

    :param season: the month whose sharp peak is priced, if it has one; None if the energy's is
    :param of: the category of the prices, if it is not the account's
    Source: domain rules 2.1, 2.12a (the new price holds from its date).
    :raises PriceMissing: if some of the days have no price list
    """
    begins_on, ends_on = days_between(basis.previous.read_at, reading.read_at)
    if not prices or prices[0].valid_from > begins_on:
        raise PriceMissing(f"no prices for {of or basis.category} on {begins_on}")
    return spells_between(begins_on, ends_on, prices, season=season)


def days_between(previous_read_at: datetime, read_at: datetime) -> tuple[date, date]:
    """Return the day a bill begins on, and the day it ends before, by its readings."""
    begins_on = business_date(previous_read_at)
    return begins_on, max(business_date(read_at), begins_on + timedelta(days=1))


def spells_between(
    begins_on: date, ends_on: date, prices: Sequence[PriceList], *, season: Month | None = None
) -> tuple[Spell, ...]:
    """
    Return the days under each price list, from one day up to, not into, another.

    :param prices: in force on any of the days, the oldest first, by which it begins
    :param season: as of `spells`
    """
    until = [*(each.valid_from for each in prices[1:]), ends_on]
    found = []
    for each, next_from in zip(prices, until, strict=True):
        days = (min(next_from, ends_on) - max(each.valid_from, begins_on)).days
        if days > 0:
            tariff = each.tariff if season is None else of_season(each, season)
            found.append(Spell(days=days, tariff=tariff))
    return tuple(found)


def of_season(prices: PriceList, month: Month) -> Tariff:
    """Return a tariff as it is in a month: without a sharp peak, what is sharp costs as peak."""
    if prices.calendar is None or prices.calendar.has("sharp", month=month.number):
        return prices.tariff
    priced = tuple(each for each in prices.tariff.prices if each.period != "sharp")
    return replace(prices.tariff, prices=priced)


def measured(basis: Basis, reading: Stand) -> Energy:
    """Return what the account's meters measured for a bill: all flat, but for what they tell."""
    running = Span(
        shape=Register(basis.digits, basis.decimals),
        multiplier=basis.multiplier,
        start=basis.previous.register,
        end=reading.register,
        roll_overs=basis.roll_overs,
    )
    kwh = measured_kwh((*basis.removed, running))
    if not basis.others:  # nearly every bill
        return Energy(flat=kwh)
    known = [each for each in basis.others if each is not None]
    if len(known) < len(basis.others):
        raise PeriodsUnread(f"readings up to that of {reading.read_at.isoformat()}")
    return energy_of(kwh, known)


def in_season(energy: Energy, reading: Stand, prices: Sequence[PriceList], month: Month) -> Energy:
    """Return the energy as a month prices it that may have no sharp peak. Source: rule 2.1."""
    if not energy.sharp:
        return energy
    read_on = business_date(reading.read_at)
    in_force = [each.calendar for each in prices if each.valid_from <= read_on]
    calendar = in_force[-1] if in_force else None
    if calendar is None or calendar.has("sharp", month=month.number):
        return energy
    return energy.with_sharp_as_peak()
