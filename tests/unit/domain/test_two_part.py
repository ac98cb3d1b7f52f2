"""What an account of two parts owes: energy, capacity or demand, the power factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from service.domain import bills
from service.domain.bill_bases import Basis, Stand
from service.domain.losses import Transformer
from service.domain.metered import RegisterSpan, demand_kw
from service.domain.meters import ConsumptionImplausible, Register, Span
from service.domain.months import Month
from service.domain.prices import PriceList
from service.domain.supplies import Agreed, Change, Installed, Supply
from service.domain.tariffs import Price, Tariff
from service.domain.two_part import (
    BasicUnpriced,
    DemandImplausible,
    DemandUnread,
    ReactiveUnread,
    SupplyUnknown,
)

APRIL = Month(2026, 4)
YUAN = 100_000_000
TABLE = {pf: -75 if pf >= 95 else 50 * (90 - pf) for pf in range(101)}
PRICES = PriceList(
    catalogue_version_id=1,
    category="industrial",
    legal_document="Order 7",
    valid_from=date(2026, 1, 1),
    tariff=Tariff(
        version="1",
        prices=(
            Price("energy", YUAN),
            Price("basic", 26 * YUAN, unit="kVA"),
            Price("basic", 36 * YUAN, unit="kW"),
        ),
        tables={90: TABLE},
    ),
)
SHAPE = Register(6, 2)
PLATE = Transformer(
    capacity_kva=Decimal(1000),
    no_load_kw=Decimal(0),
    load_kw=Decimal(0),
    no_load_percent=Decimal(0),
    short_circuit_percent=Decimal(0),
)
E16 = Transformer(
    capacity_kva=Decimal(315),
    no_load_kw=Decimal("0.67"),
    load_kw=Decimal("3.65"),
    no_load_percent=Decimal("1.1"),
    short_circuit_percent=Decimal(4),
)
LONG_AGO = date(2020, 1, 1)


def installed(capacity="1000", *changes, plate=PLATE, kind="transformer"):
    """Return equipment of a capacity with its changes: running since long ago, if none is named."""
    return Installed(
        kind=kind,
        plate=replace(plate, capacity_kva=Decimal(capacity)),
        changes=changes or (Change(LONG_AGO, "running"),),
    )


SUPPLY = Supply(
    agreed=(),
    standard=None,
    is_metered_low=False,
    load_shape=Decimal("1.5"),
    line_loss=0,
    equipment=(installed(),),
)
BASIS = Basis(
    account_id=7,
    account_no="1000000019",
    category="industrial",
    opened_on=date(2020, 6, 1),
    digits=6,
    decimals=2,
    multiplier=Decimal(1),
    previous=Stand(datetime(2026, 3, 31, 15, 59, tzinfo=UTC), Decimal(1000)),
    last_billed=Month(2026, 3),
    reading=Stand(datetime(2026, 4, 30, 15, 59, tzinfo=UTC), Decimal(1100)),
    roll_overs=0,
    before_kwh=0,
    supply=SUPPLY,
)


def span(counted, end, *, start="0", multiplier="1"):
    """Return what a register showed at both ends."""
    return RegisterSpan(
        counted,
        Span(
            shape=SHAPE,
            multiplier=Decimal(multiplier),
            start=Decimal(start),
            end=Decimal(end),
            roll_overs=0,
        ),
    )


def agreement(from_month, *, mode="capacity", contract_kw=None, has_discount=False):
    """Return what is agreed from a month on."""
    return Agreed(
        from_month=from_month, mode=mode, contract_kw=contract_kw, has_discount=has_discount
    )


def issued(
    *others,
    month=APRIL,
    prices=(PRICES,),
    basis=BASIS,
    kwh=100,
    kw=None,
    removed=(),
    agreed=None,
    **supply,
):
    """Return the bill of April, or up to another month, of a supply that differs so."""
    terms = ("mode", "contract_kw", "has_discount", "since")
    said = {name: supply.pop(name) for name in terms if name in supply}
    agreed = agreed or (agreement(said.pop("since", Month(2020, 1)), **said),)
    demands = kw if isinstance(kw, dict) else {APRIL: kw} if kw else {}
    if demands:
        others = (*others, span("demand", "1"))
    return bills.issue(
        basis=replace(
            basis,
            # A moment before the next month: what is billed is April alone.
            reading=Stand(datetime(2026, 4, 30, 15, 59, tzinfo=UTC), basis.previous.register + kwh),
            others=others,
            removed=removed,
            demands={each: Decimal(shown) for each, shown in demands.items()},
            supply=replace(SUPPLY, agreed=agreed, **supply),
        ),
        month=month,
        prices=prices,
        issued_at=datetime(2026, 5, 1, 2, tzinfo=UTC),
    )


def basic(bill):
    """Return the lines of a bill's basic charge: quantity, days, fen."""
    return [
        (str(line.quantity), line.days, line.amount_fen)
        for line in bill.lines
        if line.component == "basic"
    ]


