"""The parts of a bill, each by its worked examples."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import basic_charges, corrections, losses, power_factors, sub_meters, tiers, tou
from service.domain.basic_charges import Equipment
from service.domain.losses import Loss, Transformer
from service.domain.power_factors import PowerFactorTableIncomplete
from service.domain.sub_meters import Fixed, Measured, Share, SubMetersExceedMain
from service.domain.tiers import Scheme, TiersNotRising
from service.domain.tou import Energy, PeriodsExceedTotal
from tests.unit.domain.power_factor_tables import STANDARDS, TABLES
from tests.unit.domain.tariffs import yuan

KWH = st.integers(0, 10_000_000)


def total_fen(charges):
    return sum(charge.amount_fen for charge in charges)


# --- capacity, demand -----------------------------------------------------------------------------


def equipment(*each):
    return [Equipment(capacity_kva=Decimal(kva), days=days) for kva, days in each]


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ([(630, None)], 16_380_00),  # E11a
        ([(630, 20)], 10_920_00),  # E11b
        ([(1000, None), (630, 18)], 35_828_00),  # E11c
        ([(1000, None), (630, 10)], 31_460_00),  # E11d
    ],
)
def test_capacity_is_charged_by_the_days_it_runs(running, expected):
    assert total_fen(basic_charges.of_capacity(equipment(*running), price=yuan("26"))) == expected


@pytest.mark.parametrize(
    ("measured", "expected"), [(580, 21_600_00), (630, 21_600_00), (700, 26_640_00)]
)
def test_demand_above_105_percent_of_the_contract_costs_twice(measured, expected):
    """E12a, E12b, E12c."""
    charges = basic_charges.of_contract_demand(
        contract_kw=Decimal(600), measured_kw=Decimal(measured), price=yuan("36")
    )
    assert total_fen(charges) == expected


def test_a_contract_counts_for_two_fifths_of_the_capacity_at_least():
    """E12d: 14 400.00."""
    contract = basic_charges.contract_demand_kw(applied_kw=Decimal(350), capacity_kva=Decimal(1000))
    charges = basic_charges.of_contract_demand(
        contract_kw=contract, measured_kw=Decimal(300), price=yuan("36")
    )
    assert (contract, total_fen(charges)) == (400, 14_400_00)


@pytest.mark.parametrize(
    ("consumption_kwh", "expected"), [(300_000, 18_792_00), (259_999, 20_880_00)]
)
def test_heavy_use_lowers_the_price_of_demand(consumption_kwh, expected):
    """E12e."""
    price = basic_charges.price_of_heavy_use(
        yuan("36"), consumption_kwh=consumption_kwh, capacity_kva=Decimal(1000)
    )
    charges = basic_charges.of_actual_demand(measured_kw=Decimal(580), price=price)
    assert total_fen(charges) == expected


def test_actual_demand_may_have_a_floor():
    charges = basic_charges.of_actual_demand(
        measured_kw=Decimal(300), price=yuan("36"), floor_kw=Decimal(400)
    )
    assert total_fen(charges) == 14_400_00


@pytest.mark.parametrize(
    ("contract", "measured", "expected"),
    [(600, 580, 20_880_00), (600, 700, 28_800_00), (300, 200, 14_400_00), (300, 500, 21_600_00)],
)
def test_before_2016_all_above_the_contract_costs_twice(contract, measured, expected):
    charges = basic_charges.of_demand_before_2016(
        contract_kw=Decimal(contract),
        measured_kw=Decimal(measured),
        capacity_kva=Decimal(1000),
        price=yuan("36"),
    )
    assert total_fen(charges) == expected


# --- power factor ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standard", "active", "reactive", "base", "factor", "expected"),
    [
        (85, 10_000, 9_000, 5_800_00, 74, 319_00),  # E14
        (90, 30_000, 40_000, 60_000_00, 60, 15_000_00),  # E15
        (90, 8_950, 4_461, 100_00, 89, 50),  # E15c
        (90, 9_000, 4_359, 100_00, 90, 0),
        (90, 7_000, 7_141, 100_00, 70, 10_00),
        (90, 291_757 + 9_023, 131_100, 232_884_22, 92, -698_65),  # E30
    ],
)
def test_the_power_factor_adds_or_takes_off_by_its_table(
    standard, active, reactive, base, factor, expected
):
    found = power_factors.hundredths(active_kwh=active, reactive_kvarh=reactive)
    percent = power_factors.adjustment_hundredths_percent(found, table=TABLES[standard])
    adjustment = power_factors.adjustment_fen(base, hundredths_percent=percent)
    assert (found, adjustment) == (factor, expected)


@given(KWH, KWH)
def test_a_power_factor_is_the_nearest_hundredth(active, reactive):
    found = power_factors.hundredths(active_kwh=active, reactive_kvarh=reactive)
    if found is None:
        assert active == reactive == 0
        return
    square, times = active**2 + reactive**2, (200 * active) ** 2
    assert (2 * found - 1) ** 2 * square <= times or found == 0
    assert times < (2 * found + 1) ** 2 * square


@pytest.mark.parametrize("standard", STANDARDS)
def test_a_better_power_factor_never_costs_more(standard):
    table = TABLES[standard]
    assert sorted(table) == list(range(101))
    falling = [table[hundredths] for hundredths in range(101)]
    assert falling == sorted(falling, reverse=True)
    assert table[standard] == 0


def test_a_table_without_the_row_is_refused():
    with pytest.raises(PowerFactorTableIncomplete, match=r"0\.07"):
        power_factors.adjustment_hundredths_percent(7, table={8: 1})


# --- losses, sub-meters, periods ------------------------------------------------------------------

PLATE = Transformer(
    capacity_kva=Decimal(315),
    no_load_kw=Decimal("0.67"),
    load_kw=Decimal("3.65"),
    no_load_percent=Decimal("1.1"),
    short_circuit_percent=Decimal(4),
)


def loss(days):
    return losses.of_transformer(
        PLATE, days=days, load_shape=Decimal("1.5"), active_kwh=60_000, reactive_kvarh=30_000
    )


def test_a_transformer_loses_standing_and_under_load():
    """E16: 827 kWh, 3 685 kvarh; the power factor falls from 0.89 to 0.87."""
    found = loss(days=30)
    assert found == Loss(active_kwh=827, reactive_kvarh=3685)
    assert power_factors.hundredths(active_kwh=60_000, reactive_kvarh=30_000) == 89
    assert power_factors.hundredths(active_kwh=60_827, reactive_kvarh=33_685) == 87


def test_a_transformer_that_did_not_run_lost_nothing():
    assert loss(days=0) == Loss(active_kwh=0, reactive_kvarh=0)


def test_a_line_loses_its_agreed_share():
    """E17d: 400 kWh."""
    assert losses.of_line(20_000, hundredths_percent=2_00) == 400


def test_the_last_share_takes_the_rest():
    """E17c: 494, 432, 308."""
    assert losses.shared(1234, by=(4000, 3500, 2501)) == (494, 432, 308)


@given(KWH, st.lists(KWH, min_size=1, max_size=6))
def test_shares_come_to_the_whole(kwh, by):
    assert sum(losses.shared(kwh, by=by)) == kwh


@pytest.mark.parametrize(
    ("subs", "taken", "left"),
    [
        ([Share(hundredths_percent=20_00)], [2000], 8000),  # E17a
        ([Fixed(kwh=500), Share(hundredths_percent=20_00)], [500, 1900], 7600),  # E17b
        ([Share(hundredths_percent=20_00), Fixed(kwh=500)], [1900, 500], 7600),
        ([Share(hundredths_percent=10_00)] * 2, [1000, 1000], 8000),
        ([Measured(energy=Energy(peak=300))], [300], 9700),
    ],
)
def test_sub_meters_are_taken_out_fixed_ones_first(subs, taken, left):
    rest, energies = sub_meters.split(Energy(peak=4000, flat=6000), subs)
    assert [energy.total_kwh for energy in energies] == taken
    assert rest.total_kwh == left


def test_a_measured_sub_meter_is_taken_out_as_the_main_one_is_spread():
    """Rule 2.2, step 4: of 300 kWh, 40 percent are taken out of the peak; its own are its own."""
    rest, (measured,) = sub_meters.split(
        Energy(peak=4000, flat=6000), [Measured(energy=Energy(peak=300))]
    )
    assert rest == Energy(peak=3880, flat=5820)
    assert measured == Energy(peak=300)


@pytest.mark.parametrize("sub", [Fixed(kwh=11), Measured(energy=Energy(peak=11))])
def test_more_than_went_through_cannot_be_taken_out(sub):
    with pytest.raises(SubMetersExceedMain, match="10 kWh"):
        sub_meters.split(Energy(flat=10), [sub])


def test_periods_cannot_come_to_more_than_the_total():
    with pytest.raises(PeriodsExceedTotal, match="6 kWh more than 10"):
        tou.balanced(total_kwh=10, peak_kwh=9, valley_kwh=7)


def test_what_rounding_made_too_much_the_largest_period_gives_back():
    """Rule 2.2, step 3: of 100.40 kWh, 50.60 in the peak and 49.80 in the valley."""
    assert tou.balanced(total_kwh=100, peak_kwh=51, valley_kwh=50) == Energy(peak=50, valley=50)
    found = tou.balanced(total_kwh=3, sharp_kwh=2, peak_kwh=2, valley_kwh=2)
    assert found == Energy(peak=1, valley=2)


@given(KWH, st.tuples(KWH, KWH, KWH, KWH, KWH))
def test_what_is_spread_over_the_periods_comes_to_the_whole(kwh, by):
    sharp, peak, flat, valley, deep_valley = by
    pattern = Energy(sharp=sharp, peak=peak, flat=flat, valley=valley, deep_valley=deep_valley)
    assert tou.shared(kwh, by=pattern).total_kwh == kwh


# --- tiers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "months", "is_extended", "limits"),
    [
        (Scheme(is_annual=False, limits_kwh=(170, 260)), 2, False, (340, 520)),
        (Scheme(is_annual=False, limits_kwh=(170, 260), extension_kwh=100), 1, True, (270, 360)),
        (Scheme(is_annual=False, limits_kwh=(170, 260), extension_kwh=100), 1, False, (170, 260)),
        (Scheme(is_annual=True, limits_kwh=(2760, 4800)), 7, False, (1610, 2800)),
        (
            Scheme(is_annual=False, limits_kwh=(170, 260), extension_kwh=100, extension="widen"),
            1,
            True,
            (270, 270),
        ),
    ],
)
def test_limits_follow_the_months_and_the_household(scheme, months, is_extended, limits):
    assert tiers.limits_kwh(scheme, months=months, is_extended=is_extended) == limits


@pytest.mark.parametrize("limits", [(170, 170), (260, 170), (0, 10)])
def test_tiers_that_do_not_rise_are_refused(limits):
    with pytest.raises(TiersNotRising):
        Scheme(is_annual=False, limits_kwh=limits)


@given(KWH, KWH, st.lists(st.integers(1, 5000), max_size=4))
def test_tiers_come_to_all_the_energy(kwh, before_kwh, widths):
    limits = [sum(widths[: n + 1]) for n in range(len(widths))]
    split = tiers.split(kwh, limits_kwh=limits, before_kwh=before_kwh)
    assert sum(split) == kwh
    assert min(split) >= 0


# --- corrections ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "expected"), [("0.035", -676), ("-0.04", 833)])
def test_a_meter_beyond_its_tolerance_is_made_up_or_refunded(error, expected):
    """E19b."""
    assert corrections.of_meter_error(billed_kwh=20_000, error=Decimal(error)) == expected


@pytest.mark.parametrize(("billed", "factor", "expected"), [(6000, "1.5", 3000), (2000, 3, 4000)])
def test_wrong_wiring_is_made_up_by_its_factor(billed, factor, expected):
    """E19c: one current transformer missing; one reversed."""
    assert corrections.of_wiring(billed_kwh=billed, factor=Decimal(factor)) == expected


def test_a_wrong_multiplier_is_made_up_by_the_true_one():
    """E19a: 3 000 kWh."""
    made_up = corrections.of_multiplier(billed_kwh=9000, used=Decimal(30), true=Decimal(40))
    assert made_up == 3000
