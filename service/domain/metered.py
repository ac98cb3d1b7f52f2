"""Metered: the energy behind what the registers of one metering point showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from service.domain import tou
from service.domain.errors import Invalid
from service.domain.meters import Register, Span, consumption_kwh, measured_kwh
from service.domain.registers import Counted, is_period
from service.domain.rounding import half_up
from service.domain.tou import PERIODS, Energy, Period

Counter = Literal["total", "sharp", "peak", "valley", "deep_valley", "reactive", "reactive_reverse"]
COUNTERS: tuple[Counter, ...] = get_args(Counter)

_SCALE = 10**4  # Registers and multipliers have four decimals at most.


class RegisterBelowStart(Invalid):
    """A register shows less than before, and cannot have passed its last digit."""

    code = "REGISTER_BELOW_START"
    hint = "Check both values; a register rolls over only from nine tenths of its range on."


class PeriodsBelowTotal(Invalid):
    """The registers of all periods come to less than that of all energy."""

    code = "PERIODS_BELOW_TOTAL"
    hint = "Read each of the meter's registers again: together they count what the total does."


class RegisterSpan(NamedTuple):
    """What a register beside that of all energy showed at both ends of a bill's time."""

    counted: Counted
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a metering point measured."""

    energy: Energy
    reactive_kvarh: int


def span_between(shape: Register, *, start: Decimal, end: Decimal, multiplier: Decimal) -> Span:
    """
    Return the span of a register of which no more is known than what it showed at both ends.

    Source: domain rule 2.2, step 1; example E07.
    :raises RegisterBelowStart: if it went backwards
    """
    has_rolled_over = end < start
    if has_rolled_over and not shape.may_roll_over_from(start):
        raise RegisterBelowStart(f"{start} to {end}")
    return Span(
        shape=shape, multiplier=multiplier, start=start, end=end, roll_overs=int(has_rolled_over)
    )


def measured(spans: Mapping[Counter, Sequence[Span]]) -> Metered:
    """
    Return what the spans of each register come to; a register that is missing counted nothing.

    Each span is rounded by itself. Reactive energy counts in both directions.

    Source: domain rule 2.2, steps 1 to 3 and 8; examples E07 to E10.
    :raises PeriodsExceedTotal: if the periods come to more than the total
    """
    others = [
        RegisterSpan(period, span)
        for period in PERIODS
        for span in (spans.get(period, ()) if period != "flat" else ())
    ]
    energy = energy_of(_kwh(spans.get("total", ())), others)
    reactive_kvarh = _kwh(spans.get("reactive", ())) + _kwh(spans.get("reactive_reverse", ()))
    return Metered(energy=energy, reactive_kvarh=reactive_kvarh)


def _kwh(spans: Iterable[Span]) -> int:
    return sum(span.kwh for span in spans)


def check_advances(shape: Register, *, total: Decimal, periods: Mapping[Period, Decimal]) -> None:
    """
    Let pass what the registers of a meter moved by: those of periods by no more than that of all.

    Nor by less, if flat is among them: then together they count the same. Each may have been just
    before its next digit, or just behind it.
    :raises PeriodsExceedTotal: if they moved by more
    :raises PeriodsBelowTotal: if they moved by less
    """
    beyond = sum(periods.values(), Decimal(0)) - total
    unsure = shape.unit * len(periods)
    if beyond > unsure:
        raise tou.PeriodsExceedTotal(f"the periods moved by {beyond} more than all energy")
    if "flat" in periods and -beyond > unsure:
        raise PeriodsBelowTotal(f"the periods moved by {-beyond} less than all energy")


def energy_of(total_kwh: int, others: Iterable[RegisterSpan]) -> Energy:
    """
    Return the energy of a bill by period: flat is what its meters' other registers leave of all.

    A register shows no more than its last decimal, times its multiplier: by so much, each, and by
    the rounding, periods may exceed the total where nothing is flat.

    Source: domain rule 2.2, step 3; example E10.
    :raises ConsumptionImplausible: if a register ran backwards, or beyond what anybody can use
    :raises PeriodsExceedTotal: if the periods come to more than the total
    """
    spans: dict[Period, list[Span]] = {period: [] for period in PERIODS}
    for counted, span in others:
        if is_period(counted):
            spans[counted].append(span)
    asked = [span for period in PERIODS if period != "flat" for span in spans[period]]
    return tou.balanced(
        total_kwh=total_kwh,
        sharp_kwh=measured_kwh(spans["sharp"]),
        peak_kwh=measured_kwh(spans["peak"]),
        valley_kwh=measured_kwh(spans["valley"]),
        deep_valley_kwh=measured_kwh(spans["deep_valley"]),
        unsure_kwh=sum(
            consumption_kwh(advance=span.shape.unit, multiplier=span.multiplier) + 1
            for span in asked
        ),
    )


def reactive_kvarh_of(others: Iterable[RegisterSpan]) -> int:
    """
    Return the reactive energy of a bill, of both directions.

    Source: domain rule 2.2, step 8 (the sum of what each register counted).
    :raises ConsumptionImplausible: if a register ran backwards, or beyond what anybody can use
    """
    asked = ("reactive", "reactive_reverse")
    return measured_kwh(span for counted, span in others if counted in asked)


def demand_kw(*, register: Decimal, multiplier: Decimal) -> Decimal:
    """
    Return the demand that a register shows, in kW with two decimals, half up.

    Source: domain rule 2.3 (demand).
    """
    shown = int(register * _SCALE) * int(multiplier * _SCALE)
    return Decimal(half_up(shown, _SCALE * _SCALE // 100)).scaleb(-2)