def test_a_whole_month_of_capacity_is_its_price():
    """Worked example E11a: 630 kVA are 16 380.00 yuan."""
    bill = issued(equipment=(installed("630"),))
    assert basic(bill) == [("630", None, 16_380_00)]
    assert bill.amount_fen == 16_380_00 + 100_00


def test_equipment_is_charged_from_the_day_that_it_runs():
    """Worked example E11c: the second one from the 13th of a month of 30 days."""
    second = installed("630", Change(date(2026, 4, 13), "running"))
    assert basic(issued(equipment=(installed("1000"), second))) == [
        ("1000", None, 26_000_00),
        ("630", 18, 9_828_00),
    ]


@pytest.mark.parametrize(
    ("back_on", "expected"),
    [
        (None, ("630", 10, 5_460_00)),
        (date(2026, 4, 26), ("630", 15, 8_190_00)),  # sealed for 15 days: ten before, five after
        (date(2026, 4, 25), ("630", None, 16_380_00)),  # for 14 days: as if it never was
    ],
)
def test_a_suspension_counts_from_its_fifteenth_day(back_on, expected):
    """Worked example E11d: sealed on the 11th, ten days are charged."""
    changes = [Change(LONG_AGO, "running"), Change(date(2026, 4, 11), "suspended")]
    if back_on:
        changes.append(Change(back_on, "running"))
    assert basic(issued(equipment=(installed("630", *changes),))) == [expected]


def test_what_was_taken_away_while_sealed_never_ran_again():
    changes = (
        Change(LONG_AGO, "running"),
        Change(date(2026, 4, 11), "suspended"),
        Change(date(2026, 4, 15), "removed"),
    )
    assert basic(issued(equipment=(installed("630", *changes),))) == [("630", 10, 5_460_00)]


def test_a_suspension_is_judged_as_a_whole_not_by_the_month():
    """Sealed on April 20 for 20 days: eleven of them are April's, and none is charged."""
    changes = (
        Change(LONG_AGO, "running"),
        Change(date(2026, 4, 20), "suspended"),
        Change(date(2026, 5, 10), "running"),
    )
    assert basic(issued(equipment=(installed("630", *changes),))) == [("630", 19, 10_374_00)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (date(2026, 3, 1), None),  # a month of 31 days
        (date(2026, 3, 2), 30),  # its last 30
        (date(2026, 3, 3), 29),
    ],
)
def test_a_day_of_a_long_month_costs_no_more_than_one_of_thirty(days, expected):
    equipment = installed("630", Change(days, "running"))
    assert equipment.charged_days(Month(2026, 3)) == expected


def test_a_whole_february_is_a_whole_month():
    assert installed("630").charged_days(Month(2026, 2)) is None
    late = installed("630", Change(date(2026, 2, 2), "running"))
    assert late.charged_days(Month(2026, 2)) == 27


def test_what_was_removed_is_charged_no_more():
    gone = installed("630", Change(LONG_AGO, "running"), Change(date(2026, 4, 1), "removed"))
    assert basic(issued(equipment=(installed("1000"), gone))) == [("1000", None, 26_000_00)]


