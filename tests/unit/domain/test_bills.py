"""What an account owes for its months."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import bill_numbers, bills
from service.domain.bill_numbers import BillUnknown
from service.domain.bill_quantities import PriceMissing
from service.domain.bills import (
    AmountNegative,
    Basis,
    LastBillMissing,
    LaterMonthBilled,
    ReadingMissing,
    Stand,
)
from service.domain.calculations import Line
from service.domain.explanations import reasons
from service.domain.meters import ConsumptionImplausible
from service.domain.months import Month
from service.domain.prices import PriceList
from service.domain.tariffs import Price, Tariff
from service.domain.tiers import Scheme, YearTiers

MARCH = Month(2026, 3)
ISSUED_AT = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
PRICES = PriceList(
    catalogue_version_id=1,
    category="residential",
    legal_document="Order 7",
    valid_from=date(2026, 1, 1),
    tariff=Tariff(
        version="1",
        prices=(
            Price("energy", 56_000_000, tier=1),
            Price("energy", 61_000_000, tier=2),
            Price("energy", 86_000_000, tier=3),
        ),
        scheme=Scheme(is_annual=False, limits_kwh=(170, 260)),
        tables={},
    ),
)
CHEAP = Price("energy", 50_000_000)
DEAR = Price("energy", 100_000_000)
BASIS = Basis(
    account_id=7,
    account_no="1000000019",
    category="residential",
    opened_on=date(2020, 6, 1),
    digits=6,
    decimals=2,
    multiplier=Decimal("1.0000"),
    previous=Stand(datetime(2026, 2, 28, 1, tzinfo=UTC), Decimal("1000.0000")),
    last_billed=Month(2026, 2),
    reading=Stand(datetime(2026, 3, 31, 1, tzinfo=UTC), Decimal("1310.0000")),
    roll_overs=0,
    before_kwh=0,
)


def issued(basis=BASIS, *, month=MARCH, prices=(PRICES,), issued_at=ISSUED_AT):
    return bills.issue(basis=basis, month=month, prices=prices, issued_at=issued_at)


def changed(of=PRICES, *, version=2, valid_from=date(2026, 3, 1), **tariff):
    """Return a price list with another tariff, valid from another day on."""
    return replace(
        of,
        catalogue_version_id=version,
        legal_document=f"Order {version}",
        valid_from=valid_from,
        tariff=replace(of.tariff, version=str(version), **tariff),
    )


def test_a_bill_covers_the_energy_since_the_bill_before():
    """Worked example E01: 310 kWh are 193.10 yuan."""
    bill = issued()

    assert (bill.consumption_kwh, bill.amount_fen) == (310, 193_10)
    assert bill.bill_no == "202603100000001901"
    assert bill.previous == BASIS.previous


@pytest.mark.parametrize(
    ("issued_at", "due_on"),
    [
        (datetime(2026, 4, 1, 2, tzinfo=UTC), date(2026, 4, 21)),
        (datetime(2026, 3, 31, 16, tzinfo=UTC), date(2026, 4, 21)),  # midnight in Beijing
        (datetime(2028, 2, 10, 2, tzinfo=UTC), date(2028, 3, 1)),  # over the leap day
        (datetime(2026, 12, 20, 2, tzinfo=UTC), date(2027, 1, 9)),  # over the year end
    ],
)
def test_a_bill_is_due_twenty_days_after_its_issue(issued_at, due_on):
    assert issued(issued_at=issued_at).due_on == due_on


def test_a_register_that_rolled_over_is_billed_over_its_last_digit():
    """Worked example E07: 999 987.50 to 12.30 on six digits are 24.8, rounded to 25 kWh."""
    basis = replace(
        BASIS,
        previous=replace(BASIS.previous, register=Decimal("999987.5")),
        reading=replace(BASIS.reading, register=Decimal("12.3")),
        roll_overs=1,
    )

    assert issued(basis).consumption_kwh == 25


def test_the_multiplier_comes_before_the_rounding():
    """Worked example E07: five digits, 99 850 to 130 times 40 are 11 200 kWh."""
    basis = replace(
        BASIS,
        digits=5,
        multiplier=Decimal(40),
        previous=replace(BASIS.previous, register=Decimal(99850)),
        reading=replace(BASIS.reading, register=Decimal(130)),
        roll_overs=1,
    )

    assert issued(basis).consumption_kwh == 11_200


def test_a_month_that_could_not_be_billed_widens_the_tiers_of_the_next():
    basis = replace(BASIS, last_billed=Month(2026, 1))

    bill = issued(basis)

    assert [line.quantity for line in bill.lines] == [310]


def test_the_month_of_installation_counts_as_a_whole():
    installed_in_march = replace(
        BASIS, last_billed=None, previous=Stand(datetime(2026, 3, 30, tzinfo=UTC), Decimal(1000))
    )
    installed_in_february = replace(installed_in_march, previous=BASIS.previous)

    assert [line.quantity for line in issued(installed_in_march).lines] == [170, 90, 50]
    assert [line.quantity for line in issued(installed_in_february).lines] == [310]


def test_a_gap_over_the_year_end_is_counted_in_months():
    basis = replace(BASIS, last_billed=Month(2025, 11))

    bill = issued(basis, month=Month(2026, 1))

    assert [line.quantity for line in bill.lines] == [310]


def test_a_month_without_energy_has_a_bill_of_nothing():
    basis = replace(BASIS, reading=replace(BASIS.reading, register=BASIS.previous.register))

    bill = issued(basis)

    assert (bill.amount_fen, len(bill.lines)) == (0, 1)


def test_a_month_without_a_reading_is_not_billed():
    with pytest.raises(ReadingMissing, match="no reading in 2026-03"):
        issued(replace(BASIS, reading=None))


def test_a_month_inside_a_later_bill_is_not_billed_again():
    with pytest.raises(LaterMonthBilled, match="part of the bill for 2026-04"):
        issued(replace(BASIS, last_billed=Month(2026, 4)))


@pytest.mark.parametrize(
    "prices", [(), (changed(valid_from=date(2026, 3, 1)),), (changed(valid_from=date.max),)]
)
def test_an_account_without_prices_is_not_billed(prices):
    with pytest.raises(PriceMissing, match="no prices for residential on 2026-02-28"):
        issued(prices=prices)


def test_a_price_that_changes_inside_a_bill_holds_from_its_day():
    """Domain rule 2.12a: energy is split by days, the last piece takes the rest."""
    flat = changed(version=2, valid_from=date(2026, 3, 11), scheme=None, prices=(CHEAP,))
    dear = changed(flat, version=3, valid_from=date(2026, 3, 21), prices=(DEAR,))
    first = changed(flat, version=1, valid_from=date(2026, 1, 1), prices=(CHEAP,))

    bill = issued(prices=(first, flat, dear))

    # 28 February to 31 March are 31 days: 11, then 10, then 10.
    assert [(line.version, line.quantity) for line in bill.lines] == [
        ("1", 110),
        ("2", 100),
        ("3", 100),
    ]
    assert bill.amount_fen == 55_00 + 50_00 + 100_00
    assert bill.catalogue_version_id == 3


def test_each_tier_is_split_where_the_price_changes():
    dearer = changed(
        prices=tuple(price._replace(price=2 * price.price) for price in PRICES.tariff.prices),
        valid_from=date(2026, 3, 16),
    )
    basis = replace(
        BASIS, previous=replace(BASIS.previous, read_at=datetime(2026, 3, 1, tzinfo=UTC))
    )

    bill = issued(basis, prices=(PRICES, dearer))

    assert [(line.version, line.tier, line.quantity) for line in bill.lines] == [
        ("1", 1, 85),
        ("1", 2, 45),
        ("1", 3, 25),
        ("2", 1, 85),
        ("2", 2, 45),
        ("2", 3, 25),
    ]
    assert list(reasons(bill.lines, documents={"1": "Order 7", "2": "Order 8"}))[4] == (
        "tier 2: 45 kWh × 1.22 yuan = 54.90 yuan (Order 8)"
    )


@pytest.mark.parametrize("valid_from", [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)])
def test_a_price_that_changes_on_the_day_of_a_reading_holds_for_one_side_only(valid_from):
    later = changed(valid_from=valid_from)

    bill = issued(prices=(PRICES, later) if valid_from > date(2026, 2, 28) else (later,))

    versions = {line.version for line in bill.lines}
    assert versions == ({"2"} if valid_from == date(2026, 2, 28) else {"1"})


def test_two_readings_of_one_day_are_billed_at_its_price():
    basis = replace(BASIS, previous=replace(BASIS.previous, read_at=BASIS.reading.read_at))

    assert issued(basis).amount_fen == 193_10


def test_tiers_of_a_year_go_on_where_the_bills_before_ended():
    """Worked example E02: 2 500 kWh used, then 400: 260 in the first tier, 140 in the second."""
    scheme = Scheme(is_annual=True, limits_kwh=(2760, 4800))
    annual = changed(version=1, valid_from=date(2026, 1, 1), scheme=scheme)
    basis = replace(BASIS, before_kwh=2500, reading=replace(BASIS.reading, register=Decimal(1400)))

    assert [line.quantity for line in issued(basis, prices=(annual,)).lines] == [260, 140]


def test_an_account_that_was_opened_within_the_year_has_its_share_of_the_tiers():
    scheme = Scheme(is_annual=True, limits_kwh=(1200, 2400))
    annual = changed(version=1, valid_from=date(2026, 1, 1), scheme=scheme)
    opened_in_march = replace(BASIS, opened_on=date(2026, 3, 30), before_kwh=900)

    assert [line.quantity for line in issued(opened_in_march, prices=(annual,)).lines] == [100, 210]


def test_a_monthly_charge_is_for_each_month_of_the_bill():
    lump = Price("service", 1_000_000_00, unit="month")
    prices = changed(version=1, valid_from=date(2026, 1, 1), prices=(*PRICES.tariff.prices, lump))

    bill = issued(replace(BASIS, last_billed=Month(2025, 12)), prices=(prices,))

    assert bill.lines[-1].quantity == 3
    assert list(reasons(bill.lines[-1:], documents={"1": "Order 7"})) == [
        "3 months × 1 yuan = 3.00 yuan (Order 7)"
    ]


def test_a_register_that_ran_backwards_is_refused():
    with pytest.raises(ConsumptionImplausible, match="below zero"):
        issued(replace(BASIS, reading=replace(BASIS.reading, register=Decimal("999.9"))))


def test_more_energy_than_a_city_takes_is_refused():
    with pytest.raises(ConsumptionImplausible, match="310000000000 kWh"):
        issued(replace(BASIS, multiplier=Decimal(1_000_000_000)))


def test_a_bill_that_would_pay_its_customer_is_refused():
    paying = changed(
        valid_from=date(2026, 1, 1), scheme=None, prices=(Price("energy", -1_000_000),)
    )

    with pytest.raises(AmountNegative, match="-310 fen"):
        issued(prices=(paying,))


@given(
    start=st.decimals(0, 999_999, places=2),
    end=st.decimals(0, 999_999, places=2),
    multiplier=st.decimals("0.0001", 1000, places=4),
)
def test_a_bill_is_the_sum_of_its_lines_and_they_of_its_energy(start, end, multiplier):
    basis = replace(
        BASIS,
        multiplier=multiplier,
        previous=replace(BASIS.previous, register=start),
        reading=replace(BASIS.reading, register=end),
        roll_overs=int(end < start),
    )

    bill = issued(basis)

    assert sum(line.quantity for line in bill.lines) == bill.consumption_kwh
    assert sum(line.amount_fen for line in bill.lines) == bill.amount_fen


def test_a_bill_number_says_month_account_and_serial():
    assert bill_numbers.parts_of_number("202603100000001901") == (MARCH, "1000000019", 1)


@pytest.mark.parametrize(
    "bill_no",
    ["", "2026031000000019", "202613100000001901", "20260310000000190a", "２02603100000001901"],
)
def test_what_cannot_be_a_bill_number_is_no_bill(bill_no):
    with pytest.raises(BillUnknown):
        bill_numbers.parts_of_number(bill_no)


def test_every_line_says_why_it_costs_what_it_costs():
    assert list(reasons(issued().lines, documents={"1": "Order 7"})) == [
        "tier 1, kWh 1 to 170 of the bill: 170 kWh × 0.56 yuan = 95.20 yuan (Order 7)",
        "tier 2, kWh 171 to 260 of the bill: 90 kWh × 0.61 yuan = 54.90 yuan (Order 7)",
        "tier 3, kWh 261 to 310 of the bill: 50 kWh × 0.86 yuan = 43.00 yuan (Order 7)",
    ]


def line(component, tier, kwh, price, amount_fen, *, period=None):
    return Line(
        portion=0,
        component=component,
        period=period,
        tier=tier,
        quantity=kwh,
        unit="kWh",
        price=price,
        amount_fen=amount_fen,
        is_levy=False,
        is_in_base=True,
        version="1",
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            line("energy", None, 1250, 52_130_000, 651_63),
            "1250 kWh × 0.5213 yuan = 651.625, half up 651.63 yuan (Order 7)",
        ),
        (
            line("energy", 1, 0, 56_000_000, 0),
            "tier 1, no energy: 0 kWh × 0.56 yuan = 0.00 yuan (Order 7)",
        ),
        (
            line("energy", 2, 90, 5_000_000, 4_50),
            "tier 2: 90 kWh × 0.05 yuan = 4.50 yuan (Order 7)",
        ),
        (
            line("energy", None, 10, 50_000_000, 5_00, period="valley"),
            "valley: 10 kWh × 0.5 yuan = 5.00 yuan (Order 7)",
        ),
        (
            line("correction", None, 1, -500_000, -1),
            "1 kWh × -0.005 yuan = -0.005, half up -0.01 yuan (Order 7)",
        ),
    ],
)
def test_a_rounded_line_shows_both_figures(line, why):
    assert list(reasons([line], documents={"1": "Order 7"})) == [why]


@pytest.mark.parametrize(
    ("opened_on", "closed_in", "year_months"),
    [
        (date(2020, 6, 1), None, 12),
        (date(2026, 2, 17), None, 11),
        (date(2020, 6, 1), Month(2026, 6), 6),
        (date(2026, 2, 17), Month(2026, 6), 5),
        (date(2026, 6, 2), Month(2026, 6), 1),
        (date(2020, 6, 1), Month(2026, 7), 7),
        (date(2020, 6, 1), Month(2027, 1), 12),
    ],
)
def test_a_year_of_tiers_begins_and_ends_with_the_account(opened_on, closed_in, year_months):
    household = bills.household_of(
        month=Month(2026, 6), months=1, opened_on=opened_on, before_kwh=0, closed_in=closed_in
    )
    assert household.year_months == year_months


def test_a_last_bill_of_several_months_has_a_share_of_each_of_them():
    household = bills.household_of(
        month=Month(2026, 1), months=3, opened_on=date(2020, 6, 1), before_kwh=0,
        closed_in=Month(2026, 1),
    )  # fmt: skip
    assert household.year_months == 3


def test_who_closed_before_was_read_for_the_last_time():
    with pytest.raises(LastBillMissing) as refused:
        issued(replace(BASIS, closed_in=Month(2026, 2), last_billed=None, reading=None))
    assert refused.value.code == "LAST_BILL_MISSING"


def test_a_year_whose_first_bill_reached_back_has_a_share_of_each_of_its_months():
    """November to January were one bill; the account closes in February: four months."""
    year = YearTiers(
        1_200,
        Scheme(is_annual=True, limits_kwh=(2_760,)),
        {1: 1_200},
        billed_before=Month(2025, 10),
    )
    household = bills.household_of(
        month=Month(2026, 2), months=1, opened_on=date(2020, 6, 1), before_kwh=1_200,
        closed_in=Month(2026, 2), year=year,
    )  # fmt: skip
    assert household.year_months == 4


def test_a_settlement_that_would_pay_its_customer_is_left_to_the_next_bill():
    scheme = Scheme(is_annual=True, limits_kwh=(2_760, 4_800))
    prices = changed(
        prices=(CHEAP, Price("tier", 5_000_000, tier=2), Price("tier", 30_000_000, tier=3)),
        scheme=scheme, valid_from=date(2026, 1, 1),
    )  # fmt: skip
    year = YearTiers(2_500, scheme, {1: -5_000, 2: 7_500})
    settled = replace(BASIS, before_kwh=2_500, year=year)
    assert (
        issued(settled, prices=(prices,)).lines
        == issued(replace(settled, year=None), prices=(prices,)).lines
    )
