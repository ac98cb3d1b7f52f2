"""The oracle gives the worked figures of the rules (E01-E30) before it may judge the engine."""

from fractions import Fraction

import pytest

from tests.oracle import basic, charges, quantities
from tests.oracle.basic import Basic
from tests.oracle.bills import (
    Point,
    Supply,
    Tariff,
    Tiers,
    bill,
    energy_lines,
    levy_lines,
    registers,
    total,
)
from tests.oracle.charges import Price, Steps
from tests.oracle.quantities import Child, Segment

STATE_GRID_LEVIES = ("0.02", "0.019", "0.001969", "0.006225", "0.0005")


def segment(*, start, end, digits=5, multiplier=1):
    return Segment(Fraction(start), Fraction(end), digits, Fraction(multiplier))


def energy(**terms):
    return quantities.read([segment(**terms)])


def at(*yuan: str, days: int = 30):
    return [Price(Fraction(price), days) for price in yuan]


def residential(*, kwh: int, base: str = "0.56", free: int = 0, **tiers):
    steps = tiers.pop("steps", Steps([Fraction(170), Fraction(260)], "month"))
    deltas = [at("0.05"), at("0.30")]
    tariff = Tariff(
        {"flat": at(base)}, tiers=Tiers(steps, deltas, **tiers), free_kwh=Fraction(free)
    )
    return [line.amount for line in energy_lines({"flat": Fraction(kwh)}, tariff)]


def annual(*, kwh: int, before: int):
    steps = Steps([Fraction(2760), Fraction(4800)], "year")
    return residential(kwh=kwh, base="0.538", steps=steps, months=12, before=Fraction(before))


def amounts(*yuan: str):
    return [Fraction(amount) for amount in yuan]


def test_e01_tiers_of_a_month_split_or_as_increments():
    assert residential(kwh=310) == amounts("95.20", "54.90", "43.00")
    assert residential(kwh=310, is_split=False) == amounts("173.60", "4.50", "15.00")


def test_e02_tiers_of_a_year_go_on_from_what_was_billed():
    assert annual(kwh=300, before=2650) == amounts("59.18", "111.72", "0")
    assert annual(kwh=2400, before=2700) == amounts("32.28", "1199.52", "251.40")


def test_e03_tiers_of_a_year_with_periods():
    tiers = Tiers(
        Steps([Fraction(2760), Fraction(4800)], "year"),
        [at("0.05"), at("0.30")],
        months=12,
        before=Fraction(2650),
    )
    tariff = Tariff({"peak": at("0.568"), "valley": at("0.288")}, tiers=tiers)
    lines = energy_lines({"peak": Fraction(200), "valley": Fraction(150)}, tariff)
    assert [line.amount for line in lines] == amounts("113.60", "43.20", "12.00", "0")


def test_e04_a_large_household_has_a_hundred_kwh_more():
    assert residential(kwh=310, extension=Fraction(100)) == amounts("151.20", "24.40", "0")


def test_e05_free_kwh_are_refunded_but_no_more_than_used():
    assert residential(kwh=120, free=15) == amounts("67.20", "0", "0", "-8.40")
    assert residential(kwh=10, free=15) == amounts("5.60", "0", "0", "-5.60")


def test_e06_levies_are_lines_of_their_own():
    tariff = Tariff(
        {"flat": at("0.5213")}, levies={price: at(price) for price in STATE_GRID_LEVIES}
    )
    lines = energy_lines({"flat": Fraction(1250)}, tariff) + levy_lines(
        {"flat": Fraction(1250)}, tariff
    )
    assert [line.amount for line in lines] == amounts(
        "651.63", "25.00", "23.75", "2.46", "7.78", "0.63"
    )
    assert total(lines) == Fraction("711.25")


def test_e07_a_register_rolls_over_but_a_bad_reading_does_not():
    assert energy(start=99850, end=130, digits=5, multiplier=40) == 11200
    assert quantities.difference(start="999987.50", end="12.30", digits=6) == Fraction("24.80")
    with pytest.raises(quantities.ImplausibleReading):
        quantities.difference(start=50000, end=130, digits=5)


def test_e08_e09_multipliers():
    old = energy(start="1234.50", end="1398.00", digits=5, multiplier=30)
    new = energy(start="0.20", end="45.60", digits=5, multiplier=40)
    assert (old, new) == (4905, 1816)
    assert energy(start="318.22", end="325.47", digits=4, multiplier=3000) == 21750


def test_e10_what_the_periods_leave_is_flat():
    read = {
        name: energy(start=start, end=end, digits=5, multiplier=60)
        for name, start, end in (
            ("total", "12034.16", "12268.77"),
            ("sharp", "1200.05", "1222.31"),
            ("peak", "3800.40", "3871.95"),
            ("valley", "2933.00", "2993.36"),
        )
    }
    kwh = quantities.balanced(total=read.pop("total"), periods=read)
    assert kwh == {"sharp": 1336, "peak": 4293, "flat": 4826, "valley": 3622}
    prices = {
        "sharp": at("1.2360"),
        "peak": at("1.0300"),
        "flat": at("0.6867"),
        "valley": at("0.3434"),
    }
    assert total(energy_lines(kwh, Tariff(prices))) == Fraction("10630.89")


@pytest.mark.parametrize(
    ("kva", "days", "expected"),
    [(630, None, 16380), (630, 20, 10920), (1000, None, 26000), (630, 18, 9828), (630, 10, 5460)],
)
def test_e11_capacity_is_charged_by_days(kva, days, expected):
    assert basic.capacity_charge(Fraction(kva), price=Fraction(26), days=days).amount == expected


