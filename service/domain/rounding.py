"""Rounding: the one way in which the business turns a fraction into a whole number."""

from __future__ import annotations


def half_up(numerator: int, denominator: int) -> int:
    """
    Return `numerator / denominator` as a whole number; a half goes away from zero.

    Exact at any size, because no fraction is ever held. `denominator` is above zero.

    Source: catalogue rule "each line is rounded to 0.01 half up"; half up on negative amounts goes
    away from zero (Evergrid's choice where the rules are silent).
    """
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded
