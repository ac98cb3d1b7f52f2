"""What the energy of a month costs, line by line."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.rating import Line, Price, amount_fen, lines_of, total_fen
from service.domain.rounding import half_up

RESIDENTIAL = (
    Price("energy", 1, 170, 56_000_000, is_levy=False),
    Price("energy", 2, 260, 61_000_000, is_levy=False),
    Price("energy", 3, None, 86_000_000, is_levy=False),
)
COMMERCIAL = (
    Price("energy", None, None, 52_130_000, is_levy=False),
    Price("rural_grid_loan", None, None, 2_000_000, is_levy=True),
    Price("renewable_energy_surcharge", None, None, 1_900_000, is_levy=True),
    Price("water_conservancy_fund", None, None, 196_900, is_levy=True),
    Price("reservoir_resettlement", None, None, 622_500, is_levy=True),
    Price("local_reservoir_resettlement", None, None, 50_000, is_levy=True),
)
KWH = st.integers(0, 10_000_000)


def test_each_tier_prices_only_the_energy_inside_it():
    """Worked example E01, mode 1: 95.20 + 54.90 + 43.00 = 193.10."""
    lines = lines_of(consumption_kwh=310, prices=RESIDENTIAL)

    assert [(line.tier, line.quantity_kwh, line.amount_fen) for line in lines] == [
        (1, 170, 9520),
        (2, 90, 5490),
        (3, 50, 4300),
    ]
    assert total_fen(lines) == 193_10


def test_tiers_written_as_increments_come_to_the_same_total():
    """Worked example E01, mode 2: 173.60 + 4.50 + 15.00 = 193.10."""
    increments = [(310, 56_000_000), (90, 5_000_000), (50, 30_000_000)]

    fens = [amount_fen(quantity_kwh=kwh, price=price) for kwh, price in increments]

    assert fens == [173_60, 4_50, 15_00]
    assert sum(fens) == total_fen(lines_of(consumption_kwh=310, prices=RESIDENTIAL))


def test_a_commercial_bill_rounds_every_line_by_itself():
    """Worked example E06: 651.625 yuan round up, and so on: 711.25 in all."""
    lines = lines_of(consumption_kwh=1250, prices=COMMERCIAL)

    assert [line.amount_fen for line in lines] == [651_63, 25_00, 23_75, 2_46, 7_78, 63]
    assert total_fen(lines) == 711_25


@pytest.mark.parametrize(
    ("kwh", "quantities"),
    [
        (0, [0]),
        (1, [1]),
        (170, [170]),
        (171, [170, 1]),
        (260, [170, 90]),
        (261, [170, 90, 1]),
    ],
)
def test_the_end_of_a_tier_belongs_to_it(kwh, quantities):
    lines = lines_of(consumption_kwh=kwh, prices=RESIDENTIAL)

    assert [line.quantity_kwh for line in lines] == quantities


@pytest.mark.parametrize(
    ("kwh", "quantities"), [(340, [340]), (341, [340, 1]), (520, [340, 180]), (521, [340, 180, 1])]
)
def test_a_bill_over_two_months_has_tiers_twice_as_wide(kwh, quantities):
    lines = lines_of(consumption_kwh=kwh, prices=RESIDENTIAL, months=2)

    assert [line.quantity_kwh for line in lines] == quantities


def test_the_tiers_of_each_component_begin_at_zero():
    twice = (*RESIDENTIAL, *(price._replace(component="heating") for price in RESIDENTIAL))

    lines = lines_of(consumption_kwh=200, prices=twice)

    assert [(line.component, line.quantity_kwh) for line in lines] == [
        ("energy", 170),
        ("energy", 30),
        ("heating", 170),
        ("heating", 30),
    ]


@given(kwh=KWH, months=st.integers(1, 12))
@example(kwh=170, months=1)
@example(kwh=521, months=2)
def test_the_tiers_share_out_all_the_energy_once(kwh, months):
    lines = lines_of(consumption_kwh=kwh, prices=RESIDENTIAL, months=months)

    assert sum(line.quantity_kwh for line in lines) == kwh
    assert [line.tier for line in lines] == list(range(1, len(lines) + 1))


@given(kwh=KWH)
def test_a_price_without_tiers_holds_for_all_the_energy(kwh):
    lines = lines_of(consumption_kwh=kwh, prices=COMMERCIAL)

    assert {line.quantity_kwh for line in lines} == {kwh}


@given(kwh=KWH, prices=st.sampled_from([RESIDENTIAL, COMMERCIAL]))
def test_a_bill_is_the_sum_of_its_lines(kwh, prices):
    lines = lines_of(consumption_kwh=kwh, prices=prices)

    assert total_fen(lines) == sum(line.amount_fen for line in lines)
    assert all(isinstance(line, Line) for line in lines)


@given(kwh=KWH)
def test_more_energy_never_costs_less(kwh):
    less, more = (
        total_fen(lines_of(consumption_kwh=used, prices=RESIDENTIAL)) for used in (kwh, kwh + 1)
    )

    assert less <= more


@pytest.mark.parametrize(
    ("kwh", "price", "fen"),
    [
        (1, 500_000, 1),  # half a fen
        (1, 499_999, 0),
        (1, -500_000, -1),  # half a fen back
        (1, -499_999, 0),
        (3, -500_000, -2),
        (1250, 52_130_000, 65_163),
    ],
)
def test_half_a_fen_goes_away_from_zero(kwh, price, fen):
    assert amount_fen(quantity_kwh=kwh, price=price) == fen


@given(kwh=st.integers(0, 10**9), price=st.integers(-(10**12), 10**12))
def test_a_line_is_rounded_as_every_fraction_is(kwh, price):
    assert amount_fen(quantity_kwh=kwh, price=price) == half_up(kwh * price, 1_000_000)
