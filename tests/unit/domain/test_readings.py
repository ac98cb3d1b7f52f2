"""Judging readings: domain rule 2.2, example E07, with edges of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.meters import Register
from service.domain.months import BUSINESS_TIME
from service.domain.reading_batches import BATCH_MAX, BatchLengthRefused, check_length, judge
from service.domain.reading_checks import Use
from service.domain.reading_pasts import Past
from service.domain.readings import MeterState, NewReading

NOW = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
LAST = datetime(2026, 2, 28, 16, 0, tzinfo=UTC)  # midnight after the last day of February
OPEN_FROM = date(2026, 1, 1)
SECOND = timedelta(seconds=1)


def a_meter(register="99850", *, digits=5, decimals=0, read_at=LAST) -> MeterState:
    return MeterState(
        bureau_id=1,
        meter_id=7,
        shape=Register(digits, decimals),
        read_at=read_at,
        register=Decimal(register),
    )


def a_reading(register, *, read_at=NOW, confirmed=False, source="manual", account_no="A"):
    return NewReading(
        account_no=account_no,
        register=register,
        read_at=read_at,
        source=source,
        is_roll_over_confirmed=confirmed,
    )


def judged(*batch, state=None, states=None, pasts=None):
    return judge(
        batch,
        states=states or {"A": state or a_meter()},
        pasts=pasts or {},
        now=NOW,
        open_from=OPEN_FROM,
    )


def code_of(new, **given):
    (result,) = judged(new, **given).report.results
    return getattr(result, "code", result.status)


@pytest.mark.parametrize(
    ("last", "register", "is_confirmed", "outcome"),
    [
        ("99850", "130", False, True),  # E07
        ("50000", "130", False, "READING_BELOW_PREVIOUS"),  # E07, the guard
        ("50000", "130", True, True),
        ("90000", "89999", False, True),  # nine tenths of the range, not one less
        ("89999", "89998", False, "READING_BELOW_PREVIOUS"),
        ("99850", "99850", False, False),  # nothing was used
        ("99850", "99851", True, False),  # a confirmation of what did not happen
        ("99999", "0", False, True),
    ],
)
def test_a_register_below_the_last_one_rolled_over_or_is_refused(
    last, register, is_confirmed, outcome
):
    (result,) = judged(
        a_reading(register, confirmed=is_confirmed), state=a_meter(last)
    ).report.results

    assert (getattr(result, "code", None) or result.rolled_over) == outcome


@pytest.mark.parametrize(
    ("read_at", "outcome"),
    [
        (NOW, "accepted"),
        (NOW + SECOND, "READING_IN_FUTURE"),
        (NOW.astimezone(BUSINESS_TIME) + SECOND, "READING_IN_FUTURE"),
        (LAST + SECOND, "accepted"),
        (LAST, "READING_NOT_LATER"),
        (LAST.astimezone(BUSINESS_TIME), "READING_NOT_LATER"),  # the same moment, said otherwise
        (LAST - SECOND, "READING_NOT_LATER"),
    ],
)
def test_a_reading_lies_after_the_last_one_and_not_after_now(read_at, outcome):
    assert code_of(a_reading("99900", read_at=read_at)) == outcome


@pytest.mark.parametrize(
    ("read_at", "outcome"),
    [
        (datetime(2025, 12, 31, 16, tzinfo=UTC), "accepted"),  # midnight in Beijing
        (datetime(2025, 12, 31, 16, tzinfo=UTC) - SECOND, "READING_TOO_OLD"),
    ],
)
def test_readings_of_closed_months_are_refused_from_their_last_second_on(read_at, outcome):
    meter = a_meter(read_at=datetime(2015, 6, 1, tzinfo=UTC))

    assert code_of(a_reading("99900", read_at=read_at), state=meter) == outcome


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (a_reading("1", account_no="B"), "ACCOUNT_UNKNOWN"),
        (a_reading("1", source="guess"), "SOURCE_UNKNOWN"),
        (a_reading("100000"), "REGISTER_TOO_LONG"),
        (a_reading("99900.5"), "REGISTER_TOO_LONG"),
        (a_reading("-1"), "REGISTER_MALFORMED"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(new, code):
    assert code_of(new) == code


def test_items_of_a_meter_are_judged_in_the_order_of_their_time():
    march, april = LAST + timedelta(days=1), LAST + timedelta(days=2)

    judgement = judged(a_reading("130", read_at=april), a_reading("99999", read_at=march))

    assert [(r.register, r.rolled_over) for r in judgement.readings] == [
        (Decimal(99999), False),
        (Decimal(130), True),
    ]
    assert [(r.item, r.rolled_over) for r in judgement.report.results] == [(1, True), (2, False)]


def test_a_refused_item_leaves_no_trace_for_the_next():
    too_high = a_reading("99999999", read_at=LAST + SECOND)
    good = a_reading("99851", read_at=LAST + 2 * SECOND)

    judgement = judged(too_high, good)

    assert [result.status for result in judgement.report.results] == ["refused", "accepted"]


def test_of_two_readings_of_one_moment_the_first_is_taken():
    judgement = judged(a_reading("99900"), a_reading("99901"))

    assert [getattr(r, "code", r.status) for r in judgement.report.results] == [
        "accepted",
        "READING_NOT_LATER",
    ]


def test_only_meters_that_moved_are_written():
    states = {"A": a_meter(), "B": MeterState(**{**_fields(a_meter()), "meter_id": 8})}

    judgement = judged(a_reading("99999"), a_reading("1e3", account_no="B"), states=states)

    assert [(state.meter_id, state.register) for state in judgement.states] == [(7, Decimal(99999))]


def _fields(state):
    return {name: getattr(state, name) for name in state.__slots__}


@given(st.lists(st.integers(0, 400), min_size=1, max_size=20), st.integers(0, 99_999))
def test_the_energy_of_a_chain_of_readings_is_found_again(steps, start):
    """Roll-over inverse: whatever was used between readings, their differences add up to it."""
    moments = [LAST + timedelta(minutes=n + 1) for n in range(len(steps))]
    used = [sum(steps[: n + 1]) for n in range(len(steps))]
    batch = [
        a_reading(str((start + total) % 100_000), read_at=moment, confirmed=True)
        for total, moment in zip(used, moments, strict=True)
    ]

    judgement = judged(*batch, state=a_meter(str(start)))

    roll_overs = sum(reading.rolled_over for reading in judgement.readings)
    advance = Register(5, 0).advance(
        start=Decimal(start), end=judgement.readings[-1].register, roll_overs=roll_overs
    )
    assert judgement.report.refused == 0
    assert advance == used[-1]


@pytest.mark.parametrize("length", [0, BATCH_MAX + 1])
def test_a_batch_outside_its_length_is_refused(length):
    with pytest.raises(BatchLengthRefused):
        check_length([a_reading("1")] * length)


def test_a_batch_of_the_greatest_length_passes():
    check_length([a_reading("1")] * BATCH_MAX)


# 300 kWh a month until the last day of February.
PAST = Past(
    multiplier=Decimal(1), read_at=LAST, register=Decimal(99850), roll_overs=0, used=Use(900, 90)
)


def kinds(*batch, past=PAST, state=None):
    results = judged(*batch, state=state, pasts={"A": past}).report.results
    return [[each.kind for each in result.findings] for result in results]


@pytest.mark.parametrize(
    ("register", "found"),
    [
        ("99850", ["CONSUMPTION_ZERO"]),
        ("99900", ["CONSUMPTION_LOW"]),
        ("150", []),  # as every month, past the last digit
        ("2850", ["CONSUMPTION_HIGH"]),
    ],
)
def test_whoever_read_a_meter_is_told_at_once_what_is_odd(register, found):
    assert kinds(a_reading(register)) == [found]


def test_what_no_person_read_is_told_by_the_bill_run_alone():
    assert kinds(a_reading("2850", source="ami")) == [[]]
    assert kinds(a_reading("2850", source="customer")) == [["CONSUMPTION_HIGH"]]


def test_a_meter_without_bills_enough_is_believed():
    (result,) = judged(a_reading("99850")).report.results
    assert result.findings == ()


def test_roll_overs_within_a_batch_count_for_the_readings_after_them():
    first = a_reading("100", read_at=NOW - SECOND, source="ami")
    assert kinds(first, a_reading("2850")) == [[], ["CONSUMPTION_HIGH"]]
    assert kinds(first, a_reading("150")) == [[], []]


@pytest.mark.parametrize(("days", "found"), [(6, []), (7, ["CONSUMPTION_ZERO"])])
def test_what_is_read_soon_after_a_bill_is_not_compared(days, found):
    assert kinds(a_reading("99850", read_at=LAST + timedelta(days=days))) == [found]


def test_a_multiplier_counts():
    past = replace(PAST, multiplier=Decimal(40))
    assert kinds(a_reading("150"), past=past) == [["CONSUMPTION_HIGH"]]


def test_a_reading_below_what_was_billed_is_left_to_the_run():
    past = replace(PAST, register=Decimal(99900))
    assert kinds(a_reading("99860"), past=past) == [[]]


def test_the_detail_shows_what_was_compared():
    (result,) = judged(a_reading("2850"), pasts={"A": PAST}).report.results
    assert result.findings[0].detail == "3000 kWh in 31 days, 900 kWh in 90 days before"
