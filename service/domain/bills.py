"""Bills: what an account owes for the energy of its accounting months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from service.domain import two_part
from service.domain.bill_bases import Basis, Stand
from service.domain.bill_numbers import bill_number
from service.domain.calculations import Calculation, Line, calculate
from service.domain.errors import Conflict, Invalid
from service.domain.household_terms import Subsidy, has_free_energy, has_wider_tiers
from service.domain.metered import energy_of
from service.domain.meters import Register, Span, measured_kwh
from service.domain.months import Month, business_date, months_between
from service.domain.portions import Household, Portion, Spell
from service.domain.prices import PriceList
from service.domain.reading_checks import Use, check_reading
from service.domain.tiers import MONTHS_OF_A_YEAR
from service.domain.tou import Energy

DAYS_TO_PAY = 20
"""A bill is due this many days after its issue, in the calendar of business time."""


class ReadingMissing(Conflict):
    """The month has no reading to bill up to."""

    code = "READING_MISSING"
    hint = "Post a reading of the month, or estimate it, then start another run for the month."


class LaterMonthBilled(Conflict):
    """The energy of the month is part of a later month's bill."""

    code = "LATER_MONTH_BILLED"
    hint = "Nothing is left to bill: the later bill begins where the bill before the gap ended."


class PriceMissing(Conflict):
    """No catalogue was in force for the account's category."""

    code = "PRICE_MISSING"
    hint = "Publish a catalogue that is valid from the first day of the bill."


class PeriodsUnread(Conflict):
    """The books have half a reading of a meter with several registers."""

    code = "PERIODS_UNREAD"
    hint = "Tell whoever runs the service: readings are taken whole, no program leaves one so."


class AmountNegative(Invalid):
    """A bill cannot pay its customer."""

    code = "AMOUNT_NEGATIVE"
    hint = "Check the catalogue: prices below zero outweigh the others."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """
    A bill as issued: never changed, corrected only by a reversal.

    Of an account of two parts `consumption_kwh` holds the `lost_kwh`; its `power_factor` is in
    hundredths, None if it was not assessed.
    """

    month: Month
    account_id: int
    serial: int
    bill_no: str
    category: str
    catalogue_version_id: int
    previous: Stand
    reading: Stand
    multiplier: Decimal
    consumption_kwh: int
    lines: tuple[Line, ...]
    amount_fen: int
    issued_at: datetime
    due_on: date
    power_factor: int | None = None
    lost_kwh: int = 0
    reactive_kvarh: int = 0


def issue(*, basis: Basis, month: Month, prices: Sequence[PriceList], issued_at: datetime) -> Bill:
    """
    Return the bill of one account for all energy up to its reading of `month`.

    A month that could not be billed is part of the next bill, with its share of every tier.
    `prices` are those of the account's category, the oldest first, with the one that was in force
    when the bill begins.
    :raises LaterMonthBilled: if a later month has a bill already
    :raises ReadingMissing: if the month has no reading
    :raises PeriodsUnread: if the books lack what a register of a period showed
    :raises PeriodsExceedTotal: if its periods come to more than all its energy
    :raises ConsumptionImplausible: if the energy is below zero or beyond `CONSUMPTION_MAX_KWH`
    :raises ReadingInQuestion: if it is unlike that of the bills before, and nobody has accepted it
    :raises PriceMissing: if no prices were in force
    :raises PeriodUnpriced: if they leave energy without a price
    :raises TierUnpriced: if they change between tiers and none
    :raises AmountNegative: if the lines sum up to less than nothing
    :raises Conflict: of an account of two parts, as `two_part.calculated` says
    """
    reading = _reading_to_bill(basis, month)
    calculation = _calculation(basis, reading, month, prices)
    return Bill(
        month=month,
        account_id=basis.account_id,
        serial=basis.serial,
        bill_no=bill_number(month=month, account_no=basis.account_no, serial=basis.serial),
        category=basis.category,
        catalogue_version_id=int(_spells(basis, reading, prices)[-1].tariff.version),
        previous=basis.previous,
        reading=reading,
        multiplier=basis.multiplier,
        consumption_kwh=calculation.consumption_kwh,
        lines=calculation.lines,
        amount_fen=calculation.amount_fen,
        issued_at=issued_at,
        due_on=business_date(issued_at) + timedelta(days=DAYS_TO_PAY),
        power_factor=calculation.power_factor,
        lost_kwh=calculation.lost_kwh,
        reactive_kvarh=calculation.reactive_kvarh,
    )


