"""Correction details: what a reader of readings is shown, of those that are put right as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.errors import Missing
from service.domain.registers import Counted

Step = Literal["requested", "approved", "rejected"]


class CorrectionUnknown(Missing):
    """No correction of a reading has this number."""

    code = "READING_CORRECTION_UNKNOWN"
    hint = "List the corrections; a request is answered with its number."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReading:
    """
    A reading of an account's meter, as it is in force.

    `first_register` is what was taken first, null if it never was corrected; registers are text.
    `asset_no` is that of the meter, which may be gone; `periods` are its other registers, if it
    counts by period of the day.
    """

    read_at: datetime
    register: str
    rolled_over: bool
    source: str
    first_register: str | None
    asset_no: str
    periods: Mapping[Counted, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPage:
    """Readings of an account, the newest first."""

    items: list[ShownReading]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionEvent:
    """One step that was taken, by whom; `reason` is null for an approval."""

    step: Step
    done_by: str
    happened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCorrection:
    """What the register of one period shall have shown."""

    period: Counted
    register_before: str
    register: str
    rolled_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCorrection:
    """A reading's correction with every step it has taken; `state` is the last one."""

    correction_no: int
    state: Step
    account_no: str
    read_at: datetime
    register_before: str
    register: str
    rolled_over: bool
    is_roll_over_confirmed: bool
    periods: tuple[PeriodCorrection, ...]
    events: tuple[CorrectionEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionSummary:
    """A correction in a list."""

    correction_no: int
    state: Step
    account_no: str
    read_at: datetime
    register: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionPage:
    """Corrections, the newest first."""

    items: list[CorrectionSummary]
    next_cursor: str | None
