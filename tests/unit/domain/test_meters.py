"""Registers and energy: domain rule 2.2, examples E07 to E09."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.meters import Register, RegisterMalformed, RegisterTooLong, consumption_kwh

FIVE_DIGITS = Register(digits=5, decimals=0)
SIX_DIGITS_AND_TWO = Register(digits=6, decimals=2)


@pytest.mark.parametrize(
    ("register", "start", "end", "roll_overs", "multiplier", "kwh"),
    [
        (FIVE_DIGITS, "99850", "130", 1, "40", 11_200),  # E07
        (SIX_DIGITS_AND_TWO, "999987.50", "12.30", 1, "1", 25),  # E07: 24.80
        (SIX_DIGITS_AND_TWO, "1234.50", "1398.00", 0, "30", 4_905),  # E08, the old meter
        (SIX_DIGITS_AND_TWO, "0.20", "45.60", 0, "40", 1_816),  # E08, the new one
        (SIX_DIGITS_AND_TWO, "318.22", "325.47", 0, "3000", 21_750),  # E09
        (FIVE_DIGITS, "99850", "130", 2, "1", 100_280),  # twice round within one bill
        (FIVE_DIGITS, "130", "130", 0, "40", 0),
    ],
)
def test_the_worked_examples_come_out(register, start, end, roll_overs, multiplier, kwh):
    advance = register.advance(start=Decimal(start), end=Decimal(end), roll_overs=roll_overs)

    assert consumption_kwh(advance=advance, multiplier=Decimal(multiplier)) == kwh


@pytest.mark.parametrize(
    ("advance", "multiplier", "kwh"),
    [("0.4999", "1", 0), ("0.5", "1", 1), ("1.5", "1", 2), ("2.5", "1", 3), ("0.05", "10", 1)],
)
def test_energy_is_rounded_half_up_after_the_multiplier(advance, multiplier, kwh):
    assert consumption_kwh(advance=Decimal(advance), multiplier=Decimal(multiplier)) == kwh


def test_the_longest_register_and_multiplier_lose_no_digit():
    longest, most = Decimal("999999999999.9999"), Decimal("9999999999.9999")

    assert consumption_kwh(advance=longest, multiplier=most) == 9_999_999_999_999_899_000_000


@given(st.integers(1, 12), st.integers(0, 4), st.data())
def test_a_roll_over_undoes_itself(digits, decimals, data):
    """Whatever a register moved on by, with or without passing zero, is found again."""
    register = Register(digits, decimals)
    unit = 10**decimals
    start = data.draw(st.integers(0, register.range * unit - 1))
    moved = data.draw(st.integers(0, register.range * unit - 1))
    roll_overs, end = divmod(start + moved, register.range * unit)

    found = register.advance(
        start=Decimal(start) / unit, end=Decimal(end) / unit, roll_overs=roll_overs
    )

    assert found == Decimal(moved) / unit


@pytest.mark.parametrize(
    ("last", "is_plausible"),
    [("89999.9999", False), ("90000", True), ("99999", True), ("50000", False)],
)
def test_a_roll_over_is_plausible_from_nine_tenths_of_the_range(last, is_plausible):
    assert FIVE_DIGITS.may_roll_over_from(Decimal(last)) is is_plausible


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("000130", "130"),
        ("999999.99", "999999.99"),
        ("12.3000", "12.30"),
        ("0000012.30", "12.30"),
    ],
)
def test_zeros_around_a_register_value_do_not_matter(text, value):
    assert SIX_DIGITS_AND_TWO.read(text) == Decimal(value)


@pytest.mark.parametrize("text", ["1000000", "1000000.00", "0.001", "12.345"])
def test_more_digits_than_the_meter_has_are_refused(text):
    with pytest.raises(RegisterTooLong):
        SIX_DIGITS_AND_TWO.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "1e3",
        "1.",
        ".5",
        "1,5",
        "0x10",
        "NaN",
        "Infinity",
        "1_000",
        "１",
    ],
)
def test_what_is_not_a_plain_decimal_number_is_refused(text):
    with pytest.raises(RegisterMalformed):
        SIX_DIGITS_AND_TWO.read(text)
