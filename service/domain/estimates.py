"""Estimates: what a meter is taken to have shown in a month in which nobody read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from service.domain.errors import Conflict, Forbidden
from service.domain.meters import DECIMALS_MAX, Register, consumption_kwh
from service.domain.months import Month, months_between
from service.domain.principals import Caller, Role
from service.domain.rounding import half_up

SOURCE = "estimate"
"""The source of a reading that is one; nobody can send it."""
IN_A_ROW_MAX = 2
"""After so many in a row somebody has to read the meter, or the head office decides."""
BILLS_NEEDED = 3
"""A mean of fewer says little about a customer."""

Method = Literal["trend", "mean"]

_YEAR = 12
_SCALE = 10**DECIMALS_MAX


class MonthBilled(Conflict):
    """The month, or a later one, has a bill."""

    code = "MONTH_BILLED"
    hint = "Nothing is left to estimate; a bill that is wrong is cancelled."


class MeterRead(Conflict):
    """The meter was read in the month, or after it."""

    code = "METER_READ"
    hint = "Bill by what was read; a reading that is wrong is corrected."


class MeterExchanged(Conflict):
    """The meter was exchanged, and nobody has read the new one."""

    code = "METER_EXCHANGED"
    hint = "Send somebody to read it: what was used with another meter says little of this one."


class MeterCountsByPeriod(Conflict):
    """The meter counts by period of the day: of these a month's energy says nothing."""

    code = "METER_COUNTS_BY_PERIOD"
    hint = "Send somebody to read each of the meter's registers."


class EarlierMonthUnbilled(Conflict):
    """A reading of a month before waits for its bill."""

    code = "EARLIER_MONTH_UNBILLED"
    hint = "Bill that month first: the estimate begins where its bill ends."


class HistoryMissing(Conflict):
    """Too little is known of the account to estimate its energy."""

    code = "HISTORY_MISSING"
    hint = f"Read the meter: an estimate rests on the account's last {BILLS_NEEDED} bills."


class EstimatesExhausted(Forbidden):
    """The account was estimated too often in a row."""

    code = "ESTIMATES_EXHAUSTED"
    hint = "Send somebody to read the meter; if nobody can, the head office estimates once more."


@dataclass(frozen=True, slots=True)
class Billed:
    """What a bill in force came to, and how many months it is about, up to `month`."""

    month: Month
    months: int
    kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateStanding:
    """
    What an estimate is made from.

    `billed_until` is where the newest bill ends, None without one; `read_at` and `register` are of
    the newest reading, or of the installation, which was an exchange if `is_exchanged`; `in_a_row`
    says of how many estimates that is the last. `history` is of the newest bills, the newest first.
    """

    shape: Register
    multiplier: Decimal
    read_at: datetime
    register: Decimal
    in_a_row: int
    billed_until: datetime | None
    history: Sequence[Billed]
    is_exchanged: bool = False
    counts_by_period: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """What the meter is taken to have shown at `read_at`; `basis` is the bills it rests on."""

    read_at: datetime
    register: Decimal
    rolled_over: bool
    kwh: int
    method: Method
    basis: tuple[Billed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisBill:
    """A bill that an estimate rests on: its month, YYYY-MM, its energy, the months it is about."""

    month: str
    months: int
    kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """
    An estimate as it was made, by whom, from what.

    `method` is `trend` (the same month a year before, times how the last three months compare with
    the same three then) or `mean` (of the last three bills, by the months they are about).
    """

    account_no: str
    month: str
    read_at: datetime
    register: str
    consumption_kwh: int
    method: Method
    basis: tuple[BasisBill, ...]
    reason: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatePage:
    """Estimates of an account, the newest first."""

    items: list[Estimate]
    next_cursor: str | None


def estimated(standing: EstimateStanding, *, month: Month, by: Caller) -> Estimated:
    """
    Return what the meter is taken to have shown as `month`, which nobody read it in, ended.

    The register is what the energy comes to, to its fourth decimal; the next bill begins there, so
    that whatever the estimate missed is part of it.

    Source: domain rule 2.9 (same month of the last year by trend, else the mean of the last three;
    the third in a row needs approval); example E31.
    :raises MonthBilled: if the month, or a later one, has a bill
    :raises MeterExchanged: if it was exchanged, and not read since
    :raises MeterRead: if the meter was read in the month, or later
    :raises MeterCountsByPeriod: if it has registers of periods of the day
    :raises HistoryMissing: if fewer than `BILLS_NEEDED` bills are known
    :raises EarlierMonthUnbilled: if a reading since the newest bill is not billed
    :raises EstimatesExhausted: if it would be the third in a row, and not by the head office
    """
    _check(standing, month, by)
    months = months_between(standing.history[0].month.next, month)
    method, basis, kwh = _energy(standing.history, month=month, months=months)
    units = half_up(kwh * _SCALE * _SCALE, int(standing.multiplier * _SCALE))
    advance = Decimal(units).scaleb(-DECIMALS_MAX)
    shown = standing.register + advance
    rolled_over = shown >= standing.shape.range
    return Estimated(
        read_at=month.ends_at - timedelta(seconds=1),
        register=shown - standing.shape.range if rolled_over else shown,
        rolled_over=rolled_over,
        kwh=consumption_kwh(advance=advance, multiplier=standing.multiplier),
        method=method,
        basis=tuple(basis),
    )


def _check(standing: EstimateStanding, month: Month, by: Caller) -> None:
    if standing.history and standing.history[0].month >= month:
        raise MonthBilled(f"{standing.history[0].month} is billed")
    if standing.is_exchanged:
        raise MeterExchanged(f"the meter was exchanged at {standing.read_at.isoformat()}")
    if standing.history and standing.read_at >= month.starts_at:
        raise MeterRead(f"the meter was read at {standing.read_at.isoformat()}")
    if standing.counts_by_period:
        raise MeterCountsByPeriod("it has registers of periods of the day")
    if len(standing.history) < BILLS_NEEDED:
        raise HistoryMissing(f"{len(standing.history)} bills of the account are in force")
    if standing.billed_until is None or standing.read_at > standing.billed_until:
        raise EarlierMonthUnbilled(f"the reading of {standing.read_at.isoformat()} is not billed")
    if standing.in_a_row >= IN_A_ROW_MAX and by.role != Role.HEAD_OFFICE:
        raise EstimatesExhausted(f"the last {standing.in_a_row} readings are estimates")


def _energy(
    history: Sequence[Billed], *, month: Month, months: int
) -> tuple[Method, Sequence[Billed], int]:
    """Return how much energy `months` up to `month` are taken to have used, and why."""
    single = {bill.month: bill for bill in history if bill.months == 1}
    a_year_before = month.plus(-_YEAR)
    wanted = [a_year_before, *_three_before(month), *_three_before(a_year_before)]
    if months == 1 and all(each in single for each in wanted):
        bills = [single[each] for each in wanted]
        now, then = (sum(bill.kwh for bill in bills[at : at + 3]) for at in (1, 4))
        if then > 0:
            return "trend", bills, half_up(bills[0].kwh * now, then)
    last = history[:BILLS_NEEDED]
    about = sum(bill.months for bill in last)
    return "mean", last, half_up(sum(bill.kwh for bill in last) * months, about)


def _three_before(month: Month) -> tuple[Month, Month, Month]:
    return month.plus(-1), month.plus(-2), month.plus(-3)
