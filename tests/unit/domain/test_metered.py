"""What registers come to, by the worked examples."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.domain.metered import Metered, RegisterBelowStart, Segment, measured
from service.domain.meters import Register
from service.domain.tou import Energy


def segment(start, end, *, multiplier=1, digits=5, decimals=2):
    return Segment(
        register=Register(digits, decimals),
        start=Decimal(start),
        end=Decimal(end),
        multiplier=Decimal(multiplier),
    )


EXCHANGE = [segment("1234.50", "1398.00", multiplier=30), segment("0.20", "45.60", multiplier=40)]


@pytest.mark.parametrize(
    ("segments", "kwh"),
    [
        ([segment("99850", "130", multiplier=40)], 11_200),  # E07
        ([segment("999987.50", "12.30", digits=6)], 25),  # E07: 24.80
        (
            [segment("1234.50", "1398.00", multiplier=30), segment("0.20", "45.60", multiplier=40)],
            6721,
        ),
        ([segment("318.22", "325.47", multiplier=3000)], 21_750),  # E09
        ([], 0),
    ],
)
def test_registers_come_to_energy(segments, kwh):
    """E07, E08 (4 905 + 1 816 over a meter's exchange), E09."""
    assert measured({"total": segments}).energy.total_kwh == kwh


def test_a_register_that_went_backwards_is_refused():
    """E07: 50 000 to 130 is no roll-over."""
    with pytest.raises(RegisterBelowStart, match="50000 to 130"):
        measured({"total": [segment("50000", "130")]})


def test_reactive_energy_counts_in_both_directions():
    found = measured(
        {
            "total": [segment("0", "10")],
            "peak": [segment("0", "4")],
            "reactive": [segment("0", "3")],
            "reactive_reverse": [segment("0", "2")],
        }
    )
    assert found == Metered(energy=Energy(peak=4, flat=6), reactive_kvarh=5)
