"""What wrongly counted energy comes to, bill by bill, by the prices of each one's month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.correction_sheets import (
    LAST_SERIAL,
    BillHasParts,
    BillToCorrect,
    CorrectedTooOften,
    CorrectionExceedsBill,
    DaysUnbilled,
    MultipliersDiffer,
    NothingToCorrect,
    SeveralMeters,
    Spell,
    corrected,
    reversal_sheet,
    sheet,
)
from service.domain.metering_faults import Fault
from service.domain.months import Month
from service.domain.portions import Household
from service.domain.prices import PriceList
from service.domain.tariffs import Price
from service.domain.tiers import Scheme
from tests.unit.domain import tariffs
from tests.unit.domain.tariffs import bill, yuan

JANUARY = BillToCorrect(
    bill_no="202601100000000501",
    month=Month(2026, 1),
    serial=1,
    last_serial=1,
    begins_on=date(2026, 1, 1),
    ends_on=date(2026, 1, 31),
    multiplier=Decimal(30),
    read_kwh=9_000,
    billed_kwh=9_000,
    year_fen=10**9,
    household=Household(),
)
FEBRUARY = replace(
    JANUARY, bill_no="202602100000000501", month=Month(2026, 2), begins_on=date(2026, 1, 31),
    ends_on=date(2026, 2, 28), read_kwh=2_800, billed_kwh=2_800,
)  # fmt: skip
ALL_OF_IT = Spell(date(2026, 1, 1), date(2026, 1, 31))
BOTH = Spell(date(2026, 1, 1), date(2026, 2, 28))


def published(tariff, *, version=1, valid_from=date(2020, 1, 1)):
    return PriceList(
        version, "commercial", "Order", valid_from, replace(tariff, version=str(version))
    )


SINGLE = published(tariffs.tariff(Price("energy", yuan("0.6867"))))
ANNUAL = published(tariffs.ZHEJIANG)


def shown(lines):
    return [(line.component, line.tier, line.quantity, line.amount_fen) for line in lines]


def found(fault, *bills, spell=ALL_OF_IT, prices=(SINGLE,)):
    return sheet(fault, spell, bills=bills or (JANUARY,), prices=prices)


def lines_of(bill, kwh, *prices, spell=ALL_OF_IT):
    return corrected(bill, kwh, spell, prices=prices)


def agreed(kwh):
    return Fault("agreed", Decimal(kwh))


@pytest.mark.parametrize(
    ("fault", "read_kwh", "kwh", "fen"),
    [
        (Fault("multiplier", Decimal(40)), 9_000, 3_000, 2_060_10),  # E19a
        (Fault("meter_error", Decimal("0.035")), 20_000, -676, -464_21),  # E19b
        (Fault("meter_error", Decimal("-0.04")), 20_000, 833, 572_02),
        (Fault("wiring", Decimal("1.5")), 6_000, 3_000, 2_060_10),  # E19c
        (Fault("wiring", Decimal(3)), 2_000, 4_000, 2_746_80),
    ],
)
def test_worked_examples_of_one_bill(fault, read_kwh, kwh, fen):
    made = found(fault, replace(JANUARY, read_kwh=read_kwh, billed_kwh=read_kwh))
    [item] = made.items
    assert (made.base_kwh, made.kwh, item.kwh, item.amount_fen) == (read_kwh, kwh, kwh, fen)
    assert shown(item.lines) == [("energy", None, kwh, fen)]


def test_a_reading_that_was_too_high_comes_to_what_billing_all_anew_would():
    """E29: the year came to 2 900 kWh, March's 300 were 200: 58.80 back, April re-rated too."""
    march = replace(JANUARY, billed_kwh=300, household=Household(before_kwh=2_600))
    lines = lines_of(march, -100, ANNUAL)
    assert shown(lines) == [("energy", 2, -100, -58_80)]


