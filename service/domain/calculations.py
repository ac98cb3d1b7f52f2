"""Calculations: the lines of a bill, from what was used to what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from service.domain import losses, power_factors, tiers, tou
from service.domain.basic_charges import Charge
from service.domain.errors import Invalid
from service.domain.portions import Assessment, Household, Portion, Spell
from service.domain.power_factors import Table
from service.domain.rating import amount_fen
from service.domain.tariffs import BASIC, ENERGY, Price, Tariff, TierUnpriced, Unit
from service.domain.tiers import Scheme
from service.domain.tou import Period


class PeriodUnpriced(Invalid):
    """Energy was used in a period of the day that the tariff has no price for."""

    code = "PERIOD_UNPRICED"
    hint = "Give the tariff a price for every period of its calendar, or one for all energy."


class TablesMissing(Invalid):
    """The tariff has no power-factor table of this standard."""

    code = "POWER_FACTOR_STANDARD_UNKNOWN"
    hint = "Assess against a standard that the tariff has a table of: 80, 85 or 90 hundredths."


class Line(NamedTuple):
    """
    One line: `quantity` in `unit` at `price` (1e-8 yuan), rounded half up by itself.

    `portion` counts from 0, None is the customer as a whole. `days` of a month of 30 that a basic
    charge is for, None for all of it.
    """

    portion: int | None
    component: str
    period: Period | None
    tier: int | None
    quantity: int | Decimal
    unit: Unit
    price: int
    amount_fen: int
    is_levy: bool
    is_in_base: bool
    version: str
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """
    The lines of a bill; `power_factor` is in hundredths, None if it is not assessed.

    `consumption_kwh` is all energy that is billed, with the `lost_kwh`; `reactive_kvarh` what the
    power factor was assessed from, with what was lost.
    """

    lines: tuple[Line, ...]
    power_factor: int | None
    consumption_kwh: int
    lost_kwh: int = 0
    reactive_kvarh: int = 0

    @property
    def amount_fen(self) -> int:
        """What the bill comes to: the sum of its rounded lines."""
        return sum(line.amount_fen for line in self.lines)


def calculate(
    portions: Sequence[Portion],
    *,
    basic: Sequence[Charge] = (),
    assessment: Assessment | None = None,
) -> Calculation:
    """
    Return the lines of a bill: of each portion, the basic charge, the power factor's adjustment.

    Source: domain rule 2.2, with 2.3, 2.4, 2.6, 2.7; example E30.
    :raises PeriodUnpriced: if energy has no price
    :raises TierUnpriced: if prices do not fit the tiers
    :raises TablesMissing: if the standard is unknown to the tariff
    """
    lines = [line for number, each in enumerate(portions) for line in _of(each, number)]
    version = portions[0].spells[0].tariff.version
    lines += (_basic(charge, version) for charge in basic)
    factor = None
    if assessment is not None:
        factor = _power_factor(portions, assessment)
        tables = portions[0].spells[0].tariff.tables
        if assessment.standard not in tables:
            raise TablesMissing(f"no table of the standard 0.{assessment.standard:02}")
        if factor is not None:
            lines.append(_adjustment(lines, portions, factor, tables[assessment.standard], version))
    return Calculation(
        lines=tuple(lines),
        power_factor=factor,
        consumption_kwh=sum(portion.energy.total_kwh for portion in portions),
    )


def _of(portion: Portion, number: int) -> Iterator[Line]:
    """Yield the lines of one portion, price by price, each spell of days by itself."""
    if len({spell.tariff.tier_count for spell in portion.spells}) > 1:
        raise TierUnpriced("the tariffs of one bill have more tiers and fewer")
    spells = zip(portion.spells, _by_days(_quantities(portion), portion.spells), strict=True)
    for index, (spell, used) in enumerate(spells):
        kwh = _priced(used, spell.tariff)
        for price in spell.tariff.prices:
            if price.unit in _OF_SUPPLY:
                continue
            if price.unit == "month":
                quantity = portion.household.months if index == 0 else None
            else:
                quantity = _quantity(price, kwh)
            if quantity is not None:
                yield _line(price, quantity, number=number, version=spell.tariff.version)
    if portion.household.is_subsidised:
        yield from _subsidy(portion, number)


_Key = tuple[Period | None, int | None]
_OF_SUPPLY = frozenset({"kVA", "kW"})  # prices of the basic charge, which is not about energy


def _by_days(kwh: dict[_Key, int], spells: Sequence[Spell]) -> list[dict[_Key, int]]:
    """Return what falls into each spell of each energy that a price may be about."""
    if len(spells) == 1:  # nearly every bill: a run makes millions
        return [kwh]
    days = [spell.days for spell in spells]
    shares = {key: losses.shared(all_kwh, by=days) for key, all_kwh in kwh.items()}
    if len({bool(spell.tariff.periods) for spell in spells}) > 1:
        # A spell without periods has what they come to in it, or a kWh might be in neither spell.
        parts = zip(*(shares[period, None] for period in tou.PERIODS), strict=True)
        shares[None, None] = tuple(map(sum, parts))
    return [{key: parts[index] for key, parts in shares.items()} for index in range(len(spells))]


def _quantities(portion: Portion) -> dict[_Key, int]:
    """Return the energy that a price may be about: all, each period, each tier; in kWh."""
    energy, household = portion.energy, portion.household
    if energy.sharp and not any("sharp" in spell.tariff.periods for spell in portion.spells):
        energy = energy.with_sharp_as_peak()
    found: dict[_Key, int] = {(None, None): energy.total_kwh}
    if any(spell.tariff.periods for spell in portion.spells):
        found |= {(period, None): energy.of(period) for period in tou.PERIODS}
    scheme = portion.spells[0].tariff.scheme
    if scheme is not None:
        months = household.year_months if scheme.is_annual else household.months
        limits = tiers.limits_kwh(scheme, months=months, is_extended=household.is_extended)
        split = _by_tier(energy.total_kwh, limits, household, scheme)
        found |= {(None, number): kwh for number, kwh in enumerate(split, start=1)}
    return found


def _by_tier(
    kwh: int, limits_kwh: Sequence[int], household: Household, scheme: Scheme
) -> list[int]:
    """Return the energy of each tier; what was billed by other tiers than these stays as it was."""
    if not scheme.is_annual:
        return tiers.split(kwh, limits_kwh=limits_kwh)
    year = household.year
    if year is not None and year.scheme == scheme:
        return tiers.left_of_year(kwh, limits_kwh=limits_kwh, year=year)
    return tiers.split(kwh, limits_kwh=limits_kwh, before_kwh=household.before_kwh)


def _priced(kwh: dict[_Key, int], tariff: Tariff) -> dict[_Key, int]:
    """
    Return the energy of a spell by the periods that its tariff has prices for.

    :raises PeriodUnpriced: if there is none for a period that energy was used in
    """
    periods = tariff.periods
    if not periods:
        return kwh
    if "sharp" not in periods:
        kwh["peak", None] += kwh["sharp", None]
        kwh["sharp", None] = 0
    unpriced = [each for each in tou.PERIODS if each not in periods and kwh[each, None]]
    if unpriced:
        raise PeriodUnpriced(f"{kwh[unpriced[0], None]} kWh in the period {unpriced[0]}")
    return kwh


def _quantity(price: Price, kwh: Mapping[_Key, int]) -> int | None:
    """Return the energy that a price is about; None if it has no line."""
    quantity = kwh[price.period, price.tier]
    is_said = price.tier in {None, 1} and price.period in {None, "flat"}
    return quantity if quantity or is_said else None


def _line(price: Price, quantity: int, *, number: int, version: str) -> Line:
    return Line(
        portion=number,
        component=price.component,
        period=price.period,
        tier=price.tier,
        quantity=quantity,
        unit=price.unit,
        price=price.price,
        amount_fen=amount_fen(quantity=quantity, price=price.price),
        is_levy=price.is_levy,
        is_in_base=price.is_in_base and not price.is_levy,
        version=version,
    )


def _subsidy(portion: Portion, number: int) -> Iterator[Line]:
    """
    Yield what a household in need does not pay for, at the price of its first energy.

    Source: domain rules 2.6, 2.12a; example E05.
    """
    tariff = portion.spells[0].tariff
    used_kwh = max(0, portion.energy.total_kwh)
    free_kwh = min(tariff.free_kwh * portion.household.months, used_kwh)
    price = _first_price(tariff.prices)
    if free_kwh:
        yield _line(
            price._replace(component="subsidy", period=None, tier=None),
            -free_kwh,
            number=number,
            version=tariff.version,
        )


def _first_price(prices: Iterable[Price]) -> Price:
    for price in prices:
        if price.component == ENERGY and price.tier in {None, 1} and price.period in {None, "flat"}:
            return price
    raise PeriodUnpriced("free energy, which costs what flat energy does")


def _basic(charge: Charge, version: str) -> Line:
    return Line(
        portion=None,
        component=BASIC,
        period=None,
        tier=None,
        quantity=charge.quantity,
        unit=charge.unit,
        price=charge.price,
        amount_fen=charge.amount_fen,
        is_levy=False,
        is_in_base=charge.is_in_base,
        version=charge.version or version,
        days=charge.days,
    )


def _power_factor(portions: Sequence[Portion], assessment: Assessment) -> int | None:
    active_kwh = sum(p.energy.total_kwh for p in portions if p.participation != "neither")
    return power_factors.hundredths(
        active_kwh=active_kwh + assessment.lost_kwh, reactive_kvarh=assessment.reactive_kvarh
    )


def _adjustment(
    lines: Sequence[Line], portions: Sequence[Portion], factor: int, table: Table, version: str
) -> Line:
    """Return the line of the adjustment of a bill."""
    base_fen = sum(
        line.amount_fen
        for line in lines
        if line.is_in_base
        and (line.portion is None or portions[line.portion].participation == "energy_and_money")
    )
    percent = power_factors.adjustment_hundredths_percent(factor, table=table)
    return adjustment_line(base_fen, hundredths_percent=percent, version=version)


def adjustment_line(base_fen: int, *, hundredths_percent: int, version: str) -> Line:
    """Return the line of an adjustment; its quantity is the base, its price the percentage."""
    return Line(
        portion=None,
        component="power_factor_adjustment",
        period=None,
        tier=None,
        quantity=base_fen,
        unit="fen",
        price=hundredths_percent,
        amount_fen=power_factors.adjustment_fen(base_fen, hundredths_percent=hundredths_percent),
        is_levy=False,
        is_in_base=False,
        version=version,
    )
