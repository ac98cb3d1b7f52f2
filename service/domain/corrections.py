"""Corrections: the energy that was billed wrongly because the metering was wrong (退补)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from service.domain.rounding import half_up


def of_meter_error(*, billed_kwh: int, error: Decimal) -> int:
    """
    Return what a meter beyond its tolerance must make up, in kWh; below zero it is refunded.

    `error` is the verified one as a fraction (0.035: it counts 3.5 % too much). `billed_kwh` is the
    energy of half the time from the last test, or the installation, to the correction.

    Source: 1996 Rule art. 80 (1); domain rule 2.10; example E19b.
    """
    exact = Fraction(-billed_kwh * Fraction(error), 1 + Fraction(error))
    return half_up(exact.numerator, exact.denominator)


def of_wiring(*, billed_kwh: int, factor: Decimal) -> int:
    """
    Return what wrong wiring left uncounted, in kWh; `factor` is K, true energy per counted one.

    Source: 1996 Rule art. 81; domain rule 2.10; example E19c.
    """
    exact = billed_kwh * (Fraction(factor) - 1)
    return half_up(exact.numerator, exact.denominator)


def of_multiplier(*, billed_kwh: int, used: Decimal, true: Decimal) -> int:
    """
    Return what a wrong multiplier left uncounted, in kWh; below zero it is refunded.

    Source: 1996 Rule art. 81; domain rule 2.10; example E19a.
    """
    exact = Fraction(billed_kwh * (Fraction(true) - Fraction(used)), Fraction(used))
    return half_up(exact.numerator, exact.denominator)