def test_nothing_is_charged_for_a_month_in_which_all_stood_still():
    sealed = (Change(LONG_AGO, "running"), Change(date(2026, 3, 1), "suspended"))
    bill = issued(
        kw="580",
        mode="contract_demand",
        contract_kw=Decimal(600),
        equipment=(installed("630", *sealed),),
    )
    assert basic(bill) == []


@pytest.mark.parametrize(
    ("demand", "lines"),
    [
        ("580", [("600.00", None, 21_600_00)]),
        ("630", [("600.00", None, 21_600_00)]),
        ("700", [("600.00", None, 21_600_00), ("70.0000", None, 5_040_00)]),
    ],
)
def test_a_contract_demand_is_paid_what_exceeds_it_costs_twice_as_much(demand, lines):
    """Worked examples E12a to E12c."""
    bill = issued(kw=demand, mode="contract_demand", contract_kw=Decimal("600.00"))
    assert basic(bill) == lines


def test_a_contract_demand_has_a_floor_of_what_runs():
    """Worked example E12d: 350 of 1000 kVA are 400."""
    bill = issued(kw="300", mode="contract_demand", contract_kw=Decimal(350))
    assert [fen for _, _, fen in basic(bill)] == [14_400_00]


def test_a_demand_is_multiplied_then_rounded_to_two_decimals():
    assert demand_kw(register=Decimal("3.8667"), multiplier=Decimal(150)) == Decimal("580.01")
    assert demand_kw(register=Decimal("3.8666"), multiplier=Decimal(150)) == Decimal("579.99")
    assert basic(issued(kw="579.99", mode="actual_demand")) == [("579.99", None, 20_879_64)]


def test_each_month_pays_for_its_own_demand_one_not_read_for_the_next_that_was():
    """January read at 500, not billed; February not read; March, April at 900, 300: 600 agreed."""
    basis = replace(
        BASIS,
        last_billed=Month(2025, 12),
        previous=Stand(datetime(2025, 12, 31, 15, 59, tzinfo=UTC), Decimal(1000)),
    )
    kw = {Month(2026, 1): "500", Month(2026, 3): "900", APRIL: "300"}
    since_january = (replace(PRICES, valid_from=date(2025, 1, 1)),)
    bill = issued(
        basis=basis, prices=since_january, kw=kw, mode="contract_demand", contract_kw=Decimal(600)
    )
    agreed, excess = ("600", None, 21_600_00), ("270.0000", None, 19_440_00)
    assert basic(bill) == [agreed, agreed, excess, agreed, excess, agreed]


def test_each_month_of_a_bill_is_charged_by_its_own_terms():
    """March by capacity, April by demand: what is agreed later says nothing of before."""
    basis = replace(
        BASIS,
        last_billed=Month(2026, 2),
        previous=Stand(datetime(2026, 2, 28, 15, 59, tzinfo=UTC), Decimal(1000)),
    )
    agreed = (
        agreement(Month(2026, 1)),
        agreement(APRIL, mode="contract_demand", contract_kw=Decimal(600)),
    )
    bill = issued(basis=basis, agreed=agreed, kw="580")
    assert basic(bill) == [("1000", None, 26_000_00), ("600", None, 21_600_00)]


def test_the_floor_of_a_demand_is_of_what_ran_at_one_time():
    """One transformer in place of another: 1000 kVA, not 2000; 600 agreed are not 800."""
    gone = installed("1000", Change(LONG_AGO, "running"), Change(date(2026, 4, 16), "removed"))
    new = installed("1000", Change(date(2026, 4, 16), "running"))
    agreed = {"mode": "contract_demand", "contract_kw": Decimal(600)}
    swapped = basic(issued(kw="500", equipment=(gone, new), **agreed))
    assert swapped == [("600", None, 21_600_00)]
    both = basic(issued(kw="500", equipment=(installed("1000"), new), **agreed))
    assert both == [("800.0000", None, 28_800_00)]


