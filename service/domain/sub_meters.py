"""Sub-meters: which part of a metering point's energy is billed at another price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.domain import tou
from service.domain.errors import Invalid
from service.domain.rounding import half_up
from service.domain.tou import Energy

_WHOLE = 100_00  # of hundredths of a percent


class SubMetersExceedMain(Invalid):
    """More is taken out of a metering point than went through it."""

    code = "SUB_METERS_EXCEED_MAIN"
    hint = "Check the readings of the sub-meters, and what was agreed as fixed energy or as share."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """定量: an agreed energy, metered or not."""

    kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """定比: an agreed share of what the fixed ones leave, in hundredths of a percent."""

    hundredths_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """总分: what a meter behind the main one has measured, by period."""

    energy: Energy


SubMeter = Fixed | Share | Measured


def split(main: Energy, sub_meters: Sequence[SubMeter]) -> tuple[Energy, tuple[Energy, ...]]:
    """
    Return what is left of `main`, with the energy of each sub-meter in their order.

    Fixed ones come first; every share is one of what these leave, whatever the other shares are
    (if rounding takes more than all of it, the last one has so much less); then what was measured.
    Each is taken out of `main` as `main` itself is spread, even one that was measured by period, so
    that rounding may leave one kWh less than nothing in a period.

    Source: domain rules 2.2, step 4, and 2.12a; examples E17a, E17b, E30.
    :raises SubMetersExceedMain: if less than nothing is left in all
    """
    fixed_kwh = sum(sub.kwh for sub in sub_meters if isinstance(sub, Fixed))
    shareable_kwh = main.total_kwh - fixed_kwh
    shares = _shares([sub for sub in sub_meters if isinstance(sub, Share)], shareable_kwh)
    taken = tuple(_energy(sub, main=main, shares=shares) for sub in sub_meters)
    left = main
    for energy in taken:
        left -= tou.shared(energy.total_kwh, by=main)
    if shareable_kwh < 0 or left.total_kwh < 0:
        raise SubMetersExceedMain(f"{main.total_kwh} kWh less its sub-meters is {left.total_kwh}")
    return left, taken


def _shares(shares: Sequence[Share], shareable_kwh: int) -> Iterator[int]:
    """Yield what each share comes to, in kWh; all of them no more than there is, if they agree."""
    agreed = [each.hundredths_percent for each in shares]
    left_kwh = shareable_kwh if sum(agreed) <= _WHOLE else None
    for share in agreed:
        kwh = half_up(shareable_kwh * share, _WHOLE)
        if left_kwh is not None and shareable_kwh >= 0:
            kwh = min(kwh, left_kwh)
            left_kwh -= kwh
        yield kwh


def _energy(sub: SubMeter, *, main: Energy, shares: Iterator[int]) -> Energy:
    match sub:
        case Fixed(kwh=kwh):
            return tou.shared(kwh, by=main)
        case Share():
            return tou.shared(next(shares), by=main)
        case Measured(energy=energy):
            return energy
