"""Rounding: how the business turns fractions into whole numbers."""

from __future__ import annotations

from collections.abc import Sequence


def half_up(numerator: int, denominator: int) -> int:
    """
    Return `numerator / denominator` as a whole number; a half goes away from zero.

    Exact at any size, because no fraction is ever held. `denominator` is above zero.

    Source: catalogue rule "each line is rounded to 0.01 half up"; half up on negative amounts goes
    away from zero (Evergrid's choice where the rules are silent).
    """
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def largest_remainders(whole: int, *, by: Sequence[int]) -> list[int]:
    """
    Return `whole` in shares as `by` is: each rounded towards zero, the largest rests get one more.

    Of two rests as large the first one's share gets it. `by` has no negative, is not all zero
    unless `whole` is.

    Source: domain rule 2.12 (shares: largest remainder, in an order that is the same each time).
    """
    divisor, sign = sum(by) or 1, -1 if whole < 0 else 1
    exact = [divmod(abs(whole) * part, divisor) for part in by]
    left = abs(whole) - sum(share for share, _ in exact)
    by_rest = sorted(range(len(exact)), key=lambda index: -exact[index][1])
    more = set(by_rest[:left])
    return [sign * (share + (index in more)) for index, (share, _) in enumerate(exact)]
