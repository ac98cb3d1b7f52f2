"""Parts of an account's energy that are billed at the prices of another category."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import ledger
from service.domain.apportionments import (
    AgreedPart,
    Apportionment,
    NotApportionable,
    PartAmbiguous,
    PartCategoryUnfit,
    SharesExceedAll,
    check_apportionment,
)
from service.domain.bill_quantities import PriceMissing
from service.domain.bills import issue
from service.domain.household_terms import Standing, TermBilled
from service.domain.metered import RegisterSpan
from service.domain.meters import Register, Span
from service.domain.months import Month
from service.domain.parts import Part, Parts, PartsChanged, PartTiered
from service.domain.sub_meters import Fixed, Share, SubMetersExceedMain
from service.domain.tariffs import Price
from service.domain.tiers import Scheme
from tests.unit.domain.test_bills import BASIS, ISSUED_AT, MARCH, PRICES

SHOP = replace(
    PRICES,
    category="commercial",
    tariff=replace(
        PRICES.tariff,
        version="11",
        scheme=None,
        prices=(Price("energy", 52_130_000), Price("meter_rent", 300_000_000, unit="month")),
    ),
)
HOMES = replace(
    PRICES,
    category="residential_collective",
    tariff=replace(
        PRICES.tariff,
        version="12",
        scheme=None,
        prices=(Price("energy", 55_800_000), Price("meter_rent", 100_000_000, unit="month")),
    ),
)
FARM = replace(
    PRICES,
    category="agricultural",
    tariff=replace(PRICES.tariff, version="13", scheme=None, prices=(Price("energy", 43_310_000),)),
)
OF_PARTS = {"residential_collective": [HOMES], "agricultural": [FARM]}


def part(category, sub_meter):
    return Part(category=category, sub_meter=sub_meter, participation="energy_and_money")


FEBRUARY, LONG_AGO = Month(2026, 2), Month(2025, 1)
FIXED = part("residential_collective", Fixed(kwh=500))
SHARE = part("agricultural", Share(hundredths_percent=20_00))


def issued(
    *parts,
    kwh=10_000,
    last_billed=FEBRUARY,
    of_parts=OF_PARTS,
    prices=SHOP,
    since=LONG_AGO,
    others=(),
):
    basis = replace(
        BASIS,
        category="commercial",
        last_billed=last_billed,
        reading=replace(BASIS.reading, register=BASIS.previous.register + Decimal(kwh)),
        parts=Parts(from_month=since, items=parts),
        others=others,
    )
    return issue(basis=basis, month=MARCH, prices=[prices], of_parts=of_parts, issued_at=ISSUED_AT)


def energy_of(bill):
    return [(line.version, line.quantity) for line in bill.lines if line.component == "energy"]


def test_a_share_is_billed_at_other_prices():
    """Worked example E17a: 2 000 and 8 000 of 10 000 kWh."""
    bill = issued(SHARE)
    assert energy_of(bill) == [("11", 8_000), ("13", 2_000)]
    assert (bill.consumption_kwh, bill.amount_fen) == (10_000, 4_170_40 + 866_20 + 3_00)


def test_a_share_is_one_of_what_fixed_energy_leaves():
    """Worked example E17b: 500, 1 900 and 7 600 of 10 000 kWh, in whichever order."""
    assert energy_of(issued(FIXED, SHARE)) == [("11", 7_600), ("12", 500), ("13", 1_900)]
    assert energy_of(issued(SHARE, FIXED)) == [("11", 7_600), ("13", 1_900), ("12", 500)]


def test_what_is_fixed_is_so_in_each_month_of_a_bill():
    bill = issued(FIXED, last_billed=Month(2025, 12))
    assert energy_of(bill) == [("11", 8_500), ("12", 1_500)]


def test_what_a_month_costs_is_paid_with_the_main_energy_alone():
    rents = [line for line in issued(FIXED).lines if line.component == "meter_rent"]
    assert [(line.version, line.amount_fen) for line in rents] == [("11", 3_00)]


def test_a_month_that_used_less_than_is_fixed_is_not_billed():
    with pytest.raises(SubMetersExceedMain):
        issued(FIXED, kwh=499)
    assert energy_of(issued(FIXED, kwh=500)) == [("11", 0), ("12", 500)]


def test_prices_with_tiers_are_no_parts():
    tiered = replace(
        HOMES.tariff,
        scheme=Scheme(is_annual=False, limits_kwh=(170,)),
        prices=(Price("energy", 1, tier=1), Price("energy", 2, tier=2)),
    )
    with pytest.raises(PartTiered):
        issued(FIXED, of_parts={"residential_collective": [replace(HOMES, tariff=tiered)]})


def test_prices_that_nobody_published_are_missing_by_their_category():
    with pytest.raises(PriceMissing, match="residential_collective"):
        issued(FIXED, of_parts={})


def test_a_change_of_prices_splits_a_part_as_it_splits_the_rest():
    dearer = replace(
        HOMES,
        valid_from=date(2026, 3, 16),
        tariff=replace(HOMES.tariff, version="14", prices=(Price("energy", 60_000_000),)),
    )
    bill = issued(FIXED, of_parts={"residential_collective": [HOMES, dearer]})
    halves = [quantity for version, quantity in energy_of(bill) if version in {"12", "14"}]
    assert len(halves) == 2
    assert sum(halves) == 500


def test_shares_of_all_energy_are_all_of_it_however_they_are_rounded():
    half = Share(hundredths_percent=50_00)
    bill = issued(part("residential_collective", half), part("agricultural", half), kwh=10_001)
    assert energy_of(bill) == [("11", 0), ("12", 5_001), ("13", 5_000)]


@pytest.mark.parametrize(("since", "is_billed"), [(Month(2026, 1), True), (MARCH, False)])
def test_a_bill_of_several_months_has_the_same_parts_in_all_of_them(since, is_billed):
    if is_billed:
        assert issued(FIXED, last_billed=Month(2025, 12), since=since)
    else:
        with pytest.raises(PartsChanged):
            issued(FIXED, last_billed=Month(2025, 12), since=since)
        with pytest.raises(PartsChanged):
            issued(last_billed=Month(2025, 12), since=since)


def sharp(kwh):
    """A register that counted so much in the sharp peak."""
    shape = Register(6, 2)
    span = Span(
        shape=shape, multiplier=Decimal(1), start=Decimal(0), end=Decimal(kwh), roll_overs=0
    )
    return RegisterSpan("sharp", span)


def by_period(prices, *, version, sharp_months):
    """A price list with a sharp peak in some months: 1 yuan, a peak of 0.5, all else 0.1."""
    calendar = Seasons(sharp_months)
    priced = (("sharp", 100_000_000), ("peak", 50_000_000), ("flat", 10_000_000))
    tariff = replace(
        prices.tariff,
        version=version,
        prices=tuple(Price("energy", price, period=period) for period, price in priced),
    )
    return replace(prices, tariff=tariff, calendar=calendar)


class Seasons:
    """Stands in for a calendar: it has a sharp peak in some months."""

    def __init__(self, months):
        self._months = months

    def has(self, period, *, month):
        return period != "sharp" or month in self._months


@pytest.mark.parametrize(
    ("of_shop", "of_farm", "found"),
    [
        ({3}, {3}, [("sharp", 800), ("sharp", 200)]),
        ({3}, {7}, [("sharp", 800), ("peak", 200)]),
        ({7}, {3}, [("peak", 800), ("sharp", 200)]),
        ({7}, {7}, [("peak", 800), ("peak", 200)]),
    ],
)
def test_each_price_list_has_a_sharp_season_of_its_own(of_shop, of_farm, found):
    shop = by_period(SHOP, version="11", sharp_months=of_shop)
    farm = by_period(FARM, version="13", sharp_months=of_farm)
    bill = issued(
        SHARE, kwh=1_000, prices=shop, of_parts={"agricultural": [farm]}, others=(sharp(1_000),)
    )
    assert [(line.period, line.quantity) for line in bill.lines if line.quantity] == found


@given(
    kwh=st.integers(0, 10**6),
    shares=st.lists(st.integers(1, 25_00), max_size=4),
)
def test_parts_and_what_is_left_are_all_of_it_and_all_of_it_is_booked(kwh, shares):
    parts = [FIXED, *(part("agricultural", Share(hundredths_percent=each)) for each in shares)]
    if kwh < 500:
        parts = parts[1:]
    bill = issued(*parts, kwh=kwh)
    assert sum(quantity for _, quantity in energy_of(bill)) == kwh == bill.consumption_kwh
    categories = {"12": "residential_collective", "13": "agricultural"}
    posting = ledger.BillPosting(7, "B1", "commercial", bill.lines, 0, categories)
    mirrored = [line._replace(amount_fen=-line.amount_fen) for line in bill.lines]
    mirror = posting._replace(bill_no="B2", lines=mirrored)
    booked = ledger.bills_issued_entries(bills=[posting], document_no="1/1")
    taken_back = ledger.bill_cancelled_entries(mirror)
    assert sum(entry.amount_fen for entry in booked) == 0
    by_code = {entry.code: entry.amount_fen for entry in booked}
    assert {entry.code: -entry.amount_fen for entry in taken_back} == by_code


def test_each_category_s_sales_are_booked_by_themselves():
    """The shop's 3 964.88 yuan, 279.00, 822.89: together 5 066.77, of which 582.90 are tax."""
    bill = issued(FIXED, SHARE)
    posting = ledger.BillPosting(
        7, "B1", "commercial", bill.lines, 0,
        {"12": "residential_collective", "13": "agricultural"},
    )  # fmt: skip
    booked = {
        entry.code: entry.amount_fen
        for entry in ledger.bills_issued_entries(bills=[posting], document_no="1/1")
    }
    assert booked == {
        "1122.01": 5_066_77,
        "2221": -582_90,
        "6001.01": -246_90,
        "6001.02": -3_508_75,
        "6001.03": -728_22,
    }


