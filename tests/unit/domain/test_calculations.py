"""The worked examples of the price rules, each as a bill."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import basic_charges, meters, sub_meters, tou
from service.domain.calculations import PeriodUnpriced, TablesMissing, calculate
from service.domain.portions import Assessment, Household, Portion
from service.domain.rounding import half_up
from service.domain.sub_meters import Share
from service.domain.tariffs import Price, TierUnpriced
from service.domain.tiers import YearTiers, split
from service.domain.tou import Energy
from tests.unit.domain.tariffs import (
    ANNUAL,
    COMMERCIAL,
    MONTHLY,
    RESIDENTIAL,
    RESIDENTIAL_BY_INCREMENTS,
    ZHEJIANG,
    ZHEJIANG_BY_PERIOD,
    bill,
    holding,
    increments,
    levies,
    tariff,
    tiers,
    yuan,
)


def fens(calculation):
    return [line.amount_fen for line in calculation.lines]


@pytest.mark.parametrize(
    ("tariff_", "expected"),
    [
        (RESIDENTIAL, [95_20, 54_90, 43_00]),
        (RESIDENTIAL_BY_INCREMENTS, [173_60, 4_50, 15_00]),
    ],
)
def test_tiers_come_to_the_same_whether_split_or_added(tariff_, expected):
    """E01: 193.10 both ways."""
    found = bill(310, tariff_)
    assert fens(found) == expected
    assert found.amount_fen == 193_10


@pytest.mark.parametrize(
    ("kwh", "before_kwh", "expected"),
    [
        (300, 2650, [59_18, 111_72]),  # E02a
        (2400, 2700, [32_28, 1199_52, 251_40]),  # E02b
        (300, 2500, [139_88, 23_52]),  # E29, March
        (100, 2800, [0, 58_80]),  # E29, April
        (200, 2500, [107_60]),  # E29, March as it was
        (100, 2700, [32_28, 23_52]),  # E29, April after that
    ],
)
def test_annual_tiers_go_on_where_the_year_has_come_to(kwh, before_kwh, expected):
    """E02a: 170.90; E02b: 1 483.20; E29: 222.20 become 163.40."""
    assert fens(bill(kwh, ZHEJIANG, before_kwh=before_kwh)) == expected


def test_a_household_with_periods_and_tiers_pays_the_tier_on_top():
    """E03: 113.60 + 43.20 + 12.00 = 168.80."""
    found = bill(Energy(peak=200, valley=150), ZHEJIANG_BY_PERIOD, before_kwh=2650)
    assert fens(found) == [113_60, 43_20, 12_00]


def test_a_large_household_has_wider_tiers():
    """E04: 151.20 + 24.40 = 175.60."""
    assert fens(bill(310, RESIDENTIAL, is_extended=True)) == [151_20, 24_40]


@pytest.mark.parametrize(("kwh", "expected"), [(120, [67_20, -8_40]), (10, [5_60, -5_60])])
def test_a_household_in_need_has_free_energy_but_no_more_than_it_used(kwh, expected):
    """E05: 58.80; at 10 kWh nothing."""
    assert fens(bill(kwh, RESIDENTIAL, is_subsidised=True)) == expected


@pytest.mark.parametrize(("months", "credit"), [(1, -8_07), (2, -16_14)])
def test_free_energy_is_that_of_the_months_billed_in_annual_tiers_too(months, credit):
    """Rule 2.6: 15 kWh a month at 0.538, whatever the year's months that the tiers are for."""
    needy = replace(ZHEJIANG, free_kwh=15)
    found = bill(120, needy, months=months, is_subsidised=True)
    assert fens(found) == [64_56, credit]


def test_annual_tiers_of_half_a_year_are_half_as_wide():
    found = bill(1400, ZHEJIANG, year_months=6)
    assert [line.quantity for line in found.lines] == [1380, 20]


def test_who_is_refunded_more_than_was_used_is_charged_no_subsidy():
    assert fens(bill(-5, RESIDENTIAL, is_subsidised=True)) == [-2_80]


def test_every_line_is_rounded_by_itself():
    """E06: 711.25."""
    found = bill(1250, COMMERCIAL)
    assert fens(found) == [651_63, 25_00, 23_75, 2_46, 7_78, 63]
    assert found.amount_fen == 711_25


def test_a_price_that_changes_splits_the_energy_by_days():
    """E25: 179.20 + 162.40 = 341.60."""
    before, after = tariff(Price("energy", yuan("0.56"))), tariff(Price("energy", yuan("0.58")))
    found = bill(600, before, after, days=(16, 14))
    assert [(line.quantity, line.amount_fen) for line in found.lines] == [
        (320, 179_20),
        (280, 162_40),
    ]