@pytest.mark.parametrize(
    ("contract", "kva", "measured", "expected"),
    [(600, 0, 580, 21600), (600, 0, 630, 21600), (600, 0, 700, 26640), (350, 1000, 300, 14400)],
)
def test_e12_contract_demand(contract, kva, measured, expected):
    lines = basic.contract_demand(
        contract=Fraction(contract),
        measured=Fraction(measured),
        running_kva=Fraction(kva),
        price=Fraction(36),
    )
    assert total(lines) == expected


def test_e12e_actual_demand_with_and_without_the_discount():
    lower = basic.discounted(Fraction(36), billed=Fraction(300_000), kva=Fraction(1000))
    assert (
        total(basic.actual_demand(measured=Fraction(580), floor=Fraction(0), price=Fraction(36)))
        == 20880
    )
    assert (
        total(basic.actual_demand(measured=Fraction(580), floor=Fraction(0), price=lower)) == 18792
    )


@pytest.mark.parametrize(
    ("standard", "active", "reactive", "base", "hundredths", "expected"),
    [
        (85, 10000, 9000, 5800, 74, 319),
        (90, 30000, 40000, 60000, 60, 15000),
        (90, 8950, 4461, 100, 89, Fraction("0.5")),
        (90, 9000, 4359, 100, 90, 0),
        (90, 7000, 7141, 100, 70, 10),
    ],
)
def test_e14_e15_power_factor(standard, active, reactive, base, hundredths, expected):
    found = charges.power_factor(active=Fraction(active), reactive=Fraction(reactive))
    assert found == hundredths
    line = charges.adjustment(Fraction(base), standard=standard, hundredths=found)
    assert line.amount == expected


def test_e16_transformer_loss_lowers_the_power_factor():
    plate = quantities.Transformer(
        Fraction(315),
        Fraction("0.67"),
        Fraction("3.65"),
        Fraction("1.1"),
        Fraction(4),
        30,
        Fraction("1.5"),
    )
    active, reactive = quantities.transformer_loss(
        plate, active=Fraction(60000), reactive=Fraction(30000)
    )
    assert (active, reactive) == (827, 3685)
    assert charges.power_factor(active=Fraction(60000), reactive=Fraction(30000)) == 89
    assert charges.power_factor(active=60000 + active, reactive=30000 + reactive) == 87


def test_e17_children_and_losses():
    ratio = Child("ratio", Fraction("0.2"))
    assert quantities.children_kwh(Fraction(10000), [ratio]) == [2000]
    assert quantities.children_kwh(Fraction(10000), [Child("fixed", Fraction(500)), ratio]) == [
        500,
        1900,
    ]
    points = [Fraction(4000), Fraction(3500), Fraction(2501)]
    assert quantities.shared_loss(Fraction(1234), points=points) == [494, 432, 308]
    assert (
        quantities.line_loss_by_ratio(
            Fraction("0.02"), read=Fraction(20000), transformer=Fraction(0)
        )
        == 400
    )


def test_e19_corrections():
    assert quantities.multiplier_correction(9000, used=30, true=40) == 3000
    assert quantities.error_correction(20000, error="0.035") == -676
    assert quantities.error_correction(20000, error="-0.04") == 833
    assert quantities.factor_correction(6000, factor="1.5") == 3000
    assert quantities.factor_correction(2000, factor=3) == 4000
    (line,) = charges.priced("correction", Fraction(-676), at("0.6867"))
    assert line.amount == Fraction("-464.21")


def test_e25_a_change_of_price_splits_by_days():
    lines = charges.priced(
        "flat", Fraction(600), [Price(Fraction("0.56"), 16), Price(Fraction("0.58"), 14)]
    )
    assert [(line.quantity, line.amount) for line in lines] == [
        (320, Fraction("179.20")),
        (280, Fraction("162.40")),
    ]


def test_e29_a_mistake_in_march_changes_april():
    old = annual(kwh=300, before=2500) + annual(kwh=100, before=2800)
    new = annual(kwh=200, before=2500) + annual(kwh=100, before=2700)
    assert sum(new) - sum(old) == Fraction("-58.80")


def test_e30_a_complete_bill():
    meter = {
        name: [segment(start=start, end=end, multiplier=1500)]
        for name, start, end in (
            ("total", "5012.34", "5212.86"),
            ("sharp", "402.10", "418.25"),
            ("peak", "1604.00", "1663.42"),
            ("valley", "1306.12", "1362.79"),
            ("reactive", "1501.00", "1588.40"),
        )
    }
    prices = {
        "sharp": at("1.1016"),
        "peak": at("0.9180"),
        "flat": at("0.6120"),
        "valley": at("0.3060"),
    }
    industrial = ("0.02", "0.019", "0.001969", "0.006225")
    home = ("0.02", "0.001", "0.001969", "0.006225")
    homes = Tariff({"flat": at("0.4613")}, levies={price: at(price) for price in home})
    supply = Supply(
        meter=meter,
        tariff=Tariff(prices, levies={price: at(price) for price in industrial}),
        points=[Point(Child("ratio", Fraction("0.03")), homes, participation="02")],
        basic=Basic("capacity", Fraction(26), [(Fraction(1600), None)]),
        standard=90,
    )
    lines = bill(supply)
    assert registers(supply) == {"sharp": 24225, "peak": 89130, "flat": 102420, "valley": 85005}
    assert [line.amount for line in lines] == amounts(
        "41600", "25885.40", "79366.61", "60800.98", "25231.23", "-698.65",
        "5835.14", "5543.38", "574.47", "1816.19", "4162.31", "180.46", "9.02", "17.77", "56.17",
    )  # fmt: skip
    assert total(lines) == Fraction("250380.48")
