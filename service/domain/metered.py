"""Metered: the energy behind what the registers of one metering point showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from service.domain import tou
from service.domain.errors import Invalid
from service.domain.meters import Register, consumption_kwh
from service.domain.tou import Energy

Counter = Literal["total", "sharp", "peak", "valley", "deep_valley", "reactive", "reactive_reverse"]
COUNTERS: tuple[Counter, ...] = get_args(Counter)


class RegisterBelowStart(Invalid):
    """A register shows less than before, and cannot have passed its last digit."""

    code = "REGISTER_BELOW_START"
    hint = "Check both values; a register rolls over only from nine tenths of its range on."


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What one register showed at both ends; a meter that was exchanged gives two of them."""

    register: Register
    start: Decimal
    end: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a metering point measured."""

    energy: Energy
    reactive_kvarh: int


def measured(segments: Mapping[Counter, Sequence[Segment]]) -> Metered:
    """
    Return what the segments of each register come to; a register that is missing counted nothing.

    Each segment is rounded by itself. Reactive energy counts in both directions.

    Source: domain rule 2.2, steps 1 to 3 and 8; examples E07 to E10.
    :raises RegisterBelowStart: if a register went backwards
    :raises PeriodsExceedTotal: if the periods come to more than the total
    """
    counted = {counter: sum(map(_counted, segments.get(counter, ()))) for counter in COUNTERS}
    energy = tou.balanced(
        total_kwh=counted["total"],
        sharp_kwh=counted["sharp"],
        peak_kwh=counted["peak"],
        valley_kwh=counted["valley"],
        deep_valley_kwh=counted["deep_valley"],
    )
    reactive_kvarh = counted["reactive"] + counted["reactive_reverse"]
    return Metered(energy=energy, reactive_kvarh=reactive_kvarh)


def _counted(segment: Segment) -> int:
    start, end = segment.start, segment.end
    has_rolled_over = end < start
    if has_rolled_over and not segment.register.may_roll_over_from(start):
        raise RegisterBelowStart(f"{start} to {end}")
    advance = segment.register.advance(start=start, end=end, roll_overs=int(has_rolled_over))
    return consumption_kwh(advance=advance, multiplier=segment.multiplier)
