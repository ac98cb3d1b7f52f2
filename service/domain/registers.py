"""Registers: what a meter counts beside all energy."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from service.domain.tou import PERIODS, Period

Counted = Literal[
    "sharp", "peak", "flat", "valley", "deep_valley", "reactive", "reactive_reverse", "demand"
]
"""
The energy of a period of the day, reactive energy of either direction, the highest demand.

All but the demand only ever grow; the demand is that since the reading before, when it was reset.
"""
COUNTED: tuple[Counted, ...] = get_args(Counted)

RegisterUnit = Literal["kWh", "kvarh", "kW"]


def is_period(counted: Counted) -> TypeGuard[Period]:
    """Tell if a register counts the energy of a period of the day."""
    return counted in PERIODS


def grows(counted: Counted) -> bool:
    """Tell if a register only ever counts upwards, but for its last digit."""
    return counted != "demand"


def unit_of(counted: Counted) -> RegisterUnit:
    """Return the unit of what a register shows, times the meter's multiplier."""
    if is_period(counted):
        return "kWh"
    return "kW" if counted == "demand" else "kvarh"
