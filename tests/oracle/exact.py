"""Exact numbers: fractions, rounded half up where a rule says so, nowhere else."""

from fractions import Fraction
from math import floor

Number = Fraction | int | str
"""A number that is exact: a fraction, an integer, or decimals as text."""


def half_up(value: Fraction, *, places: int = 0) -> Fraction:
    """Round to `places` decimals, halves away from zero. Source: 2.12, 2.12a."""
    scale = 10**places
    rounded = Fraction(floor(abs(value) * scale + Fraction(1, 2)), scale)
    return rounded if value >= 0 else -rounded


def yuan(amount: Fraction) -> Fraction:
    """Round one line of a bill to 0.01 yuan. Source: 2.12."""
    return half_up(amount, places=2)


def shares(whole: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Share whole units by weight, half up; the last takes the rest. Source: 2.2 (5), 2.12a."""
    total = sum(weights, Fraction())
    parts = [half_up(whole * weight / total) if total else Fraction() for weight in weights[:-1]]
    return [*parts, whole - sum(parts, Fraction())]