def kwh(start, end, *, multiplier):
    advance = Decimal(end) - Decimal(start)
    return meters.consumption_kwh(advance=advance, multiplier=Decimal(multiplier))


BY_PERIOD = tariff(
    Price("energy", yuan("1.2360"), period="sharp"),
    Price("energy", yuan("1.0300"), period="peak"),
    Price("energy", yuan("0.6867"), period="flat"),
    Price("energy", yuan("0.3434"), period="valley"),
)


def test_what_the_registers_leave_of_the_total_is_flat():
    """E10: 10 630.89, the residual kWh in the flat period."""
    registers = {
        "total_kwh": ("12034.16", "12268.77"),
        "sharp_kwh": ("1200.05", "1222.31"),
        "peak_kwh": ("3800.40", "3871.95"),
        "valley_kwh": ("2933.00", "2993.36"),
    }
    energy = tou.balanced(**{n: kwh(*span, multiplier=60) for n, span in registers.items()})
    assert energy == Energy(sharp=1336, peak=4293, flat=4826, valley=3622)
    assert fens(bill(energy, BY_PERIOD)) == [1651_30, 4421_79, 3314_01, 1243_79]


def test_sharp_energy_is_peak_where_no_sharp_price_holds():
    plain = tariff(*(price for price in BY_PERIOD.prices if price.period != "sharp"))
    assert fens(bill(Energy(sharp=10, peak=5), plain))[0] == 15_45


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0, 1), [("sharp", 5), ("peak", 8), ("peak", 12)]),  # the months of sharp peaks end
        ((1, 0), [("peak", 13), ("sharp", 5), ("peak", 7)]),  # they begin
    ],
)
def test_sharp_energy_is_peak_on_the_days_that_no_sharp_price_holds(order, expected):
    """Rule 2.1; each period is split by days on its own (2.12a): 10 sharp, 15 peak kWh."""
    plain = replace(BY_PERIOD, prices=BY_PERIOD.prices[1:])
    tariffs = [(BY_PERIOD, plain)[n] for n in order]
    found = bill(Energy(sharp=10, peak=15), *tariffs, days=(15, 15))
    assert [(line.period, line.quantity) for line in found.lines if line.quantity] == expected


def test_energy_without_a_price_is_refused():
    with pytest.raises(PeriodUnpriced, match="7 kWh in the period deep_valley"):
        bill(Energy(flat=1, deep_valley=7), BY_PERIOD)


@pytest.mark.parametrize(
    ("prices", "scheme", "why"),
    [
        (tiers("0.56"), None, "tiers \\[1\\] of set"),
        (tiers("0.56", "0.61"), MONTHLY, "tiers \\[1, 2\\] of"),
        (tiers("0.56", "0.61", "0.86", "1"), MONTHLY, "tiers \\[1, 2, 3, 4\\] of"),
        ((Price("energy", 1), *increments("0.05")), MONTHLY, "tiers \\[2\\] of"),
        ((Price("energy", 1),), MONTHLY, "no price for any of 3 tiers"),
        ((Price("energy", 1, period="peak", tier=1),), MONTHLY, "a tier within a period"),
    ],
)
def test_prices_fit_the_tiers(prices, scheme, why):
    with pytest.raises(TierUnpriced, match=why):
        tariff(*prices, scheme=scheme)


def test_one_bill_has_as_many_tiers_on_all_its_days():
    with pytest.raises(TierUnpriced, match="more tiers and fewer"):
        bill(10, RESIDENTIAL, tariff(Price("energy", 1)), days=(15, 15))


def test_free_energy_needs_a_flat_price():
    with pytest.raises(PeriodUnpriced, match="free energy"):
        bill(Energy(peak=20), replace(ZHEJIANG_BY_PERIOD, free_kwh=10), is_subsidised=True)


def test_a_standard_without_a_table_is_refused():
    portion = Portion(energy=Energy(flat=1), spells=holding(tariff(Price("energy", 1), tables={})))
    with pytest.raises(TablesMissing):
        calculate([portion], assessment=Assessment(standard=90, reactive_kvarh=1))