@given(
    before_kwh=st.integers(0, 6_000),
    billed_kwh=st.integers(0, 3_000),
    change=st.integers(-3_000, 3_000),
)
def test_energy_of_a_year_s_end_is_what_the_year_costs_more(before_kwh, billed_kwh, change):
    kwh = max(change, -billed_kwh)
    months = replace(JANUARY, billed_kwh=billed_kwh, household=Household(before_kwh=before_kwh))
    lines = lines_of(months, kwh, ANNUAL)
    year = [bill(each, tariffs.ZHEJIANG).amount_fen
            for each in (before_kwh + billed_kwh + kwh, before_kwh + billed_kwh)]  # fmt: skip
    # Each line is rounded by itself: three tiers, at a fen each.
    assert abs(sum(line.amount_fen for line in lines) - (year[0] - year[1])) <= 3
    assert sum(line.quantity for line in lines) == kwh


@given(kwh=st.integers(-9_000, 9_000))
def test_what_is_corrected_and_corrected_back_comes_to_nothing(kwh):
    lines = lines_of(JANUARY, kwh, ANNUAL)
    back = lines_of(replace(JANUARY, billed_kwh=9_000 + kwh), -kwh, ANNUAL)
    assert sum(line.amount_fen for line in lines) == -sum(line.amount_fen for line in back)


def test_energy_is_shared_among_the_bills_of_the_days_as_what_was_billed_is():
    made = found(
        Fault("wiring", Decimal("1.5")),
        JANUARY,
        FEBRUARY,
        spell=Spell(date(2026, 1, 16), date(2026, 2, 14)),
    )
    assert [(item.days, item.base_kwh, item.kwh) for item in made.items] == [
        (15, 4_500, 2_250),
        (14, 1_400, 700),
    ]
    assert (made.base_kwh, made.kwh) == (5_900, 2_950)


def test_agreed_energy_is_shared_by_days():
    made = found(agreed(580), JANUARY, FEBRUARY, spell=BOTH)
    assert [(item.days, item.kwh) for item in made.items] == [(30, 300), (28, 280)]


def test_each_bill_is_corrected_by_the_prices_of_its_own_days():
    dearer = published(
        tariffs.tariff(Price("energy", yuan("1"))), version=2, valid_from=date(2026, 1, 31)
    )
    made = found(agreed(580), JANUARY, FEBRUARY, spell=BOTH, prices=(SINGLE, dearer))
    assert [[(line.version, line.amount_fen) for line in item.lines] for item in made.items] == [
        [("1", 206_01)],
        [("2", 280_00)],
    ]


def test_a_price_that_changed_within_the_bill_prices_its_days():
    """E25: 0.56 for 16 of 30 days, then 0.58; 600 kWh are 341.60."""
    before = published(tariffs.tariff(Price("energy", yuan("0.56"))))
    after = published(
        tariffs.tariff(Price("energy", yuan("0.58"))), version=2, valid_from=date(2026, 1, 17)
    )
    lines = lines_of(JANUARY, 600, before, after)
    assert shown(lines) == [("energy", None, 320, 179_20), ("energy", None, 280, 162_40)]


def test_the_household_s_second_bill_goes_on_where_the_first_correction_ended():
    bills = [
        replace(each, read_kwh=1_000, billed_kwh=1_000, household=Household(before_kwh=1_700))
        for each in (JANUARY, FEBRUARY)
    ]
    made = found(
        agreed(120), *bills, spell=Spell(date(2026, 1, 2), date(2026, 2, 28)), prices=(ANNUAL,)
    )
    # 2 700 kWh so far: 60 of the first tier are left, which the first 61 kWh use up.
    assert [shown(item.lines) for item in made.items] == [
        [("energy", 1, 60, 32_28), ("energy", 2, 1, 59)],
        [("energy", 2, 59, 34_69)],
    ]


def test_periods_tiers_and_what_costs_so_much_a_month_or_a_kva():
    prices = published(
        tariffs.tariff(
            Price("energy", yuan("0.8"), period="peak"),
            Price("energy", yuan("0.5"), period="flat"),
            Price("basic", yuan("26"), unit="kVA"),
            Price("meter", yuan("2"), unit="month"),
            Price("fund", yuan("0.01"), is_levy=True),
        )
    )
    assert shown(lines_of(JANUARY, 100, prices)) == [
        ("energy", None, 100, 50_00),
        ("fund", None, 100, 1_00),
    ]


