"""What the energy of a month costs, line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.calculations import calculate
from service.domain.portions import Household, Portion, Spell
from service.domain.rating import amount_fen
from service.domain.rounding import half_up
from service.domain.tariffs import Price, Tariff
from service.domain.tiers import Scheme
from service.domain.tou import Energy

RESIDENTIAL = Tariff(
    version="1",
    prices=(
        Price("energy", 56_000_000, tier=1),
        Price("energy", 61_000_000, tier=2),
        Price("energy", 86_000_000, tier=3),
    ),
    scheme=Scheme(is_annual=False, limits_kwh=(170, 260)),
    tables={},
)
COMMERCIAL = Tariff(
    version="2",
    prices=(
        Price("energy", 52_130_000),
        Price("rural_grid_loan", 2_000_000, is_levy=True),
        Price("renewable_energy_surcharge", 1_900_000, is_levy=True),
        Price("water_conservancy_fund", 196_900, is_levy=True),
        Price("reservoir_resettlement", 622_500, is_levy=True),
        Price("local_reservoir_resettlement", 50_000, is_levy=True),
    ),
    tables={},
)
KWH = st.integers(0, 10_000_000)


def lines_of(kwh, tariff, *, months=1):
    """Return the lines of a bill over so much energy, as a meter with one register counts it."""
    portion = Portion(
        energy=Energy(flat=kwh),
        spells=(Spell(days=30, tariff=tariff),),
        household=Household(months=months),
    )
    return calculate([portion]).lines


def total_fen(lines):
    return sum(line.amount_fen for line in lines)


def test_each_tier_prices_only_the_energy_inside_it():
    """Worked example E01, mode 1: 95.20 + 54.90 + 43.00 = 193.10."""
    lines = lines_of(310, RESIDENTIAL)

    assert [(line.tier, line.quantity, line.amount_fen) for line in lines] == [
        (1, 170, 9520),
        (2, 90, 5490),
        (3, 50, 4300),
    ]
    assert total_fen(lines) == 193_10


def test_tiers_written_as_increments_come_to_the_same_total():
    """Worked example E01, mode 2: 173.60 + 4.50 + 15.00 = 193.10."""
    increments = [(310, 56_000_000), (90, 5_000_000), (50, 30_000_000)]

    fens = [amount_fen(quantity=kwh, price=price) for kwh, price in increments]

    assert fens == [173_60, 4_50, 15_00]
    assert sum(fens) == total_fen(lines_of(310, RESIDENTIAL))


def test_a_commercial_bill_rounds_every_line_by_itself():
    """Worked example E06: 651.625 yuan round up, and so on: 711.25 in all."""
    lines = lines_of(1250, COMMERCIAL)

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
    lines = lines_of(kwh, RESIDENTIAL)

    assert [line.quantity for line in lines] == quantities


@pytest.mark.parametrize(
    ("kwh", "quantities"), [(340, [340]), (341, [340, 1]), (520, [340, 180]), (521, [340, 180, 1])]
)
def test_a_bill_over_two_months_has_tiers_twice_as_wide(kwh, quantities):
    lines = lines_of(kwh, RESIDENTIAL, months=2)

    assert [line.quantity for line in lines] == quantities


def test_the_tiers_of_each_component_begin_at_zero():
    heating = (price._replace(component="heating") for price in RESIDENTIAL.prices)
    twice = replace(RESIDENTIAL, prices=(*RESIDENTIAL.prices, *heating))

    lines = lines_of(200, twice)

    assert [(line.component, line.quantity) for line in lines] == [
        ("energy", 170),
        ("energy", 30),
        ("heating", 170),
        ("heating", 30),
    ]


@given(kwh=KWH, months=st.integers(1, 12))
@example(kwh=170, months=1)
@example(kwh=521, months=2)
def test_the_tiers_share_out_all_the_energy_once(kwh, months):
    lines = lines_of(kwh, RESIDENTIAL, months=months)

    assert sum(line.quantity for line in lines) == kwh
    assert [line.tier for line in lines] == list(range(1, len(lines) + 1))


@given(kwh=KWH)
def test_a_price_without_tiers_holds_for_all_the_energy(kwh):
    lines = lines_of(kwh, COMMERCIAL)

    assert {line.quantity for line in lines} == {kwh}


@given(kwh=KWH)
def test_more_energy_never_costs_less(kwh):
    less, more = (total_fen(lines_of(used, RESIDENTIAL)) for used in (kwh, kwh + 1))

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
    assert amount_fen(quantity=kwh, price=price) == fen


@given(kwh=st.integers(0, 10**9), price=st.integers(-(10**12), 10**12))
def test_a_line_is_rounded_as_every_fraction_is(kwh, price):
    assert amount_fen(quantity=kwh, price=price) == half_up(kwh * price, 1_000_000)
