"""Calendars: which period of the day each quarter of an hour is in, season by season."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from service.domain.errors import Invalid
from service.domain.tou import Period

DayType = Literal["work", "rest", "holiday"]
DAY_TYPES: tuple[DayType, ...] = get_args(DayType)
QUARTERS = 96
"""Quarters of an hour in a day: as finely as meters tell periods apart."""

_QUARTERS_AN_HOUR, _MINUTES_A_QUARTER = 4, 15
_LEAP_YEAR = 2028  # which has every day that a year can have


class CalendarHole(Invalid):
    """Some time of the year is in no period."""

    code = "CALENDAR_HOLE"
    hint = "Give every quarter of an hour of every kind of day, in every season, one period."


class CalendarOverlap(Invalid):
    """Some time of the year is in two periods."""

    code = "CALENDAR_OVERLAP"
    hint = "Give every quarter of an hour of every kind of day, in every season, one period only."


class CalendarMalformed(Invalid):
    """A calendar names a day that no year has, or a stretch of time that ends before it starts."""

    code = "CALENDAR_MALFORMED"
    hint = 'Write days as "07-31", times as "08:15"; split what goes past midnight at "24:00".'


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of the day within one period: from `starts` until `ends`, "08:00" to "24:00"."""

    starts: str
    ends: str
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """The periods of each day of these types."""

    types: tuple[DayType, ...]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The days from `first` to `last`, "07-01" to "09-30", each year; past New Year's too."""

    first: str
    last: str
    plans: tuple[DayPlan, ...]

    @property
    def periods(self) -> frozenset[Period]:
        """The periods that any of its days has."""
        return frozenset(each.period for plan in self.plans for each in plan.stretches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """
    The periods of the day of a whole year, in business time.

    Source: domain rule 2.5.
    """

    seasons: tuple[Season, ...]

    @property
    def periods(self) -> frozenset[Period]:
        """The periods that it has at any time of the year."""
        return frozenset(period for season in self.seasons for period in season.periods)

    def has(self, period: Period, *, month: int) -> bool:
        """Tell if any day of a month (1 to 12) has a period."""
        seasons = (season for season in self.seasons if period in season.periods)
        return any(day.startswith(f"{month:02}-") for season in seasons for day in _days(season))


def checked(calendar: Calendar) -> Calendar:
    """
    Return `calendar` if every quarter of an hour of a year is in exactly one period.

    :raises CalendarHole: if one is in none
    :raises CalendarOverlap: if one is in two
    :raises CalendarMalformed: if it names a day or a stretch that cannot be
    """
    _check_once(
        (day for season in calendar.seasons for day in _days(season)),
        every=map(_month_day, _year()),
        where="the seasons",
    )
    for season in calendar.seasons:
        where = f"the season from {season.first}"
        types = [each for plan in season.plans for each in plan.types]
        _check_once(types, every=DAY_TYPES, where=where)
        for plan in season.plans:
            quarters(plan, where=where)
    return calendar


def quarters(plan: DayPlan, *, where: str = "the day") -> tuple[Period, ...]:
    """
    Return the period of each of a day's quarters of an hour, the one after midnight first.

    :param where: what the plan is part of, for whoever has to mend it
    :raises CalendarHole: if a quarter is in no period
    :raises CalendarOverlap: if one is in two
    :raises CalendarMalformed: if a stretch ends before it starts
    """
    covered = [(number, each.period) for each in plan.stretches for number in _numbers(each)]
    _check_once(
        (_clock(number) for number, _ in covered),
        every=map(_clock, range(QUARTERS)),
        where=f"{where}, on {'/'.join(plan.types)} days",
    )
    return tuple(period for _, period in sorted(covered))


def _check_once(named: Iterable[str], *, every: Iterable[str], where: str) -> None:
    times = Counter(named)
    for each in every:
        if not times[each]:
            raise CalendarHole(f"{each} is missing in {where}")
        if times[each] > 1:
            raise CalendarOverlap(f"{each} is there {times[each]} times in {where}")


def _numbers(stretch: Stretch) -> range:
    """Return the numbers of the quarters of an hour that a stretch has."""
    starts, ends = _number(stretch.starts), _number(stretch.ends)
    if starts >= ends:
        raise CalendarMalformed(f"a stretch from {stretch.starts} to {stretch.ends}")
    return range(starts, ends)


def _number(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * _QUARTERS_AN_HOUR + int(minute) // _MINUTES_A_QUARTER


def _clock(number: int) -> str:
    hour, quarter = divmod(number, _QUARTERS_AN_HOUR)
    return f"{hour:02}:{quarter * _MINUTES_A_QUARTER:02}"


def _days(season: Season) -> Iterator[str]:
    """Yield each day of a season as it is written."""
    first, last = _day(season.first), _day(season.last)
    if first <= last:
        yield from (_month_day(day) for day in _year() if first <= day <= last)
    else:
        yield from (_month_day(day) for day in _year() if day <= last or day >= first)


def _day(text: str) -> date:
    month, day = text.split("-")
    try:
        return date(_LEAP_YEAR, int(month), int(day))
    except ValueError as error:
        raise CalendarMalformed(f"there is no day {text}") from error


def _month_day(day: date) -> str:
    return f"{day.month:02}-{day.day:02}"


def _year() -> Iterator[date]:
    day = date(_LEAP_YEAR, 1, 1)
    while day.year == _LEAP_YEAR:
        yield day
        day += timedelta(days=1)
