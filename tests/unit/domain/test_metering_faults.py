"""What is found out about a meter, which energy that makes up for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from service.domain.metering_faults import (
    DaysBackwards,
    Facts,
    Fault,
    FaultAmbiguous,
    FaultImplausible,
    MadeUp,
    check_days,
    fault_of,
)

NEW_YEAR, JULY = date(2026, 1, 1), date(2026, 7, 20)


@pytest.mark.parametrize(
    ("kind", "fact", "base_kwh", "expected"),
    [
        ("multiplier", "40", 9_000, MadeUp(3_000, "9000 kWh × (40 - 30) / 30, half up 3000 kWh")),
        ("multiplier", "20.00", 9_000,
         MadeUp(-3_000, "9000 kWh × (20 - 30) / 30, half up -3000 kWh")),
        ("meter_error", "0.035", 20_000,
         MadeUp(-676, "-20000 kWh × 0.035 / (1 + 0.035), half up -676 kWh")),
        ("meter_error", "-0.04", 20_000,
         MadeUp(833, "-20000 kWh × -0.04 / (1 + -0.04), half up 833 kWh")),
        ("wiring", "1.5", 6_000, MadeUp(3_000, "6000 kWh × (1.5 - 1), half up 3000 kWh")),
        ("wiring", "3", 2_000, MadeUp(4_000, "2000 kWh × (3 - 1), half up 4000 kWh")),
        ("agreed", "-250", 10, MadeUp(-250, "-250 kWh, as agreed")),
    ],
)  # fmt: skip
def test_a_fault_says_what_it_makes_up_for_and_how(kind, fact, base_kwh, expected):
    """E19a, E19b, E19c."""
    found = Fault(kind, Decimal(fact)).made_up(base_kwh=base_kwh, used=Decimal("30.0000"))
    assert found == expected


@pytest.mark.parametrize(
    ("until", "begins"),
    [(JULY, date(2026, 4, 11)), (date(2026, 1, 2), NEW_YEAR), (date(2026, 1, 4), date(2026, 1, 2))],
)
def test_of_a_meter_s_error_the_later_half_of_the_time_counts(until, begins):
    """E19b: of 200 days since its test 100."""
    assert Fault("meter_error", Decimal("0.035")).counts_from(NEW_YEAR, until) == begins


@pytest.mark.parametrize("kind", ["wiring", "multiplier", "agreed"])
def test_of_other_faults_all_of_the_time_counts(kind):
    assert Fault(kind, Decimal(2)).counts_from(NEW_YEAR, JULY) == NEW_YEAR


@pytest.mark.parametrize(
    ("facts", "kind", "fact"),
    [
        ({"meter_error": "-0.04"}, "meter_error", "-0.04"),
        ({"wiring_factor": "1.5"}, "wiring", "1.5"),
        ({"true_multiplier": "40"}, "multiplier", "40"),
        ({"agreed_kwh": -7}, "agreed", "-7"),
        ({"agreed_kwh": 0}, "agreed", "0"),
    ],
)
def test_one_thing_was_found_out(facts, kind, fact):
    assert fault_of(Facts(**facts)) == Fault(kind, Decimal(fact))


@pytest.mark.parametrize("facts", [{}, {"agreed_kwh": 0, "wiring_factor": "1.5"}])
def test_nothing_or_several_things_are_no_cause(facts):
    with pytest.raises(FaultAmbiguous) as refused:
        fault_of(Facts(**facts))
    assert refused.value.code == "FAULT_AMBIGUOUS"


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("meter_error", "-0.999999", "1"),
        ("wiring", "0", "100"),
        ("multiplier", "0.0001", "1000000"),
        ("agreed", "-1000000000", "1000000000"),
    ],
)
def test_what_nobody_finds_out_is_refused(kind, least, most):
    step = Decimal("0.000001") if kind == "meter_error" else Decimal("0.0001")
    for fact in (least, most):
        Fault(kind, Decimal(fact))
    for fact in (Decimal(least) - step, Decimal(most) + step):
        with pytest.raises(FaultImplausible) as refused:
            Fault(kind, fact)
        assert refused.value.code == "FAULT_IMPLAUSIBLE"


def test_nothing_makes_up_for_more_than_anybody_uses():
    fault = Fault("multiplier", Decimal(1_000_000))
    assert fault.made_up(base_kwh=1_000, used=Decimal("1.0000")).kwh == 999_999_000
    with pytest.raises(FaultImplausible):
        fault.made_up(base_kwh=1_002, used=Decimal("1.0000"))


@pytest.mark.parametrize(
    ("since", "until", "today"),
    [(JULY, JULY, JULY), (JULY, NEW_YEAR, JULY), (NEW_YEAR, JULY, date(2026, 7, 19))],
)
def test_days_end_after_they_begin_and_not_in_the_future(since, until, today):
    with pytest.raises(DaysBackwards) as refused:
        check_days(since, until, today=today)
    assert refused.value.code == "DAYS_BACKWARDS"
    check_days(NEW_YEAR, JULY, today=JULY)
