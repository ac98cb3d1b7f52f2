"""Power factors: what a customer's reactive energy adds to the bill, or takes off it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from service.domain.errors import Invalid
from service.domain.rounding import half_up

_WHOLE = 100_00  # of hundredths of a percent

Table = Mapping[int, int]
"""Hundredths of a percent that are added (below zero: taken off), by power factor in hundredths."""


class PowerFactorTableIncomplete(Invalid):
    """The table of the standard has no row for this power factor."""

    code = "POWER_FACTOR_TABLE_INCOMPLETE"
    hint = "Publish a catalogue whose table has a row for each hundredth from 0.00 to 1.00."


def in_hundredths(power_factor: int) -> str:
    """Write a power factor of hundredths as a decimal: `0.87`."""
    return f"{power_factor // 100}.{power_factor % 100:02}"


def hundredths(*, active_kwh: int, reactive_kvarh: int) -> int | None:
    """
    Return the power factor in hundredths, rounded half up; None if no energy was used at all.

    Exact: it is compared on whole numbers, no root is rounded.

    Source: 〔83〕水电财字215号; domain rules 2.4, 2.12a; examples E14, E15c.
    """
    square = active_kwh * active_kwh + reactive_kvarh * reactive_kvarh
    if square == 0:
        return None
    # h - 1/2 <= 100 P / sqrt(P² + Q²), so 2h - 1 is at most the root of (200 P)² / (P² + Q²).
    return (isqrt((200 * active_kwh) ** 2 // square) + 1) // 2


def adjustment_hundredths_percent(power_factor: int, *, table: Table) -> int:
    """
    Return what is added to the base, in hundredths of a percent; below zero it is taken off.

    Source: 〔83〕水电财字215号, the table of the customer's standard.
    :raises PowerFactorTableIncomplete: if the table has no such row
    """
    if power_factor not in table:
        raise PowerFactorTableIncomplete(f"no row for a power factor of 0.{power_factor:02}")
    return table[power_factor]


def adjustment_fen(base_fen: int, *, hundredths_percent: int) -> int:
    """
    Return the adjustment of a bill, in fen: rounded once, on the sum of the lines in the base.

    Source: domain rules 2.4, 2.12a; examples E14, E15.
    """
    return half_up(base_fen * hundredths_percent, _WHOLE)
