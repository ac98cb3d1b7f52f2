"""Bill bases: everything that a bill of one account for one month is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from service.domain.household_terms import Subsidy
from service.domain.metered import RegisterSpan
from service.domain.meters import Span
from service.domain.months import Month
from service.domain.parts import Parts
from service.domain.reading_checks import Use
from service.domain.supplies import Supply
from service.domain.tiers import YearTiers


@dataclass(frozen=True, slots=True)
class Stand:
    """What the register showed, and when."""

    read_at: datetime
    register: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """
    Everything that a bill of one account for one month is computed from.

    `previous` is where the bill before ended, or the meter's installation; `last_billed` is the
    newest month that has a bill in force, None before the first. `reading` is the newest of the
    month. `before_kwh` is what the bills of earlier months of the same year came to. Of a household
    `persons` and `subsidy` are those that hold in the month. `serial` follows those of the month's
    bills that were cancelled, and of their mirrors. `used_before` is what the reading is compared
    with, `accepted` what was accepted of it, `estimated_kwh` what it was made to come to if it is
    an estimate. `hands` are the principals who took it, or corrected it. `removed` is what meters
    measured that were exchanged since, the oldest first; `previous` is where the last one began.
    `others` is what registers beside that of all energy showed in that time, on whichever meters
    have any; None in place of one whose reading is missing. Of an account of two parts `supply` is
    how it is supplied, None of any other; `demands` are the highest of each month, in kW. Its
    `parts` are billed at other categories' prices, None if nothing was ever apportioned. It was
    `closed_in` a month, None if it is open. What its `year` came to is known where `before_kwh`
    does not tell which tiers are left.
    """

    account_id: int
    account_no: str
    category: str
    opened_on: date
    digits: int
    decimals: int
    multiplier: Decimal
    previous: Stand
    last_billed: Month | None
    reading: Stand | None
    roll_overs: int
    before_kwh: int
    persons: int = 1
    subsidy: Subsidy = "none"
    serial: int = 1
    used_before: Use | None = None
    accepted: frozenset[tuple[str, int]] = frozenset()
    estimated_kwh: int | None = None
    hands: frozenset[int] = frozenset()
    removed: tuple[Span, ...] = ()
    others: tuple[RegisterSpan | None, ...] = ()
    supply: Supply | None = None
    demands: Mapping[Month, Decimal] = field(default_factory=dict)
    parts: Parts | None = None
    closed_in: Month | None = None
    year: YearTiers | None = None

    @property
    def part_categories(self) -> frozenset[str]:
        """At whose prices parts of the energy are billed."""
        return frozenset(part.category for part in self.parts.items) if self.parts else frozenset()

    @property
    def first_month(self) -> Month:
        """The first month that has no bill yet; the month of installation counts as a whole."""
        return first_month(self.last_billed, previous_read_at=self.previous.read_at)


def first_month(last_billed: Month | None, *, previous_read_at: datetime) -> Month:
    """Return the first month of a bill: after the one that was billed last, or of the reading."""
    return last_billed.next if last_billed else Month.at(previous_read_at)
