"""How a fraction becomes a whole number."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import vat
from service.domain.rounding import half_up, largest_remainders

PLACES_ENOUGH = 60


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 1), (-1, 2, -1), (49, 100, 0), (-49, 100, 0), (5, 2, 3), (-5, 2, -3), (0, 7, 0)],
)
def test_a_half_goes_away_from_zero(numerator, denominator, rounded):
    assert half_up(numerator, denominator) == rounded


@given(numerator=st.integers(-(10**20), 10**20), places=st.integers(0, 9))
def test_rounding_agrees_with_decimal_arithmetic(numerator, places):
    with localcontext() as context:
        context.prec = PLACES_ENOUGH
        exact = Decimal(numerator).scaleb(-places)
        expected = int(exact.to_integral_value(ROUND_HALF_UP))

    assert half_up(numerator, 10**places) == expected


def test_vat_is_contained_in_the_price():
    """Worked example E32: 100.00 yuan are 88.50 net and 11.50 tax."""
    assert vat.contained_fen(gross_fen=100_00) == 11_50


@given(gross_fen=st.integers(-(10**12), 10**12))
def test_net_and_tax_add_up_and_a_credit_mirrors_its_bill(gross_fen):
    tax_fen = vat.contained_fen(gross_fen=gross_fen)

    assert gross_fen - tax_fen == half_up(gross_fen * 100, 113)
    assert vat.contained_fen(gross_fen=-gross_fen) == -tax_fen


@pytest.mark.parametrize(
    ("whole", "by", "expected"),
    [
        (2, [1, 1, 1, 1], [1, 1, 0, 0]),
        (-2, [1, 1, 1, 1], [-1, -1, 0, 0]),
        (10, [1, 2], [3, 7]),
        (7, [3, 0, 4], [3, 0, 4]),
        (0, [0, 0], [0, 0]),
    ],
)
def test_the_largest_remainders_get_what_is_left(whole, by, expected):
    assert largest_remainders(whole, by=by) == expected


@given(
    whole=st.integers(-(10**9), 10**9),
    by=st.lists(st.integers(0, 10**9), min_size=1).filter(any),
)
def test_shares_add_up_each_within_one_of_exact(whole, by):
    shares = largest_remainders(whole, by=by)
    assert sum(shares) == whole
    for share, part in zip(shares, by, strict=True):
        assert abs(share * sum(by) - whole * part) < sum(by)
