"""Accounting months: leap days, year ends and the hours before midnight in Beijing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.months import BUSINESS_TIME, Month, MonthMalformed, business_date

MONTHS = st.builds(Month, st.integers(1900, 2099), st.integers(1, 12))


@given(MONTHS)
def test_a_month_is_read_as_it_is_written(month):
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-00", "2026-13", "2026-3", "26-03", "2026-03-01", "2026-03\n", "２０２６-03"],
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(MonthMalformed):
        Month.parse(text)


@pytest.mark.parametrize(
    ("month", "months", "later"),
    [
        ("2025-12", 1, "2026-01"),
        ("2026-01", -1, "2025-12"),
        ("2026-01", 12, "2027-01"),
        ("2026-03", -27, "2023-12"),
        ("2026-03", 0, "2026-03"),
    ],
)
def test_months_go_on_over_the_end_of_the_year(month, months, later):
    assert str(Month.parse(month).plus(months)) == later


@given(MONTHS)
def test_months_follow_each_other_without_a_gap(month):
    assert month.ends_at == month.next.starts_at
    assert month.next.previous == month
    assert month < month.next


@pytest.mark.parametrize(
    ("moment", "is_inside"),
    [
        (datetime(2024, 2, 1, tzinfo=BUSINESS_TIME), True),
        (datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=BUSINESS_TIME), True),
        (datetime(2024, 3, 1, tzinfo=BUSINESS_TIME), False),
        (datetime(2024, 1, 31, 16, tzinfo=UTC), True),  # midnight in Beijing
        (datetime(2024, 1, 31, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2024, 2, 29, 16, tzinfo=UTC), False),
    ],
)
def test_a_month_lasts_from_midnight_to_midnight_in_beijing(moment, is_inside):
    assert Month(2024, 2).contains(moment) is is_inside


def test_a_month_of_a_leap_year_has_its_day():
    february = Month.of(date(2024, 2, 29))

    assert february.first_day == date(2024, 2, 1)
    assert february.ends_at - february.starts_at == timedelta(days=29)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_the_business_day_begins_at_midnight_in_beijing(moment, day):
    assert business_date(moment) == day