def test_the_power_factor_is_that_of_the_month():
    """Levies stay out of its base, energy that is made up for out of the factor itself."""
    prices = published(
        tariffs.tariff(Price("energy", yuan("0.5")), Price("fund", yuan("0.01"), is_levy=True))
    )
    *_, line = lines_of(replace(JANUARY, percent=550), 100, prices)
    assert (line.component, line.quantity, line.price, line.amount_fen, line.unit) == (
        "power_factor_adjustment", 50_00, 550, 2_75, "fen",
    )  # fmt: skip


def test_free_energy_that_was_not_used_up_is_free_still():
    """E05's 15 kWh a month: of 10 kWh that were billed 5 are left."""
    home = replace(JANUARY, billed_kwh=10, read_kwh=10, household=Household(is_subsidised=True))
    lines = lines_of(home, 100, published(tariffs.RESIDENTIAL))
    assert shown(lines) == [("energy", 1, 100, 56_00), ("subsidy", None, -5, -2_80)]


def test_tiers_of_a_month_are_those_of_the_bill():
    prices = published(
        tariffs.tariff(
            *tariffs.tiers("0.5", "1", "2"), scheme=Scheme(is_annual=False, limits_kwh=(170, 200))
        )
    )
    assert shown(lines_of(replace(JANUARY, billed_kwh=160), 100, prices)) == [
        ("energy", 1, 10, 5_00),
        ("energy", 2, 30, 30_00),
        ("energy", 3, 60, 120_00),
    ]


def test_energy_of_one_year_is_not_that_of_the_next():
    """2 000 kWh of December leave January's first tier alone: 2 000 kWh at 0.538."""
    december = replace(
        JANUARY, month=Month(2025, 12), begins_on=date(2025, 12, 1), ends_on=date(2026, 1, 1),
        read_kwh=300, billed_kwh=300, household=Household(before_kwh=4_500),
    )  # fmt: skip
    january = replace(JANUARY, read_kwh=290, billed_kwh=290)
    spell = Spell(date(2025, 12, 2), date(2026, 1, 31))
    made = found(agreed(4_000), december, january, spell=spell, prices=(ANNUAL,))
    assert [shown(item.lines) for item in made.items] == [
        [("energy", 3, 2_000, 1_676_00)],
        [("energy", 1, 2_000, 1_076_00)],
    ]


def test_the_new_price_holds_for_the_days_that_are_corrected_not_for_all_of_the_bill():
    bill_ = replace(JANUARY, begins_on=date(2025, 12, 1), ends_on=date(2026, 3, 1))
    before = published(tariffs.tariff(Price("energy", yuan("0.5"))))
    after = published(
        tariffs.tariff(Price("energy", yuan("0.6"))), version=2, valid_from=date(2026, 1, 1)
    )
    spell = Spell(date(2026, 2, 1), date(2026, 3, 1))
    lines = lines_of(bill_, 900, before, after, spell=spell)
    assert [(line.version, line.amount_fen) for line in lines] == [("2", 540_00)]


@pytest.mark.parametrize(
    ("spell", "bills", "since"),
    [
        (Spell(date(2025, 12, 31), date(2026, 1, 5)), [JANUARY], "2025-12-31"),
        (Spell(date(2026, 1, 5), date(2026, 2, 1)), [JANUARY], "2026-01-31"),
        (BOTH, [JANUARY, replace(FEBRUARY, begins_on=date(2026, 2, 2))], "2026-01-31"),
        (Spell(date(2026, 1, 1), date(2026, 1, 2)), [], "2026-01-01"),
    ],
)
def test_days_without_a_bill_cannot_be_corrected(spell, bills, since):
    with pytest.raises(DaysUnbilled, match=f"from {since}") as refused:
        sheet(agreed(10), spell, bills=bills, prices=[SINGLE])
    assert refused.value.code == "DAYS_UNBILLED"


