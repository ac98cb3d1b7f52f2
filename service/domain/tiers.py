"""Tiers: how a household's energy falls into the steps of its price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from service.domain.errors import Invalid
from service.domain.months import Month
from service.domain.rounding import half_up

MONTHS_OF_A_YEAR = 12

Extension = Literal["shift", "widen"]


class TiersNotRising(Invalid):
    """Each tier must end above the one before."""

    code = "TIERS_NOT_RISING"
    hint = "Give the upper ends of the tiers in kWh, each above the last, the first above zero."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """
    Where tiers end: `limits_kwh` are the upper ends, included, of every tier but the last.

    A monthly scheme counts each bill anew, an annual one goes on from January's. A household of
    many has `extension_kwh` more a month: by `shift` every limit moves, by `widen` only the first.

    :raises TiersNotRising: if a limit is not above the one before
    """

    is_annual: bool
    limits_kwh: tuple[int, ...]
    extension_kwh: int = 0
    extension: Extension = "shift"

    def __post_init__(self) -> None:
        limits = (0, *self.limits_kwh)
        if any(upper <= lower for lower, upper in pairwise(limits)):
            raise TiersNotRising(f"tiers end at {self.limits_kwh} kWh")


@dataclass(frozen=True, slots=True)
class YearTiers:
    """
    What all bills of a year have used, in kWh: in all, and of each tier (numbered from 1).

    All were billed by one `scheme`. `billed_before` is the last month before the year that has a
    bill: the year's first begins behind it.
    """

    kwh: int
    scheme: Scheme
    by_tier: dict[int, int]
    billed_before: Month | None = None


def limits_kwh(scheme: Scheme, *, months: int, is_extended: bool) -> tuple[int, ...]:
    """
    Return where the tiers of a bill end, in kWh.

    :param months: of the bill in a monthly scheme; in an annual one those of the year in which the
        account is supplied, the month of its start as a whole

    Source: domain rules 2.6, 2.12a; example E04.
    """
    per = MONTHS_OF_A_YEAR if scheme.is_annual else 1
    limits = [half_up(limit * months, per) for limit in scheme.limits_kwh]
    if not is_extended:
        return tuple(limits)
    more_kwh = scheme.extension_kwh * months
    if scheme.extension == "shift":
        return tuple(limit + more_kwh for limit in limits)
    first = limits[0] + more_kwh
    return (first, *(max(first, limit) for limit in limits[1:]))


def split(consumption_kwh: int, *, limits_kwh: Sequence[int], before_kwh: int = 0) -> list[int]:
    """
    Return the energy in each tier, in kWh: one more than there are limits.

    :param before_kwh: what earlier bills of the same year have used of an annual scheme

    Source: domain rule 2.6; examples E01, E02a, E02b.
    """
    ends = [*limits_kwh, before_kwh + consumption_kwh]
    tiers, start = [], before_kwh
    for end in ends:
        upto = min(max(end, start), before_kwh + consumption_kwh)
        tiers.append(upto - start)
        start = upto
    return tiers


def left_of_year(consumption_kwh: int, *, limits_kwh: Sequence[int], year: YearTiers) -> list[int]:
    """
    Return the energy of each tier, in kWh, that brings a year to what it comes to in all.

    What was billed by tiers that are another one's by now, because energy was corrected, or the
    account closes, is settled by it: quantities may be below zero.

    Source: domain rule 2.6; example E29 (the months behind a correction are re-rated too).
    """
    whole = split(year.kwh + consumption_kwh, limits_kwh=limits_kwh)
    return [kwh - year.by_tier.get(tier, 0) for tier, kwh in enumerate(whole, start=1)]
