"""Reading checks: what a person must look at before a reading is billed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from service.domain.errors import Conflict
from service.domain.months import business_date

BILLS_COMPARED = 3
"""A reading is compared with what so many bills before it came to; with fewer it is believed."""
_HIGH = 3
_LOW = 3
# Households of a few kWh a day vary more than that from month to month, and matter less.
_DIFFERENCE_MIN_KWH_A_DAY = 5
_USED_MIN_KWH_A_DAY = 1


@dataclass(frozen=True, slots=True)
class Use:
    """Energy that was used within so many days."""

    kwh: int
    days: int

    @classmethod
    def between(cls, since: datetime, until: datetime, *, kwh: int) -> Use:
        """Return what was used from one reading to another; a day at least."""
        return cls(kwh, max((business_date(until) - business_date(since)).days, 1))

    def __str__(self) -> str:
        """Write it as a person compares it."""
        return f"{self.kwh} kWh in {self.days} days"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd about a reading; `detail` shows the figures that were compared."""

    code: str
    detail: str


class ReadingInQuestion(Conflict):
    """The reading of the month comes to energy that a person has to look at first."""

    code = "READING_IN_QUESTION"
    hint = "Accept its findings, or have it read again; then start another run for the month."

    def __init__(self, findings: tuple[Finding, ...], *, kwh: int) -> None:
        super().__init__("; ".join(f"{each.code}: {each.detail}" for each in findings))
        self.findings = findings
        self.kwh = kwh


Check = Callable[[Use, Use], Finding | None]


def check_reading(
    use: Use, *, before: Use | None, accepted: Collection[tuple[str, int]] = ()
) -> None:
    """
    Let a reading pass that is like those before it, or that a person has accepted.

    :param before: what the newest `BILLS_COMPARED` bills came to; None if there are fewer
    :param accepted: the codes that were accepted of it, each with the energy that it came to then
    :raises ReadingInQuestion: with every finding that nobody has accepted
    """
    found = findings_of(use, before=before)
    findings = tuple(each for each in found if (each.code, use.kwh) not in accepted)
    if findings:
        raise ReadingInQuestion(findings, kwh=use.kwh)


def findings_of(use: Use, *, before: Use | None) -> tuple[Finding, ...]:
    """Return all that is odd about what a reading comes to; nothing if it cannot be compared."""
    if before is None or before.days == 0:
        return ()
    return tuple(finding for check in CHECKS if (finding := check(use, before)))


def nothing_used(use: Use, before: Use) -> Finding | None:
    """Find a meter that stands still where energy was used."""
    if use.kwh == 0 and before.kwh >= _USED_MIN_KWH_A_DAY * before.days:
        return Finding("CONSUMPTION_ZERO", f"{use}, {before} before")
    return None


def little_used(use: Use, before: Use) -> Finding | None:
    """Find less than a third of what was used a day before."""
    is_low = _LOW * use.kwh * before.days < before.kwh * use.days
    if use.kwh > 0 and is_low and _differ(use, before):
        return Finding("CONSUMPTION_LOW", f"{use}, {before} before")
    return None


def much_used(use: Use, before: Use) -> Finding | None:
    """Find more than three times of what was used a day before."""
    if use.kwh * before.days > _HIGH * before.kwh * use.days and _differ(use, before):
        return Finding("CONSUMPTION_HIGH", f"{use}, {before} before")
    return None


CHECKS: tuple[Check, ...] = (nothing_used, little_used, much_used)


def _differ(use: Use, before: Use) -> bool:
    """Test if both differ by enough, a day."""
    difference = abs(use.kwh * before.days - before.kwh * use.days)
    return difference >= _DIFFERENCE_MIN_KWH_A_DAY * use.days * before.days