@pytest.mark.parametrize(
    ("changed", "fault", "refusal", "code"),
    [
        ({}, agreed(-9_001), CorrectionExceedsBill, "CORRECTION_EXCEEDS_BILL"),
        ({"year_fen": 68_66}, agreed(-100), CorrectionExceedsBill, "CORRECTION_EXCEEDS_BILL"),
        ({"has_parts": True}, agreed(1), BillHasParts, "BILL_HAS_PARTS"),
        ({"has_exchange": True}, Fault("wiring", Decimal(2)), SeveralMeters, "SEVERAL_METERS"),
        ({"last_serial": LAST_SERIAL}, agreed(1), CorrectedTooOften, "CORRECTED_TOO_OFTEN"),
        ({}, agreed(0), NothingToCorrect, "NOTHING_TO_CORRECT"),
        ({}, Fault("wiring", Decimal(1)), NothingToCorrect, "NOTHING_TO_CORRECT"),
        ({"read_kwh": 0}, Fault("wiring", Decimal(3)), NothingToCorrect, "NOTHING_TO_CORRECT"),
    ],
)
def test_what_cannot_be_corrected_so_is_refused(changed, fault, refusal, code):
    with pytest.raises(refusal) as refused:
        found(fault, replace(JANUARY, **changed))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, agreed(-9_000)),
        ({"year_fen": 68_67}, agreed(-100)),
        ({"year_fen": 0}, agreed(100)),
        ({"has_exchange": True}, agreed(1)),
        ({"last_serial": LAST_SERIAL - 1}, agreed(1)),
    ],
)
def test_what_just_can_be_corrected_is(changed, fault):
    assert found(fault, replace(JANUARY, **changed)).kwh == fault.fact


def test_a_wrong_multiplier_is_that_of_all_the_bills():
    bills = (JANUARY, replace(FEBRUARY, multiplier=Decimal(20)))
    with pytest.raises(MultipliersDiffer) as refused:
        found(Fault("multiplier", Decimal(40)), *bills, spell=BOTH)
    assert refused.value.code == "MULTIPLIERS_DIFFER"
    assert found(Fault("wiring", Decimal(2)), *bills, spell=BOTH).kwh == 11_800


def test_a_reversal_takes_back_what_each_bill_was_corrected_by():
    numbers = {JANUARY.bill_no: 300, FEBRUARY.bill_no: -280}
    made = reversal_sheet(numbers, BOTH, bills=(JANUARY, FEBRUARY), prices=(SINGLE,))
    assert [(item.kwh, item.amount_fen) for item in made.items] == [(-300, -206_01), (280, 192_28)]
    assert (made.kwh, made.calculation) == (-20, "-20 kWh, taken back")


def test_a_reversal_leaves_the_tiers_of_what_was_billed_since_alone():
    """
    A bill was corrected by 3 000 kWh behind 2 500; then 3 000 were billed, all in the third tier.

    Of 8 500 kWh the last 3 000 come back; what stays costs what 5 500 kWh cost.
    """
    corrected_ = replace(JANUARY, billed_kwh=3_100, household=Household(before_kwh=5_400))
    made = reversal_sheet(
        {JANUARY.bill_no: 3_000}, ALL_OF_IT, bills=(corrected_,), prices=(ANNUAL,)
    )
    [item] = made.items
    assert shown(item.lines) == [("energy", 3, -3_000, -2_514_00)]


def test_a_reversal_needs_no_number_that_a_correction_must_leave_for_it():
    full = replace(JANUARY, last_serial=LAST_SERIAL)
    made = reversal_sheet({JANUARY.bill_no: 1}, ALL_OF_IT, bills=(full,), prices=(SINGLE,))
    assert made.kwh == -1


def test_a_reversal_gives_back_no_more_than_there_is():
    with pytest.raises(CorrectionExceedsBill):
        reversal_sheet({JANUARY.bill_no: 9_001}, ALL_OF_IT, bills=(JANUARY,), prices=(SINGLE,))
