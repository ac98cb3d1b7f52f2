from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendars import (
    DAY_TYPES,
    QUARTERS,
    Calendar,
    CalendarHole,
    CalendarMalformed,
    CalendarOverlap,
    DayPlan,
    Season,
    Stretch,
    checked,
    quarters,
)
from service.domain.tou import PERIODS


def plan(*stretches, types=DAY_TYPES):
    parts = (each.split() for each in stretches)
    return DayPlan(
        types=types,
        stretches=tuple(Stretch(starts=a, ends=b, period=period) for a, b, period in parts),
    )


def year(*plans, first="01-01", last="12-31"):
    return Calendar(seasons=(Season(first=first, last=last, plans=plans),))


# Source: domain rule 2.5, the published sets of Shanghai; hour h is from h:00 to h:59.
SHANGHAI = Calendar(
    seasons=(
        Season(
            first="07-01",
            last="09-30",
            plans=(
                plan(
                    "00:00 06:00 valley", "06:00 08:00 flat", "08:00 11:00 peak",
                    "11:00 13:00 flat", "13:00 15:00 peak", "15:00 18:00 flat",
                    "18:00 21:00 peak", "21:00 22:00 flat", "22:00 24:00 valley",
                ),
            ),
        ),
        Season(
            first="10-01",
            last="06-30",
            plans=(
                plan(
                    "00:00 06:00 valley", "06:00 08:00 flat", "08:00 11:00 peak",
                    "11:00 18:00 flat", "18:00 21:00 peak", "21:00 22:00 flat",
                    "22:00 24:00 valley",
                ),
            ),
        ),
    )
)  # fmt: skip
NIGHT_AND_DAY = plan("00:00 08:00 valley", "08:00 22:00 peak", "22:00 24:00 valley")


def test_a_published_calendar_of_two_seasons_is_taken():
    assert checked(SHANGHAI) is SHANGHAI
    assert SHANGHAI.periods == {"peak", "flat", "valley"}
    noon = 12 * 4
    assert [quarters(season.plans[0])[noon + 4] for season in SHANGHAI.seasons] == ["peak", "flat"]


def test_kinds_of_days_may_have_plans_of_their_own():
    resting = plan("00:00 24:00 valley", types=("rest", "holiday"))
    checked(year(replace(NIGHT_AND_DAY, types=("work",)), resting))


@pytest.mark.parametrize(
    ("calendar", "refusal", "where"),
    [
        (year(plan("00:00 08:00 valley", "08:15 24:00 peak")), CalendarHole, "08:00"),
        (year(plan("00:00 23:45 flat")), CalendarHole, "23:45"),
        (year(plan("00:00 08:15 valley", "08:00 24:00 peak")), CalendarOverlap, "08:00"),
        (year(plan("00:00 24:00 flat", types=("work", "rest"))), CalendarHole, "holiday"),
        (year(NIGHT_AND_DAY, plan("00:00 24:00 flat", types=("rest",))), CalendarOverlap, "rest"),
        (year(NIGHT_AND_DAY, last="12-30"), CalendarHole, "12-31"),
        (year(NIGHT_AND_DAY, first="03-01", last="02-28"), CalendarHole, "02-29"),
        (Calendar(seasons=SHANGHAI.seasons + year(NIGHT_AND_DAY).seasons), CalendarOverlap, "01-0"),
        (Calendar(seasons=()), CalendarHole, "01-01"),
        (year(NIGHT_AND_DAY, last="02-30"), CalendarMalformed, "02-30"),
        (year(plan("22:00 08:00 valley", "08:00 22:00 peak")), CalendarMalformed, "22:00"),
        (year(plan("00:00 24:00 flat", "08:00 08:00 peak")), CalendarMalformed, "08:00"),
    ],
)
def test_a_calendar_that_is_not_sure_of_some_time_is_refused_with_where(calendar, refusal, where):
    with pytest.raises(refusal) as refused:
        checked(calendar)
    assert where in str(refused.value)


def clock(number):
    return f"{number // 4:02}:{number % 4 * 15:02}"


@given(st.lists(st.sampled_from(PERIODS), min_size=QUARTERS, max_size=QUARTERS), st.randoms())
def test_any_day_is_told_in_stretches_whatever_their_order(day, random):
    stretches = [f"{clock(i)} {clock(i + 1)} {period}" for i, period in enumerate(day)]
    random.shuffle(stretches)
    assert quarters(plan(*stretches)) == tuple(day)
    with pytest.raises(CalendarHole):
        quarters(plan(*stretches[1:]))
    with pytest.raises(CalendarOverlap):
        quarters(plan(*stretches, stretches[0]))


def test_a_calendar_knows_which_months_have_a_period():
    sharp = plan("00:00 19:00 flat", "19:00 22:00 sharp", "22:00 24:00 flat")
    calendar = Calendar(
        seasons=(
            Season(first="07-16", last="08-31", plans=(sharp,)),
            Season(first="09-01", last="07-15", plans=(plan("00:00 24:00 flat"),)),
        )
    )
    checked(calendar)
    found = [month for month in range(1, 13) if calendar.has("sharp", month=month)]
    assert found == [7, 8]
    assert calendar.has("flat", month=1)