def test_heavy_use_is_of_all_months_of_a_bill_not_of_those_that_are_charged():
    basis = replace(
        BASIS,
        last_billed=Month(2026, 2),
        previous=Stand(datetime(2026, 2, 28, 15, 59, tzinfo=UTC), Decimal(1000)),
    )
    agreed = (agreement(APRIL, mode="actual_demand", has_discount=True),)
    bill = issued(basis=basis, agreed=agreed, kw="580", kwh=320_000)
    assert basic(bill) == [("580", None, 20_880_00)], "160 000 kWh a month on 1000 kVA"


def test_a_demand_that_nobody_pays_for_holds_no_bill_up():
    assert issued(kw="580020").amount_fen == 26_000_00 + 100_00


def test_a_month_before_the_first_terms_was_charged_by_somebody_else():
    """The old system billed up to a reading in March: its basic charge is not ours."""
    basis = replace(
        BASIS,
        last_billed=None,
        previous=Stand(datetime(2026, 3, 31, 12, tzinfo=UTC), Decimal(1000)),
    )
    assert basic(issued(basis=basis, since=APRIL)) == [("1000", None, 26_000_00)]


def test_heavy_use_lowers_the_price_of_demand_if_that_is_agreed():
    """Worked example E12e: 300 000 kWh on 1000 kVA."""
    heavy = {"kw": "580", "mode": "actual_demand", "kwh": 300_000}
    assert basic(issued(has_discount=True, **heavy))[0][2] == 18_792_00
    assert basic(issued(**heavy))[0][2] == 20_880_00


def test_heavy_use_lowers_the_price_of_what_was_agreed_of_its_excess_too():
    """Domain rule 2.12a: 36 yuan are 32.4, twice that above 105 percent."""
    bill = issued(
        kw="700", mode="contract_demand", contract_kw=Decimal(600), kwh=300_000, has_discount=True
    )
    assert basic(bill) == [("600", None, 19_440_00), ("70.0000", None, 4_536_00)]


def test_a_demand_that_no_transformer_carries_was_misread():
    """9667 in place of 9.667, times 60: 580 000 kW through 1000 kVA."""
    with pytest.raises(DemandImplausible):
        issued(kw="580020", mode="actual_demand")
    with pytest.raises(DemandImplausible):
        issued(kw="10000.01", mode="actual_demand")
    assert issued(kw="10000", mode="actual_demand").amount_fen > 0


def test_what_comes_to_more_than_a_city_uses_is_refused_not_booked():
    tiny = replace(E16, capacity_kva=Decimal(1), load_kw=Decimal(1))
    with pytest.raises(ConsumptionImplausible):
        issued(
            kwh=900_000,
            is_metered_low=True,
            equipment=(installed("1", plate=tiny),),
        )


def test_a_transformer_bears_the_load_of_the_days_that_it_ran():
    """Two of 315 kVA, one of them for the last of 30 days: 30 parts of 31, one of 31."""
    late = installed("315", Change(date(2026, 4, 29), "running"), plate=E16)
    bill = issued(kwh=62_000, is_metered_low=True, equipment=(installed("315", plate=E16), late))
    # 0.67 * 720 + 1.5 * 3.65 * 60 000² / (315² * 720); the same of a day, with 2 000 kWh.
    assert bill.lost_kwh == (482 + 276) + (16 + 9)


def test_the_power_factor_counts_reactive_energy_both_ways_and_adds_to_both_parts():
    """P 30 000, Q 40 000 as in E15: 0.60, here 15 %."""
    bill = issued(
        span("reactive", "25000"), span("reactive_reverse", "15000"), kwh=30_000, standard=90
    )
    assert bill.power_factor == 60
    assert bill.reactive_kvarh == 40_000
    [adjustment] = [line for line in bill.lines if line.component == "power_factor_adjustment"]
    assert adjustment.quantity == 30_000_00 + 26_000_00
    assert adjustment.amount_fen == 8_400_00


