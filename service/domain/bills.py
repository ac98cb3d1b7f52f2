"""Bills: what an account owes for the energy of its accounting months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from service.domain import trials, two_part
from service.domain.bill_bases import Basis, Stand
from service.domain.bill_numbers import bill_number
from service.domain.bill_quantities import in_season, measured, spells
from service.domain.calculations import Calculation, Line, calculate
from service.domain.errors import Conflict, Invalid
from service.domain.household_terms import Subsidy, has_free_energy, has_wider_tiers
from service.domain.metered import Metered
from service.domain.months import Month, business_date, months_between
from service.domain.portions import Household, Portion
from service.domain.prices import PriceList
from service.domain.reading_checks import Use, check_reading
from service.domain.tiers import MONTHS_OF_A_YEAR, YearTiers
from service.domain.trials import Behind, Trial

_NOTHING: Mapping[str, Sequence[PriceList]] = MappingProxyType({})
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


class LastBillMissing(Conflict):
    """The account closed in an earlier month, which has no bill yet."""

    code = "LAST_BILL_MISSING"
    hint = "Start a run for the month it closed in: that is its last."


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


def issue(
    *,
    basis: Basis,
    month: Month,
    prices: Sequence[PriceList],
    of_parts: Mapping[str, Sequence[PriceList]] = _NOTHING,
    issued_at: datetime,
) -> Bill:
    """
    Return the bill of one account for all energy up to its reading of `month`.

    A month that could not be billed is part of the next bill, with its share of every tier.
    `prices` are those of the account's category, the oldest first; `of_parts` those of its parts'.
    :raises LaterMonthBilled, LastBillMissing, ReadingMissing: if it is no month to bill
    :raises ReadingInQuestion: if it is unlike that of the bills before, and nobody has accepted it
    :raises AmountNegative: if the lines sum up to less than nothing
    :raises Refusal: as `bill_quantities`, `parts`, `calculations`, `two_part.calculated` say
    """
    reading = _reading_to_bill(basis, month)
    behind = _behind(basis, reading, month, of_parts)
    calculation = _calculation(basis, reading, month, prices, behind)
    return Bill(
        month=month,
        account_id=basis.account_id,
        serial=basis.serial,
        bill_no=bill_number(month=month, account_no=basis.account_no, serial=basis.serial),
        category=basis.category,
        catalogue_version_id=int(spells(basis, reading, prices)[-1].tariff.version),
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
    basis: Basis,
    reading: Stand,
    month: Month,
    prices: Sequence[PriceList],
    behind: tuple[Behind, ...],
) -> Calculation:
    energy = measured(basis, reading)
    if not behind:
        energy = in_season(energy, reading, prices, month)
    portion = Portion(
        energy=energy,
        # Whose energy has parts is spread as it was measured: each price list has its own seasons.
        spells=spells(basis, reading, prices, season=month if behind else None),
        household=_household(basis, month),
    )
    _check_use(basis, reading, kwh=energy.total_kwh)
    if basis.category in two_part.TWO_PART:
        calculation = two_part.calculated(
            basis, portion, behind=behind, month=month, until=reading.read_at, prices=prices
        )
    elif behind:
        calculation = _with_parts(portion, behind)
    else:  # nearly every bill
        return _settled(portion)
    _check_amount(calculation)
    return calculation


def _settled(portion: Portion) -> Calculation:
    """
    Return what energy comes to, with what settles the tiers of its year.

    A bill that it would pay its customer leaves that to the year's next one.
    """
    try:
        return calculated(portion)
    except AmountNegative:
        if portion.household.year is None:
            raise
        return calculated(replace(portion, household=replace(portion.household, year=None)))


def _with_parts(portion: Portion, behind: tuple[Behind, ...]) -> Calculation:
    return trials.calculated(
        Trial(
            metered=Metered(energy=portion.energy, reactive_kvarh=0),
            spells=portion.spells,
            household=portion.household,
            behind=behind,
        )
    )


def _behind(
    basis: Basis, reading: Stand, month: Month, of_parts: Mapping[str, Sequence[PriceList]]
) -> tuple[Behind, ...]:
    """Return what is billed at other prices, a part of each month of the bill."""
    if basis.parts is None:
        return ()
    months = months_between(basis.first_month, month)
    return tuple(
        part.behind(
            spells(basis, reading, of_parts.get(part.category, ()), season=month, of=part.category),
            months=months,
        )
        for part in basis.parts.of_bill(basis.first_month)
    )


def household_of(
    *,
    month: Month,
    months: int,
    opened_on: date,
    before_kwh: int,
    persons: int = 1,
    subsidy: Subsidy = "none",
    closed_in: Month | None = None,
    year: YearTiers | None = None,
) -> Household:
    """
    Return what a bill of `month` depends on beside its energy.

    :param months: how many months it covers
    :param opened_on: the account's first day
    :param before_kwh: what the bills of earlier months of the same year came to
    :param persons: as known of the bill's month, as is `subsidy`
    :param closed_in: the account's last month, which counts as a whole; None if it is open
    :param year: what all bills of the year used, where that is known

    Source: domain rule 2.6 (opened or closed in the middle of a year: its tiers are by months).
    """
    opened = Month.of(opened_on)
    first = opened.number if opened.year == month.year else 1
    year_months = MONTHS_OF_A_YEAR - first + 1
    if closed_in is not None and closed_in.year == month.year:
        began = year.billed_before.next if year and year.billed_before else opened
        # Bills that reach back into the year before have a share of each of their months.
        reached = months_between(began, closed_in) if year else months
        year_months = min(MONTHS_OF_A_YEAR, max(closed_in.number - first + 1, reached))
    return Household(
        months=months,
        year_months=year_months,
        before_kwh=before_kwh,
        year=year,
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
        closed_in=basis.closed_in,
        year=basis.year,
    )


def _reading_to_bill(basis: Basis, month: Month) -> Stand:
    if basis.last_billed is not None and basis.last_billed > month:
        raise LaterMonthBilled(f"month {month} is part of the bill for {basis.last_billed}")
    if basis.closed_in is not None and basis.closed_in < month:
        raise LastBillMissing(f"the account closed in {basis.closed_in}")
    if basis.reading is None:
        raise ReadingMissing(f"no reading in {month}")
    return basis.reading


def _check_use(basis: Basis, reading: Stand, *, kwh: int) -> None:
    """
    Let energy pass that is like that of the bills before, was estimated, or accepted.

    :raises ReadingInQuestion: if it is none of these
    """
    if kwh != basis.estimated_kwh:
        use = Use.between(basis.previous.read_at, reading.read_at, kwh=kwh)
        check_reading(use, before=basis.used_before, accepted=basis.accepted)
