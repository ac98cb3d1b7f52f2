"""How prices are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.prices import yuan_text


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (0, "0"),
        (1, "0.00000001"),
        (196_900, "0.001969"),
        (56_000_000, "0.56"),
        (100_000_000, "1"),
        (1_000_000_000, "10"),
        (-5_000_000, "-0.05"),
    ],
)
def test_a_price_is_written_in_yuan_without_needless_zeros(price, text):
    assert yuan_text(price) == text


@given(st.integers(-(10**12), 10**12))
def test_no_price_loses_a_digit(price):
    assert Decimal(yuan_text(price)) * 10**8 == price
