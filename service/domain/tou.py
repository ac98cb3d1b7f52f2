"""Time of use: energy by the period of the day in which it was used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from service.domain.errors import Invalid
from service.domain.rounding import half_up

Period = Literal["sharp", "peak", "flat", "valley", "deep_valley"]
PERIODS: tuple[Period, ...] = get_args(Period)

_ROUNDED_AWAY_KWH = 5
"""Five registers, each half a kWh, on two meters of a month: by so much periods exceed a total."""


class PeriodsExceedTotal(Invalid):
    """The periods come to more than the register of all energy."""

    code = "PERIODS_EXCEED_TOTAL"
    hint = "Check the registers of the periods against the total, each with the same multiplier."


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """
    Energy in kWh, by period of the day.

    What no register assigns to a period is flat, so is everything on a meter without periods.
    """

    sharp: int = 0
    peak: int = 0
    flat: int = 0
    valley: int = 0
    deep_valley: int = 0

    @property
    def total_kwh(self) -> int:
        """The energy of all periods."""
        return self.sharp + self.peak + self.flat + self.valley + self.deep_valley

    def of(self, period: Period) -> int:
        """Return the energy of one period, in kWh."""
        return int(getattr(self, period))

    def __add__(self, other: Energy) -> Energy:
        """Return the energy of both, period by period."""
        return Energy(**{period: self.of(period) + other.of(period) for period in PERIODS})

    def __sub__(self, other: Energy) -> Energy:
        """Return what is left without the other, period by period; it may be below zero."""
        return Energy(**{period: self.of(period) - other.of(period) for period in PERIODS})

    def with_sharp_as_peak(self) -> Energy:
        """
        Return the energy as it is priced in a month that has no sharp peak.

        Source: domain rule 2.1 (outside the configured months sharp quantities count as peak).
        """
        return self + Energy(sharp=-self.sharp, peak=self.sharp)


def balanced(
    *,
    total_kwh: int,
    sharp_kwh: int = 0,
    peak_kwh: int = 0,
    valley_kwh: int = 0,
    deep_valley_kwh: int = 0,
    unsure_kwh: int = 0,
) -> Energy:
    """
    Return the energy of a meter by period: what its registers leave of the total is flat.

    The register of the flat period is not asked: each register is rounded by itself, so that the
    five would not come to the total. What periods exceed the total by, as rounding explains, the
    largest of them gives back: nothing is below zero.

    Source: domain rule 2.2, step 3; example E10.
    :param unsure_kwh: what the registers' last decimals leave open, beside the rounding
    :raises PeriodsExceedTotal: if the others exceed the total by more than rounding can explain
    """
    counted: dict[Period, int] = {
        "sharp": sharp_kwh,
        "peak": peak_kwh,
        "valley": valley_kwh,
        "deep_valley": deep_valley_kwh,
    }
    flat_kwh = total_kwh - sum(counted.values())
    if flat_kwh < -(_ROUNDED_AWAY_KWH + unsure_kwh):
        raise PeriodsExceedTotal(f"the periods come to {-flat_kwh} kWh more than {total_kwh}")
    for period in sorted(counted, key=lambda each: counted[each], reverse=True):
        given_kwh = min(counted[period], max(0, -flat_kwh))
        counted[period] -= given_kwh
        flat_kwh += given_kwh
    return Energy(flat=flat_kwh, **counted)


def shared(kwh: int, *, by: Energy) -> Energy:
    """
    Return `kwh` spread over the periods as `by` is; rounded half up, the rest goes to flat.

    Everything is flat if there is nothing to go by.

    Source: domain rules 2.2, step 4, and 2.12a (losses, deductions); example E30.
    """
    whole_kwh = by.total_kwh
    if whole_kwh == 0:
        return Energy(flat=kwh)
    parts = {
        period: half_up(kwh * by.of(period), whole_kwh) for period in PERIODS if period != "flat"
    }
    return Energy(flat=kwh - sum(parts.values()), **parts)
