"""Reading plans: who reads which section in a month, how far they have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from service.domain.errors import Invalid, Missing
from service.domain.months import Month
from service.domain.reading_sections import check_reach
from service.domain.registers import Counted

TOLERANCE = timedelta(days=1)
"""A section is read on its example day, a holiday may shift it by so much (domain rule 2.9)."""

State = Literal["open", "late", "done"]


class PlanUnknown(Missing):
    """No reading plan has this number."""

    code = "READING_PLAN_UNKNOWN"
    hint = "List the reading plans of the month."


class ReaderUnknown(Missing):
    """No reader of the plan's bureau has this name."""

    code = "READER_UNKNOWN"
    hint = "Name somebody whose role is reader, of the bureau that the plan is about."


class MonthOver(Invalid):
    """Nobody can be sent out in a month that is over."""

    code = "MONTH_OVER"
    hint = "Plan the running month, or one to come; what nobody read is estimated."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPlan:
    """
    A section's readings of a month (YYYY-MM), with how far they have come.

    Of the meters the newest of the month is a reading (`measured`), an estimate (`estimated`), or
    there is none (`missing`). `late` is a plan with missing ones later than a day after `due_on`.
    `reader` is null until somebody is sent.
    """

    plan_no: int
    bureau: int
    section_no: int
    section: str
    month: str
    due_on: date
    reader: str | None
    state: State
    stops: int
    measured: int
    estimated: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStop:
    """
    An account on the round; the newest reading of its meter in the month, or nulls.

    `periods` are what the meter has registers of, to be read beside that of all energy.
    """

    position: int
    account_no: str
    address: str
    read_at: datetime | None
    register: str | None
    source: str | None
    periods: tuple[Counted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRound:
    """A plan with every stop, in the order of the round."""

    plan: ReadingPlan
    stops: tuple[PlanStop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlansMade:
    """
    How many plans were made, a section each; a section that had one keeps it.

    `unrouted` accounts of the bureau are on no route in the month: nobody is sent to them.
    """

    month: str
    made: int
    unrouted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """Plans, the newest first."""

    items: list[ReadingPlan]
    next_cursor: str | None


def check_running(*, month: Month, now: datetime) -> None:
    """
    Let a month pass in which somebody can still read.

    :raises MonthOver: if it has ended in business time
    :raises MonthTooFar: if it is years ahead
    """
    check_reach(month, now=now)
    if now >= month.ends_at:
        raise MonthOver(f"month {month} ended at {month.ends_at.isoformat()}")


def state_of(*, missing: int, due_on: date, today: date) -> State:
    """Return `done` if nothing is missing, `late` after the day and its tolerance, else `open`."""
    if not missing:
        return "done"
    return "late" if today > due_on + TOLERANCE else "open"
