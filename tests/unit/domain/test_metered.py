"""What registers come to, by the worked examples."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest

from service.domain.metered import (
    Metered,
    PeriodsBelowTotal,
    RegisterBelowStart,
    RegisterSpan,
    check_advances,
    energy_of,
    measured,
    span_between,
)
from service.domain.meters import ConsumptionImplausible, Register, Span
from service.domain.tou import Energy, PeriodsExceedTotal


def span(start, end, *, multiplier=1, digits=5, decimals=2):
    return span_between(
        Register(digits, decimals),
        start=Decimal(start),
        end=Decimal(end),
        multiplier=Decimal(multiplier),
    )


@pytest.mark.parametrize(
    ("spans", "kwh"),
    [
        ([span("99850", "130", multiplier=40)], 11_200),  # E07
        ([span("999987.50", "12.30", digits=6)], 25),  # E07: 24.80
        (
            [span("1234.50", "1398.00", multiplier=30), span("0.20", "45.60", multiplier=40)],
            6721,
        ),
        ([span("318.22", "325.47", multiplier=3000)], 21_750),  # E09
        ([], 0),
    ],
)
def test_registers_come_to_energy(spans, kwh):
    """E07, E08 (4 905 + 1 816 over a meter's exchange), E09."""
    assert measured({"total": spans}).energy.total_kwh == kwh


def test_a_register_that_went_backwards_is_refused():
    """E07: 50 000 to 130 is no roll-over."""
    with pytest.raises(RegisterBelowStart, match="50000 to 130"):
        measured({"total": [span("50000", "130")]})


def test_reactive_energy_counts_in_both_directions():
    found = measured(
        {
            "total": [span("0", "10")],
            "peak": [span("0", "4")],
            "reactive": [span("0", "3")],
            "reactive_reverse": [span("0", "2")],
        }
    )
    assert found == Metered(energy=Energy(peak=4, flat=6), reactive_kvarh=5)


def of(period, start, end, *, multiplier=1, roll_overs=0):
    return RegisterSpan(
        period,
        Span(
            shape=Register(5, 2),
            multiplier=Decimal(multiplier),
            start=Decimal(start),
            end=Decimal(end),
            roll_overs=roll_overs,
        ),
    )


def test_what_registers_of_periods_leave_is_flat():
    """On whichever meters they are; one of flat energy itself is not asked."""
    spans = [of("peak", "0", "4"), of("flat", "0", "99"), of("peak", "7", "9", multiplier=10)]
    assert energy_of(100, spans) == Energy(peak=24, flat=76)
    assert energy_of(100, []) == Energy(flat=100)
    assert energy_of(10, [of("valley", "99999", "4", roll_overs=1)]) == Energy(valley=5, flat=5)


def test_periods_may_exceed_all_energy_by_what_registers_do_not_show():
    """A hundredth on each of two registers, 3,000 fold, is 60 kWh: the larger one gives it back."""
    spans = [of("peak", "0", "1", multiplier=3000), of("valley", "0", "1.01", multiplier=3000)]
    assert energy_of(5_970, spans) == Energy(peak=3_000, valley=2_970)
    with pytest.raises(PeriodsExceedTotal):
        energy_of(5_930, spans)


def test_what_was_counted_by_no_register_of_all_energy_costs_nothing():
    assert energy_of(0, [of("valley", "0", "0.01", multiplier=3000)]) == Energy()


def test_a_register_of_a_period_does_not_run_backwards():
    with pytest.raises(ConsumptionImplausible):
        energy_of(100, [of("peak", "4", "3")])


@pytest.mark.parametrize(
    ("periods", "refusal"),
    [
        ({"peak": "0.50", "valley": "0.52"}, None),
        ({"peak": "0.50", "valley": "0.53"}, PeriodsExceedTotal),
        ({"peak": "0.50"}, None),
        ({"peak": "0.50", "flat": "0.48"}, None),
        ({"peak": "0.50", "flat": "0.47"}, PeriodsBelowTotal),
        ({"peak": "0.50", "flat": "0.53"}, PeriodsExceedTotal),
        ({}, None),
    ],
)
def test_registers_of_periods_count_what_that_of_all_energy_does(periods, refusal):
    """Each may be a hundredth off; without one of flat energy they may count less."""
    moved = {period: Decimal(text) for period, text in periods.items()}
    expected = pytest.raises(refusal) if refusal else contextlib.nullcontext()
    with expected:
        check_advances(Register(5, 2), total=Decimal("1.00"), periods=moved)
