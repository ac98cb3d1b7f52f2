"""What a meter is taken to have shown where nobody read it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.estimates import (
    Billed,
    EarlierMonthUnbilled,
    EstimatesExhausted,
    EstimateStanding,
    HistoryMissing,
    MeterRead,
    MonthBilled,
    estimated,
)
from service.domain.meters import Register, consumption_kwh
from service.domain.months import Month
from service.domain.principals import Caller, Role

MARCH, APRIL = Month(2026, 3), Month(2026, 4)
OFFICER = Caller(principal_id=1, name="officer", role=Role.BILLING_OFFICER, bureau_id=1)
HEAD = Caller(principal_id=2, name="head", role=Role.HEAD_OFFICE, bureau_id=None)
READ_AT = MARCH.ends_at - timedelta(hours=4)


def bills(*kwh, months=1):
    """The bills of months up to March, the newest first."""
    return tuple(Billed(MARCH.plus(-at * months), months, each) for at, each in enumerate(kwh))


def standing(history=None, **more):
    known = {
        "shape": Register(6, 2),
        "multiplier": Decimal(1),
        "read_at": READ_AT,
        "register": Decimal(1000),
        "in_a_row": 0,
        "billed_until": READ_AT,
        "history": bills(330, 290, 310) if history is None else history,
    }
    return EstimateStanding(**known | more)


def test_the_mean_of_the_last_three_and_what_it_missed_is_in_the_next_bill():
    """Example E31."""
    made = estimated(standing(), month=APRIL, by=OFFICER)
    assert (made.kwh, made.register, made.method) == (310, Decimal(1310), "mean")
    assert [bill.kwh for bill in made.basis] == [330, 290, 310]
    assert made.read_at == APRIL.ends_at - timedelta(seconds=1)
    actual = Decimal(1600)
    assert consumption_kwh(advance=actual - made.register, multiplier=Decimal(1)) == 290


def test_the_same_month_a_year_before_by_how_the_last_three_months_compare():
    year = bills(330, 300, 270, *[500] * 8, 200, 220, 200, 180)
    assert year[11].month == Month(2025, 4)
    made = estimated(standing(year), month=APRIL, by=OFFICER)
    assert (made.method, made.kwh) == ("trend", 300)  # 200 × (330 + 300 + 270) / (220 + 200 + 180)
    assert made.basis[0] == Billed(Month(2025, 4), 1, 200)


def test_nothing_used_a_year_before_is_no_trend():
    year = bills(330, 300, 270, *[500] * 8, 200, 0, 0, 0)
    assert estimated(standing(year), month=APRIL, by=OFFICER).method == "mean"


def test_months_that_one_bill_is_about_count_each():
    made = estimated(standing(bills(600, 660, 540, months=2)), month=APRIL, by=OFFICER)
    assert made.kwh == 300
    later = estimated(standing(), month=Month(2026, 5), by=OFFICER)
    assert later.kwh == 620, "April was not billed either"


def test_a_register_that_would_pass_its_last_digit_begins_again():
    made = estimated(standing(register=Decimal(999_900)), month=APRIL, by=OFFICER)
    assert (made.register, made.rolled_over) == (Decimal(210), True)


@given(
    kwh=st.integers(0, 10**6),
    multiplier=st.decimals("0.01", 10_000, places=2).filter(bool),
)
def test_the_register_comes_to_the_energy_as_exactly_as_its_fourth_decimal_can(kwh, multiplier):
    known = standing(bills(kwh, kwh, kwh), multiplier=multiplier, shape=Register(12, 2))
    made = estimated(known, month=APRIL, by=OFFICER)
    assert made.register == made.register.quantize(Decimal("0.0001"))
    assert abs(made.kwh - kwh) <= multiplier * Decimal("0.00005") + 1
    advance = made.register - known.register
    assert made.kwh == consumption_kwh(advance=advance, multiplier=multiplier)


@pytest.mark.parametrize(
    ("change", "month", "refusal"),
    [
        ({}, MARCH, MonthBilled),
        ({}, MARCH.previous, MonthBilled),
        ({"read_at": APRIL.starts_at}, APRIL, MeterRead),
        ({"read_at": APRIL.ends_at + timedelta(days=3)}, APRIL, MeterRead),
        ({"history": bills(330, 290)}, APRIL, HistoryMissing),
        ({"history": (), "billed_until": None}, APRIL, HistoryMissing),
        ({"read_at": READ_AT + timedelta(seconds=1)}, APRIL, EarlierMonthUnbilled),
        ({"in_a_row": 2}, APRIL, EstimatesExhausted),
    ],
)
def test_what_needs_no_estimate_or_cannot_have_one_is_refused(change, month, refusal):
    with pytest.raises(refusal):
        estimated(standing(**change), month=month, by=OFFICER)


def test_the_third_in_a_row_is_for_the_head_office():
    assert estimated(standing(in_a_row=1), month=APRIL, by=OFFICER).kwh == 310
    assert estimated(standing(in_a_row=2), month=APRIL, by=HEAD).kwh == 310