def test_what_the_transformer_loses_behind_a_low_meter_is_billed_and_assessed():
    """Worked example E16: 827 kWh, 3 685 kvarh; 0.87 with them."""
    low = {"kwh": 60_000, "standard": 90, "equipment": (installed("315", plate=E16),)}
    bill = issued(span("reactive", "30000"), is_metered_low=True, **low)
    assert (bill.lost_kwh, bill.reactive_kvarh) == (827, 33_685)
    assert bill.consumption_kwh == 60_827
    assert bill.power_factor == 87
    high = issued(span("reactive", "30000"), **low)
    assert (high.lost_kwh, high.consumption_kwh, high.power_factor) == (0, 60_000, 89)


def test_a_motor_loses_nothing_that_is_billed_a_line_its_share():
    """Worked example E17d: two percent of 20 000 kWh."""
    bill = issued(
        kwh=20_000,
        line_loss=200,
        equipment=(installed("315", plate=E16, kind="motor"),),
    )
    assert (bill.lost_kwh, bill.consumption_kwh) == (400, 20_400)


def test_each_month_of_a_bill_has_its_basic_charge():
    """March was not read: its whole month, and April's, at the price that each began with."""
    basis = replace(
        BASIS,
        last_billed=Month(2026, 2),
        previous=Stand(datetime(2026, 2, 28, 15, 59, tzinfo=UTC), Decimal(1000)),
    )
    dearer = replace(
        PRICES,
        valid_from=date(2026, 4, 1),
        tariff=replace(
            PRICES.tariff,
            version="2",
            prices=(Price("energy", YUAN), Price("basic", 30 * YUAN, unit="kVA")),
        ),
    )
    bill = issued(basis=basis, prices=(PRICES, dearer))
    assert basic(bill) == [("1000", None, 26_000_00), ("1000", None, 30_000_00)]
    assert [line.version for line in bill.lines if line.component == "basic"] == ["1", "2"]


@pytest.mark.parametrize(
    ("refusal", "supply", "prices"),
    [
        (DemandUnread, {"mode": "actual_demand"}, (PRICES,)),
        (ReactiveUnread, {"standard": 90}, (PRICES,)),
        (SupplyUnknown, {"equipment": ()}, (PRICES,)),
        (
            SupplyUnknown,
            {"is_metered_low": True, "equipment": (installed(kind="motor"),)},
            (PRICES,),
        ),
        (
            BasicUnpriced,
            {},
            (replace(PRICES, tariff=replace(PRICES.tariff, prices=(Price("energy", YUAN),))),),
        ),
    ],
)
def test_what_cannot_be_charged_is_not_guessed(refusal, supply, prices):
    with pytest.raises(refusal):
        issued(prices=prices, **supply)


@pytest.mark.parametrize(
    ("refusal", "supply"),
    [(DemandUnread, {"mode": "actual_demand", "kw": "580"}), (ReactiveUnread, {"standard": 90})],
)
def test_each_meter_of_a_month_has_the_register_that_it_is_charged_by(refusal, supply):
    """Exchanged on the second day: of the other 28 nobody knows."""
    gone = span("total", "1").span
    with pytest.raises(refusal):
        issued(span("reactive", "100"), removed=(gone,), **supply)


def test_what_is_left_out_of_the_base_is_left_out_of_the_adjustment():
    """The flag is the price's: 60 percent of both parts, or of energy alone."""
    aside = tuple(
        each._replace(is_in_base=each.component != "basic") for each in PRICES.tariff.prices
    )
    prices = replace(PRICES, tariff=replace(PRICES.tariff, prices=aside))
    bill = issued(span("reactive", "40000"), kwh=30_000, standard=90, prices=(prices,))
    [adjustment] = [line for line in bill.lines if line.component == "power_factor_adjustment"]
    assert adjustment.quantity == 30_000_00


def test_an_account_without_terms_is_not_billed():
    with pytest.raises(SupplyUnknown):
        bills.issue(
            basis=replace(BASIS, supply=None),
            month=APRIL,
            prices=(PRICES,),
            issued_at=datetime(2026, 5, 1, 2, tzinfo=UTC),
        )
