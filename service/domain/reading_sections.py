"""Reading sections: which meters are read together, on which day of a month, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.domain.errors import Conflict, FaultyField, Invalid, Missing
from service.domain.months import Month

STOPS_MAX = 500
"""As many as one person reads on a day; a longer list is two sections."""
EXAMPLE_DAY_MAX = 28
"""Every month has such a day."""
MONTHS_AHEAD_MAX = 12
"""Routes and plans are made so long before at most."""


class SectionUnknown(Missing):
    """No reading section has this number."""

    code = "READING_SECTION_UNKNOWN"
    hint = "List the reading sections."


class SectionNameTaken(Conflict):
    """The bureau has a section of this name."""

    code = "READING_SECTION_NAME_TAKEN"
    hint = "Give the section another name, or use the one that has it."


class RouteTooEarly(Conflict):
    """A route begins after whatever is recorded of its section."""

    code = "ROUTE_TOO_EARLY"
    hint = "Let it begin after the section's newest route, after what is planned or billed of it."


class MonthTooFar(Invalid):
    """What is recorded from a month on is never taken back: a slip of years would stay."""

    code = "MONTH_TOO_FAR"
    hint = f"Name a month of the next {MONTHS_AHEAD_MAX}."


class StopFaulty(Invalid):
    """A route names an account that it cannot lead to."""

    code = "ROUTE_STOP_FAULTY"
    hint = "Name every account once, of the section's bureau; take it off another route before."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRoute:
    """Accounts in the order of a round, from a month on, and the day of a month they are read."""

    from_month: Month
    example_day: int
    account_nos: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An account a route may lead to, and the section whose route leads there, if any does."""

    account_id: int
    section_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStanding:
    """
    What a new route is judged by: the newest month that its section has a route from, is planned
    in, was billed alone in; None if it has none.

    `places` are those of the accounts it names that exist, by their numbers.
    """

    newest: Month | None
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSection:
    """
    A section as it is read in a month (YYYY-MM).

    `from_month` is when that route began, `example_day` its day of the month; both null before the
    first. `stops` counts its accounts.
    """

    section_no: int
    bureau: int
    name: str
    month: str
    from_month: str | None
    example_day: int | None
    stops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """An account on a route, where it is."""

    position: int
    account_no: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRoute:
    """A section with every stop of its route in a month, in their order."""

    section: ReadingSection
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionPage:
    """Sections, the oldest first."""

    items: list[ReadingSection]
    next_cursor: str | None


def check_route(route: NewRoute, standing: RouteStanding) -> list[int]:
    """
    Return the accounts (by id) of a route that replaces nothing and leads to nobody twice.

    Source: domain rule 2.9 (a fixed day a section).
    :raises RouteTooEarly: if its section has a route from that month or later, is planned in it, or
        was billed alone in it
    :raises StopFaulty: naming every account that is unknown, named twice, on another route
    """
    if standing.newest is not None and route.from_month <= standing.newest:
        raise RouteTooEarly(f"from {route.from_month}, while {standing.newest} is recorded")
    faults = tuple(_faults(route.account_nos, standing.places))
    if faults:
        raise StopFaulty(f"{len(faults)} of {len(route.account_nos)} stops", fields=faults)
    return [standing.places[account_no].account_id for account_no in route.account_nos]


def check_reach(month: Month, *, now: datetime) -> None:
    """
    Let a month pass that is not too far ahead.

    :raises MonthTooFar: if it is
    """
    last = Month.at(now).plus(MONTHS_AHEAD_MAX)
    if month > last:
        raise MonthTooFar(f"month {month} is later than {last}")


def _faults(account_nos: tuple[str, ...], places: Mapping[str, Place]) -> Iterator[FaultyField]:
    seen: set[str] = set()
    for index, account_no in enumerate(account_nos):
        place = places.get(account_no)
        path = f"account_nos[{index}]"
        if place is None:
            yield FaultyField(path, "is no account of the bureau")
        elif account_no in seen:
            yield FaultyField(path, "is named before")
        elif place.section_no is not None:
            yield FaultyField(path, f"is on the route of section {place.section_no}")
        seen.add(account_no)