def _calculation(
    basis: Basis, reading: Stand, month: Month, prices: Sequence[PriceList]
) -> Calculation:
    energy = _in_season(_measured(basis, reading), reading, prices, month)
    portion = Portion(
        energy=energy,
        spells=_spells(basis, reading, prices),
        household=_household(basis, month),
    )
    _check_use(basis, reading, kwh=energy.total_kwh)
    if basis.category not in two_part.TWO_PART:
        return calculated(portion)
    calculation = two_part.calculated(
        basis, portion, month=month, until=reading.read_at, prices=prices
    )
    _check_amount(calculation)
    return calculation


def household_of(
    *,
    month: Month,
    months: int,
    opened_on: date,
    before_kwh: int,
    persons: int = 1,
    subsidy: Subsidy = "none",
) -> Household:
    """
    Return what a bill of `month` depends on beside its energy.

    :param months: how many months it covers
    :param opened_on: the account's first day
    :param before_kwh: what the bills of earlier months of the same year came to
    :param persons: as known of the bill's month, as is `subsidy`
    """
    opened = Month.of(opened_on)
    is_first_year = opened.year == month.year
    return Household(
        months=months,
        year_months=MONTHS_OF_A_YEAR - opened.number + 1 if is_first_year else MONTHS_OF_A_YEAR,
        before_kwh=before_kwh,
        is_extended=has_wider_tiers(persons),
        is_subsidised=has_free_energy(subsidy),
    )


def calculated(portion: Portion) -> Calculation:
    """
    Return what the energy of an account comes to.

    :raises PeriodUnpriced: if energy has no price
    :raises TierUnpriced: if prices change between tiers and none
    :raises AmountNegative: if the lines sum up to less than nothing
    """
    calculation = calculate([portion])
    _check_amount(calculation)
    return calculation


def _check_amount(calculation: Calculation) -> None:
    if calculation.amount_fen < 0:
        kwh = calculation.consumption_kwh
        raise AmountNegative(f"{kwh} kWh come to {calculation.amount_fen} fen")


def _household(basis: Basis, month: Month) -> Household:
    return household_of(
        month=month,
        months=months_between(basis.first_month, month),
        opened_on=basis.opened_on,
        before_kwh=basis.before_kwh,
        persons=basis.persons,
        subsidy=basis.subsidy,
    )


def _reading_to_bill(basis: Basis, month: Month) -> Stand:
    if basis.last_billed is not None and basis.last_billed > month:
        raise LaterMonthBilled(f"month {month} is part of the bill for {basis.last_billed}")
    if basis.reading is None:
        raise ReadingMissing(f"no reading in {month}")
    return basis.reading


def _spells(basis: Basis, reading: Stand, prices: Sequence[PriceList]) -> tuple[Spell, ...]:
    """
    Return the days under each price list, from the day of the reading before to that of this one.

    Source: domain rule 2.12a (the new price holds from its date).
    """
    begins_on = business_date(basis.previous.read_at)
    ends_on = max(business_date(reading.read_at), begins_on + timedelta(days=1))
    if not prices or prices[0].valid_from > begins_on:
        raise PriceMissing(f"no prices for {basis.category} on {begins_on}")
    until = [*(each.valid_from for each in prices[1:]), ends_on]
    spells = []
    for each, next_from in zip(prices, until, strict=True):
        days = (min(next_from, ends_on) - max(each.valid_from, begins_on)).days
        if days > 0:
            spells.append(Spell(days=days, tariff=each.tariff))
    return tuple(spells)


def _measured(basis: Basis, reading: Stand) -> Energy:
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


def _in_season(energy: Energy, reading: Stand, prices: Sequence[PriceList], month: Month) -> Energy:
    """Return the energy as a month prices it that may have no sharp peak. Source: rule 2.1."""
    if not energy.sharp:
        return energy
    read_on = business_date(reading.read_at)
    in_force = [each.calendar for each in prices if each.valid_from <= read_on]
    calendar = in_force[-1] if in_force else None
    if calendar is None or calendar.has("sharp", month=month.number):
        return energy
    return energy.with_sharp_as_peak()


def _check_use(basis: Basis, reading: Stand, *, kwh: int) -> None:
    """
    Let energy pass that is like that of the bills before, was estimated, or accepted.

    :raises ReadingInQuestion: if it is none of these
    """
    if kwh != basis.estimated_kwh:
        use = Use.between(basis.previous.read_at, reading.read_at, kwh=kwh)
        check_reading(use, before=basis.used_before, accepted=basis.accepted)
