"""Correction sheets: what a fault of the metering comes to, bill by bill, by each one's prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from service.domain.bill_quantities import spells_between
from service.domain.calculations import Line, adjustment_line, calculate
from service.domain.errors import Conflict, Invalid
from service.domain.metering_faults import Fault
from service.domain.months import Month
from service.domain.portions import Household, Portion
from service.domain.prices import PriceList, in_force_from
from service.domain.rating import amount_fen
from service.domain.rounding import half_up, largest_remainders
from service.domain.tou import Energy

LAST_SERIAL = 48
"""The last serial a correction may take: each may need a reversal, the bill a mirror, another."""


class DaysUnbilled(Conflict):
    """Some of the days that a correction is about have no bill in force."""

    code = "DAYS_UNBILLED"
    hint = "Name days that are billed; what is not billed yet is corrected by its readings."


class MultipliersDiffer(Invalid):
    """The bills of the days were computed with several multipliers."""

    code = "MULTIPLIERS_DIFFER"
    hint = "Ask for a correction of each spell of days that has one multiplier."


class SeveralMeters(Conflict):
    """Several meters measured the energy of a bill: a fault is one meter's."""

    code = "SEVERAL_METERS"
    hint = "Ask for a correction by agreed_kwh, computed from what the meter in question measured."


class NothingToCorrect(Invalid):
    """What was found out changes nothing."""

    code = "NOTHING_TO_CORRECT"
    hint = "Check the days and what was found out: it comes to no energy at all."


class CorrectionExceedsBill(Invalid):
    """A bill would give back more energy than it billed, or more money than its year's bills."""

    code = "CORRECTION_EXCEEDS_BILL"
    hint = "Check the days and what was found out; no more is given back than was billed."


class BillHasParts(Conflict):
    """Parts of the bill's energy were billed at other categories' prices."""

    code = "BILL_HAS_PARTS"
    hint = "Correct the reading, if that was wrong: cancel the bills from it on, and bill anew."


class CorrectedTooOften(Conflict):
    """The month of the bill has no number left for another correction."""

    code = "CORRECTED_TOO_OFTEN"
    hint = "Settle the rest with a correction of another month."


