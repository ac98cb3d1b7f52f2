"""Pasts: what a reading is compared with at once, while its reader still stands at the meter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from service.domain.meters import Register, consumption_kwh
from service.domain.months import business_date
from service.domain.reading_checks import Finding, Use, findings_of

DAYS_COMPARED_MIN = 7
"""Sooner after a bill a few hours make what was used a day too much, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """
    A meter since its newest bill, which ended at `read_at` with `register`.

    The register began again `roll_overs` times since. `used` is what the newest `BILLS_COMPARED`
    bills came to.
    """

    multiplier: Decimal
    read_at: datetime
    register: Decimal
    roll_overs: int
    used: Use

    def after(self, *, rolled_over: bool) -> Past:
        """Return the past of the reading after one that was taken now."""
        return replace(self, roll_overs=self.roll_overs + rolled_over)

    def findings(
        self, register: Decimal, *, read_at: datetime, shape: Register
    ) -> tuple[Finding, ...]:
        """Return what a bill run will find odd about a reading of this meter, if it is billed."""
        days = (business_date(read_at) - business_date(self.read_at)).days
        if days < DAYS_COMPARED_MIN:
            return ()
        if register + self.roll_overs * shape.range < self.register:
            return ()  # below what was billed, as after a correction: a run refuses that by itself
        advance = shape.advance(start=self.register, end=register, roll_overs=self.roll_overs)
        kwh = consumption_kwh(advance=advance, multiplier=self.multiplier)
        return findings_of(Use.between(self.read_at, read_at, kwh=kwh), before=self.used)
