"""Accounting months, in the utility's business time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.domain.errors import Invalid

BUSINESS_TIME = ZoneInfo("Asia/Shanghai")  # The whole country keeps Beijing time.

_MONTH = re.compile(r"(?P<year>20[0-9]{2}|19[0-9]{2})-(?P<number>0[1-9]|1[0-2])", re.ASCII)
_MONTHS_A_YEAR = 12


class MonthMalformed(Invalid):
    """A text is no accounting month."""

    code = "MONTH_MALFORMED"
    hint = "Write the month as YYYY-MM, for example 2026-03."


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """An accounting month: from its first midnight in business time up to, not into, the next."""

    year: int
    number: int

    def __post_init__(self) -> None:
        assert 1 <= self.number <= _MONTHS_A_YEAR, "a month is numbered 1 to 12"

    def __str__(self) -> str:
        """Write the month as `YYYY-MM`."""
        return f"{self.year:04}-{self.number:02}"

    @classmethod
    def parse(cls, text: str) -> Month:
        """
        Read `YYYY-MM`, in the years 1900 to 2099.

        :raises MonthMalformed: if `text` is anything else
        """
        match = _MONTH.fullmatch(text)
        if match is None:
            raise MonthMalformed(f"month is {text!r}")
        return cls(int(match["year"]), int(match["number"]))

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month that `day` lies in."""
        return cls(day.year, day.month)

    @classmethod
    def at(cls, moment: datetime) -> Month:
        """Return the month that the utility's calendar shows at `moment`."""
        return cls.of(business_date(moment))

    @property
    def next(self) -> Month:
        """The month after this one."""
        return self.plus(1)

    @property
    def previous(self) -> Month:
        """The month before this one."""
        return self.plus(-1)

    @property
    def first_day(self) -> date:
        """The first day of the month; the table's key for it."""
        return date(self.year, self.number, 1)

    @property
    def starts_at(self) -> datetime:
        """The first moment of the month."""
        return datetime(self.year, self.number, 1, tzinfo=BUSINESS_TIME)

    @property
    def ends_at(self) -> datetime:
        """The first moment that is no longer in the month."""
        return self.next.starts_at

    def plus(self, months: int) -> Month:
        """Return the month that lies `months` later, or earlier if below zero."""
        years, number = divmod(self.number - 1 + months, _MONTHS_A_YEAR)
        return Month(self.year + years, number + 1)

    def contains(self, moment: datetime) -> bool:
        """Test if `moment` lies in the month."""
        return self.starts_at <= moment < self.ends_at


def business_date(moment: datetime) -> date:
    """Return the day that the utility's calendar shows at `moment`, which must carry an offset."""
    assert moment.tzinfo is not None, "a moment without an offset has no business date"
    return moment.astimezone(BUSINESS_TIME).date()


def months_between(first: Month, last: Month) -> int:
    """Return how many months a bill from `first` to `last` covers, both included."""
    return (last.year - first.year) * _MONTHS_A_YEAR + last.number - first.number + 1