STANDING = Standing(category="commercial", newest_billed=Month(2026, 2), begun=frozenset())
AGREED = AgreedPart(
    category="agricultural",
    fixed_kwh=500,
    share_hundredths_percent=None,
    participation="energy_and_money",
)
HALF = replace(AGREED, fixed_kwh=None, share_hundredths_percent=50_00)


def check(*parts, standing=STANDING, month=MARCH):
    wanted = Apportionment(from_month=str(month), parts=parts, document_no="C-1")
    check_apportionment(wanted, month, standing)


def test_parts_that_can_be_billed_pass():
    check(AGREED, HALF, HALF)
    check()


@pytest.mark.parametrize(
    ("parts", "changed", "refusal"),
    [
        ([AGREED], {"category": "residential"}, NotApportionable),
        ([AGREED], {"category": "residential_tou"}, NotApportionable),
        ([replace(AGREED, fixed_kwh=None)], {}, PartAmbiguous),
        ([replace(AGREED, share_hundredths_percent=1)], {}, PartAmbiguous),
        ([AGREED], {"category": "agricultural"}, PartCategoryUnfit),
        ([replace(AGREED, category="residential")], {}, PartCategoryUnfit),
        ([replace(AGREED, category="industrial")], {}, PartCategoryUnfit),
        ([replace(AGREED, category="\0")], {}, PartCategoryUnfit),
        ([HALF, HALF, replace(HALF, share_hundredths_percent=1)], {}, SharesExceedAll),
        ([AGREED], {"newest_billed": MARCH}, TermBilled),
    ],
)
def test_parts_that_cannot_be_are_refused(parts, changed, refusal):
    with pytest.raises(refusal):
        check(*parts, standing=replace(STANDING, **changed))