@dataclass(frozen=True, slots=True, kw_only=True)
class BillToCorrect:
    """
    A bill in force that a correction may be about, with what its calculation depends on.

    It covers the days from `begins_on` up to, not into, `ends_on`. `read_kwh` are what its meters
    measured, `billed_kwh` all that it and its corrections so far came to, with what was lost;
    `year_fen` what all bills of its year came to. The `before_kwh` of its household are those of
    all *other* bills of the year, whether before or after: energy that is added, or given back, is
    the last of its year. The power factor adds `percent` (in hundredths) to its base, None if it
    was not assessed.
    """

    bill_no: str
    month: Month
    serial: int
    last_serial: int
    begins_on: date
    ends_on: date
    multiplier: Decimal
    read_kwh: int
    billed_kwh: int
    year_fen: int
    household: Household
    percent: int | None = None
    has_parts: bool = False
    has_exchange: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetItem:
    """What a correction comes to for one bill; `base_kwh` of it are from the `days` concerned."""

    bill: BillToCorrect
    days: int
    base_kwh: int
    kwh: int
    lines: tuple[Line, ...]

    @property
    def amount_fen(self) -> int:
        """What the correction's bill comes to: the sum of its rounded lines."""
        return sum(line.amount_fen for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A correction's calculation: `kwh` are made up for, or below zero given back."""

    base_kwh: int
    kwh: int
    calculation: str
    items: tuple[SheetItem, ...]


class Spell(NamedTuple):
    """The days from the first up to, not into, the last."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days


class _Share(NamedTuple):
    """A bill, the days that it shares with a fault, what was measured in them."""

    bill: BillToCorrect
    spell: Spell
    base_kwh: int


def sheet(
    fault: Fault, spell: Spell, *, bills: Sequence[BillToCorrect], prices: Sequence[PriceList]
) -> Sheet:
    """
    Return what a fault comes to whose energy counts on these days.

    Energy of the days is a share of each bill's by its days. What is made up for is shared among
    the bills as that energy is, or by days if it was agreed upon; then each is priced.

    :param bills: in force, which may share a day with them, the oldest first
    :param prices: of the account's category, in force on any day of the bills, the oldest first
    Source: domain rule 2.10; examples E19a, E19b, E19c.
    :raises DaysUnbilled: if a day has no bill
    :raises SeveralMeters, MultipliersDiffer: if several meters, or multipliers, are concerned
    :raises NothingToCorrect: if it comes to nothing
    :raises Refusal: as `corrected` says
    """
    shares = _shares(bills, spell)
    if fault.kind != "agreed":
        _check_meters(fault, [share.bill for share in shares])
    base_kwh = sum(share.base_kwh for share in shares)
    made_up = fault.made_up(base_kwh=base_kwh, used=shares[0].bill.multiplier)
    by = [share.spell.days if fault.kind == "agreed" else share.base_kwh for share in shares]
    each_kwh = largest_remainders(made_up.kwh, by=by)
    for share in shares:
        if share.bill.last_serial >= LAST_SERIAL:
            raise CorrectedTooOften(f"month {share.bill.month} has {share.bill.last_serial} bills")
    items = _items(zip(shares, each_kwh, strict=True), prices)
    if not items:
        raise NothingToCorrect(f"{base_kwh} kWh from {spell.first} to {spell.last}")
    return Sheet(base_kwh=base_kwh, kwh=made_up.kwh, calculation=made_up.calculation, items=items)


def reversal_sheet(
    corrected_kwh: Mapping[str, int],
    spell: Spell,
    *,
    bills: Sequence[BillToCorrect],
    prices: Sequence[PriceList],
) -> Sheet:
    """
    Return what takes a correction back: the energy of each bill (by number), at the same prices.

    It is the last of its year, as that of a correction is: what was billed since keeps its tiers,
    and the year comes to what it would have come to. If nothing was, every fen comes back.

    :raises Refusal: as `corrected` says
    """
    shares = _shares(bills, spell)
    items = _items([(each, -corrected_kwh.get(each.bill.bill_no, 0)) for each in shares], prices)
    kwh = sum(item.kwh for item in items)
    base_kwh = sum(share.base_kwh for share in shares)
    return Sheet(base_kwh=base_kwh, kwh=kwh, calculation=f"{kwh} kWh, taken back", items=items)


def corrected(
    bill: BillToCorrect, kwh: int, spell: Spell, *, prices: Sequence[PriceList]
) -> tuple[Line, ...]:
    """
    Return the lines of `kwh` more than a bill was about, or fewer, used on some of its days.

    They are those of its energy with them, less those of its energy without: quantities are
    subtracted, then each is priced, rounded by itself. All of it is flat. What costs so much a
    month, a kVA or a kW has cost that already; the power factor is the month's.

    Source: domain rules 2.10 (price and power factor of the month concerned), 2.12, 2.12a (退补
    kWh count in flat, not in P; a new price holds from its date); examples E25, E29.
    :raises CorrectionExceedsBill: if it gives back more than it billed
    :raises Refusal: as `calculations` says
    """
    if bill.billed_kwh + kwh < 0:
        raise CorrectionExceedsBill(f"{kwh} kWh of {bill.billed_kwh} of bill {bill.bill_no}")
    found = _quantities(bill, bill.billed_kwh + kwh, spell, prices)
    for line, quantity in _quantities(bill, bill.billed_kwh, spell, prices).items():
        found[line] = found.get(line, 0) - quantity
    lines = [
        line._replace(quantity=more, amount_fen=amount_fen(quantity=more, price=line.price))
        for line, more in found.items()
        if more and line.unit == "kWh"
    ]
    if bill.percent is not None:
        base_fen = sum(line.amount_fen for line in lines if line.is_in_base)
        version = lines[-1].version
        lines.append(adjustment_line(base_fen, hundredths_percent=bill.percent, version=version))
    amount = sum(line.amount_fen for line in lines)
    if bill.year_fen + min(0, amount) < 0:
        raise CorrectionExceedsBill(f"{amount} fen of {bill.year_fen} of the year")
    return tuple(lines)


def _shares(bills: Iterable[BillToCorrect], spell: Spell) -> list[_Share]:
    """
    Return what each bill shares with a spell of days, the oldest first; at least one does.

    :raises DaysUnbilled: if a day has no bill
    """
    found, billed_until = [], spell.first
    for bill in bills:
        mine = Spell(max(spell.first, bill.begins_on), min(spell.last, bill.ends_on))
        if mine.days > 0 and bill.begins_on <= billed_until:
            of = (bill.ends_on - bill.begins_on).days
            found.append(_Share(bill, mine, half_up(bill.read_kwh * mine.days, of)))
            billed_until = bill.ends_on
    if billed_until < spell.last:
        raise DaysUnbilled(f"from {billed_until}, of {spell.first} to {spell.last}")
    return found


def _check_meters(fault: Fault, bills: Sequence[BillToCorrect]) -> None:
    if any(bill.has_exchange for bill in bills):
        raise SeveralMeters(next(bill.bill_no for bill in bills if bill.has_exchange))
    multipliers = {bill.multiplier for bill in bills}
    if fault.kind == "multiplier" and len(multipliers) > 1:
        raise MultipliersDiffer(", ".join(map(str, sorted(multipliers))))


def _items(
    shares: Iterable[tuple[_Share, int]], prices: Sequence[PriceList]
) -> tuple[SheetItem, ...]:
    """Return what each bill's share comes to, behind those of the same year before it."""
    items = []
    moved_kwh: Counter[int] = Counter()
    for (bill, spell, base_kwh), kwh in shares:
        if not kwh:
            continue
        if bill.has_parts:
            raise BillHasParts(f"bill {bill.bill_no}")
        before_kwh = bill.household.before_kwh + moved_kwh[bill.month.year]
        now = replace(bill, household=replace(bill.household, before_kwh=before_kwh))
        lines = corrected(now, kwh, spell, prices=prices)
        items.append(SheetItem(bill=bill, days=spell.days, base_kwh=base_kwh, kwh=kwh, lines=lines))
        moved_kwh[bill.month.year] += kwh
    return tuple(items)


def _quantities(
    bill: BillToCorrect, kwh: int, spell: Spell, prices: Sequence[PriceList]
) -> dict[Line, int]:
    spells = spells_between(*spell, in_force_from(prices, spell.first))
    portion = Portion(energy=Energy(flat=kwh), spells=spells, household=bill.household)
    found: dict[Line, int] = {}
    for line in calculate([portion]).lines:
        key = line._replace(quantity=0, amount_fen=0)
        found[key] = found.get(key, 0) + int(line.quantity)
    return found