def test_a_whole_bill_of_a_two_part_customer_with_a_residential_share():
    """E30: 250 380.48 yuan, every line of it."""
    registers = {
        "total_kwh": ("5012.34", "5212.86"),
        "sharp_kwh": ("402.10", "418.25"),
        "peak_kwh": ("1604.00", "1663.42"),
        "valley_kwh": ("1306.12", "1362.79"),
    }
    main = tou.balanced(**{n: kwh(*span, multiplier=1500) for n, span in registers.items()})
    assert main == Energy(sharp=24225, peak=89130, flat=102420, valley=85005)
    industrial, (residential,) = sub_meters.split(main, [Share(hundredths_percent=3_00)])
    assert residential == Energy(sharp=727, peak=2674, flat=3072, valley=2550)

    prices = {"sharp": "1.1016", "peak": "0.9180", "flat": "0.6120", "valley": "0.3060"}
    industry = tariff(
        *(Price("energy", yuan(price), period=period) for period, price in prices.items()),
        *levies("0.02", "0.019", "0.001969", "0.006225"),
    )
    homes = tariff(
        Price("energy", yuan("0.4613"), is_in_base=False),
        *levies("0.02", "0.001", "0.001969", "0.006225"),
    )
    capacity = [basic_charges.Equipment(capacity_kva=Decimal(1600))]
    reactive_kvarh = kwh("1501.00", "1588.40", multiplier=1500)
    assert reactive_kvarh == 131_100
    found = calculate(
        [
            Portion(energy=industrial, spells=holding(industry)),
            Portion(energy=residential, spells=holding(homes)),
        ],
        basic=basic_charges.of_capacity(capacity, price=yuan("26")),
        assessment=Assessment(standard=90, reactive_kvarh=reactive_kvarh),
    )
    assert found.power_factor == 92
    assert fens(found) == [
        25885_40, 79366_61, 60800_98, 25231_23, 5835_14, 5543_38, 574_47, 1816_19,
        4162_31, 180_46, 9_02, 17_77, 56_17, 41600_00, -698_65,
    ]  # fmt: skip
    assert found.amount_fen == 250_380_48


@pytest.mark.parametrize(
    ("participation", "factor", "base_fen"),
    [("energy_and_money", 74, 200_00), ("energy_only", 74, 100_00), ("neither", 87, 100_00)],
)
def test_a_portion_takes_part_in_the_power_factor_as_agreed(participation, factor, base_fen):
    plain = holding(tariff(Price("energy", yuan("0.02"))))
    found = calculate(
        [
            Portion(energy=Energy(flat=5000), spells=plain),
            Portion(energy=Energy(flat=5000), spells=plain, participation=participation),
        ],
        assessment=Assessment(
            standard=85, reactive_kvarh=2800 if participation == "neither" else 9000
        ),
    )
    assert found.power_factor == factor
    assert found.lines[-1].quantity == base_fen


def test_no_energy_at_all_is_not_assessed():
    portion = Portion(
        energy=Energy(), spells=holding(tariff(Price("energy", 1))), household=Household()
    )
    found = calculate([portion], assessment=Assessment(standard=90, reactive_kvarh=0))
    assert (found.power_factor, found.amount_fen) == (None, 0)


@pytest.mark.parametrize(
    ("kwh", "year", "expected"),
    [
        # As E02a: nothing but the months before.
        (300, YearTiers(2_650, ANNUAL, {1: 2_650, 2: 0, 3: 0}), [(1, 110), (2, 190)]),
        # 100 kWh were corrected behind 2 800, then March's 300 are billed anew.
        (300, YearTiers(2_600, ANNUAL, {1: 2_500, 2: 100}), [(1, 260), (2, 40)]),
        # A correction came and went, its reversal from the third tier: what is left is settled.
        (300, YearTiers(200, ANNUAL, {1: 500, 2: -300}), [(2, 300)]),
        # Other tiers were the law when most of it was billed.
        (
            300,
            YearTiers(0, replace(ANNUAL, limits_kwh=(2_520, 4_800)), {1: 2_520, 2: 130}),
            [(1, 300)],
        ),
    ],
)
def test_a_year_comes_to_what_all_of_its_energy_costs(kwh, year, expected):
    found = bill(kwh, ZHEJIANG, year=year)
    tiers_of = [(line.tier, line.quantity) for line in found.lines if line.tier and line.quantity]
    assert tiers_of == expected


@given(
    kwh=st.integers(0, 3_000),
    months=st.lists(st.integers(0, 2_000), max_size=6),
    year_months=st.integers(1, 12),
)
def test_whatever_was_billed_of_a_closing_year_it_comes_to_its_tiers(kwh, months, year_months):
    billed = [0, 0, 0]
    for before, each in enumerate(months):
        spread = split(each, limits_kwh=(2_760, 4_800), before_kwh=sum(months[:before]))
        billed = [a + b for a, b in zip(billed, spread, strict=True)]
    year = YearTiers(sum(months), ANNUAL, dict(enumerate(billed, start=1)))
    last = bill(kwh, ZHEJIANG, year=year, year_months=year_months)
    total = Counter(year.by_tier)
    for line in last.lines:
        total[line.tier] += line.quantity
    limits = [half_up(limit * year_months, 12) for limit in (2_760, 4_800)]
    assert [total[1], total[2], total[3]] == split(sum(months) + kwh, limits_kwh=limits)
