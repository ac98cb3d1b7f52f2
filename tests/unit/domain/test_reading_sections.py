"""Routes and plans, by their rules alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from service.domain.errors import Missing
from service.domain.months import Month
from service.domain.numbers import known_number
from service.domain.reading_plans import MonthOver, check_running, state_of
from service.domain.reading_sections import (
    MonthTooFar,
    NewRoute,
    Place,
    RouteStanding,
    RouteTooEarly,
    SectionUnknown,
    StopFaulty,
    check_reach,
    check_route,
)

MAY = Month(2026, 5)
PLACES = {
    "1000000005": Place(account_id=5, section_no=None),
    "1000000013": Place(account_id=13, section_no=None),
    "1000000021": Place(account_id=21, section_no=7),
}


def checked(*account_nos, newest=None, since=MAY):
    route = NewRoute(from_month=since, example_day=1, account_nos=account_nos)
    return check_route(route, RouteStanding(newest=newest, places=PLACES))


def test_a_route_leads_to_its_accounts_in_its_order():
    assert checked("1000000013", "1000000005") == [13, 5]
    assert checked() == []


@pytest.mark.parametrize("newest", [MAY, MAY.next])
def test_what_is_recorded_is_not_replaced(newest):
    with pytest.raises(RouteTooEarly):
        checked("1000000005", newest=newest)
    assert checked("1000000005", newest=MAY.previous) == [5]


def test_every_faulty_stop_is_named_once():
    with pytest.raises(StopFaulty) as refused:
        checked("1000000005", "1000000005", "1000000021", "nobody", "nobody")
    assert [(fault.path, fault.detail) for fault in refused.value.fields] == [
        ("account_nos[1]", "is named before"),
        ("account_nos[2]", "is on the route of section 7"),
        ("account_nos[3]", "is no account of the bureau"),
        ("account_nos[4]", "is no account of the bureau"),
    ]


def test_a_year_ahead_is_near_enough():
    now = MAY.starts_at
    check_reach(MAY.plus(12), now=now)
    with pytest.raises(MonthTooFar):
        check_reach(MAY.plus(13), now=now)


def test_a_month_runs_until_its_last_moment():
    check_running(month=MAY, now=MAY.ends_at - timedelta(microseconds=1))
    with pytest.raises(MonthOver):
        check_running(month=MAY, now=MAY.ends_at)
    with pytest.raises(MonthTooFar):
        check_running(month=MAY.plus(13), now=MAY.starts_at)


@pytest.mark.parametrize(
    ("missing", "days", "state"),
    [(0, 30, "done"), (1, 0, "open"), (1, 1, "open"), (1, 2, "late"), (1, -5, "open")],
)
def test_a_holiday_may_shift_a_round_by_a_day(missing, days, state):
    due_on = date(2026, 5, 12)
    today = due_on + timedelta(days=days)
    assert state_of(missing=missing, due_on=due_on, today=today) == state


@pytest.mark.parametrize(("number", "most"), [(1, 2**63 - 1), (2**63 - 1, 2**63 - 1), (7, 7)])
def test_a_number_that_a_column_holds_is_known(number, most):
    assert known_number(number, SectionUnknown, most=most) == number


@pytest.mark.parametrize(("number", "most"), [(0, 9), (-1, 9), (10, 9), (2**63, 2**63 - 1)])
def test_a_number_that_no_column_holds_is_nobody_s(number, most):
    with pytest.raises(Missing):
        known_number(number, SectionUnknown, most=most)


def test_the_running_month_is_that_of_the_utility_s_calendar():
    assert Month.at(MAY.starts_at) == MAY
    assert Month.at(MAY.starts_at - timedelta(microseconds=1)) == MAY.previous
