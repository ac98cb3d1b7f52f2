"""What a bill would come to, asked over HTTP: the very lines that a bill has, with their why."""

from __future__ import annotations

import pytest

from tests.integration.utilities import Utility
from tests.unit.domain.power_factor_tables import TABLES

PATH = "/v1/bill-calculations"
HOMES = {
    "prices": [
        {"component": "energy", "price_yuan": price, "tier": tier}
        for tier, price in enumerate(["0.56", "0.61", "0.86"], start=1)
    ],
    "tiers": {"basis": "month", "limits_kwh": [170, 260], "extension_kwh": 100},
    "free_kwh": 15,
}
FLAT = {"prices": [{"component": "energy", "price_yuan": "0.0101"}]}
HOUSE = {"tariffs": {"homes": HOMES}, "spells": [{"tariff": "homes", "days": 30}]}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def calculated(api):
    def asked(status=200, **trial):
        answer = api.post(PATH, "hall_clerk", json=trial)
        assert answer.status_code == status, answer.json
        return answer.json

    return asked


def test_a_customer_sees_each_line_and_why_it_costs_that(calculated):
    """E01: 193.10."""
    found = calculated(**HOUSE, energy={"flat": 310})
    assert found["amount_fen"] == 193_10
    assert found["power_factor"] is None
    assert [line["why"] for line in found["lines"]] == [
        "170 kWh × 0.56 yuan, half up 95.20 yuan",
        "90 kWh × 0.61 yuan, half up 54.90 yuan",
        "50 kWh × 0.86 yuan, half up 43.00 yuan",
    ]


def test_a_large_household_in_need_has_wider_tiers_with_free_energy(calculated):
    """E04, E05."""
    facts = {"is_extended": True, "is_subsidised": True}
    found = calculated(**HOUSE, energy={"flat": 310}, household=facts)
    assert [line["amount_fen"] for line in found["lines"]] == [151_20, 24_40, -8_40]


def levies(*prices):
    return [
        {"component": f"levy {n}", "price_yuan": price, "is_levy": True}
        for n, price in enumerate(prices)
    ]


def register(start, end):
    return [{"start": start, "end": end, "multiplier": "1500", "digits": 4}]


TWO_PART = {
    "tariffs": {
        "industry": {
            "prices": [
                {"component": "energy", "price_yuan": price, "period": period}
                for period, price in [
                    ("sharp", "1.1016"), ("peak", "0.9180"),
                    ("flat", "0.6120"), ("valley", "0.3060"),
                ]
            ] + levies("0.02", "0.019", "0.001969", "0.006225"),
            "power_factor": [
                {"power_factor": factor, "percent_hundredths": percent}
                for factor, percent in TABLES[90].items()
            ],
        },
        "homes": {
            "prices": [
                {"component": "energy", "price_yuan": "0.4613", "is_in_power_factor_base": False},
                *levies("0.02", "0.001", "0.001969", "0.006225"),
            ],
        },
    },
    "spells": [{"tariff": "industry", "days": 30}],
    "registers": {
        "total": register("5012.34", "5212.86"),
        "sharp": register("402.10", "418.25"),
        "peak": register("1604.00", "1663.42"),
        "valley": register("1306.12", "1362.79"),
        "reactive": register("1501.00", "1588.40"),
    },
    "sub_meters": [
        {"share_hundredths_percent": 300, "spells": [{"tariff": "homes", "days": 30}]}
    ],
    "basic": {"mode": "capacity", "price_yuan": "26", "equipment": [{"capacity_kva": "1600"}]},
    "power_factor_standard": 90,
}  # fmt: skip


def test_a_two_part_customer_of_many_parts_is_exact_to_the_fen(calculated):
    """E30: 250 380.48."""
    found = calculated(**TWO_PART)
    assert found["amount_fen"] == 250_380_48
    assert found["power_factor"] == "0.92"
    assert found["lines"][-1]["why"] == "-0.3 % of 232884.22 yuan, half up -698.65 yuan"
    assert found["lines"][-2]["why"] == "1600 kVA × 26 yuan, half up 41600.00 yuan"
    assert {line["sub_meter"] for line in found["lines"]} == {0, 1, None}


@pytest.mark.parametrize(
    ("basic", "amount_fen"),
    [
        ({"mode": "capacity", "equipment": [{"capacity_kva": "630", "days": 20}]}, 15_120_00),
        ({"mode": "contract_demand", "contract_kw": "600", "measured_kw": "700"}, 26_640_00),
        ({"mode": "actual_demand", "measured_kw": "580"}, 20_880_00),
        (
            {"mode": "actual_demand", "measured_kw": "300", "has_floor": True,
             "equipment": [{"capacity_kva": "1000"}]},
            14_400_00,
        ),
        (
            {"mode": "actual_demand", "measured_kw": "580", "has_discount": True,
             "equipment": [{"capacity_kva": "1000"}]},
            18_792_00,
        ),
        ({"mode": "before_2016", "contract_kw": "600", "measured_kw": "700"}, 28_800_00),
    ],
)  # fmt: skip
def test_every_way_of_a_basic_charge_can_be_asked_for(calculated, basic, amount_fen):
    """E12, E11b at 36 yuan."""
    found = calculated(
        tariffs={"flat": FLAT},
        spells=[{"tariff": "flat", "days": 30}],
        energy={"flat": 300_000},
        basic={"price_yuan": "36"} | basic,
    )
    charges = [line["amount_fen"] for line in found["lines"] if line["component"] == "basic"]
    assert sum(charges) == amount_fen


def test_losses_are_billed_and_lower_the_power_factor(calculated):
    """E16: 827 kWh; the factor falls from 0.89 to 0.87. Then 2 % of the line (E17d)."""
    table = [{"power_factor": h, "percent_hundredths": 0} for h in range(101)]
    plate = {
        "capacity_kva": "315", "no_load_kw": "0.67", "load_kw": "3.65", "no_load_percent": "1.1",
        "short_circuit_percent": "4", "days": 30, "load_shape": "1.5",
    }  # fmt: skip
    asked = {
        "tariffs": {"flat": FLAT | {"power_factor": table}},
        "spells": [{"tariff": "flat", "days": 30}],
        "energy": {"flat": 60_000, "reactive_kvarh": 30_000},
        "power_factor_standard": 90,
    }
    assert calculated(**asked)["power_factor"] == "0.89"
    lossy = calculated(**asked, transformers=[plate], line_loss_hundredths_percent=200)
    assert lossy["power_factor"] == "0.88"
    assert lossy["lines"][0]["quantity"] == str(60_827 + 1_217)
    assert calculated(**asked, transformers=[plate])["power_factor"] == "0.87"


@pytest.mark.parametrize(
    ("trial", "code"),
    [
        (HOUSE, "QUANTITY_AMBIGUOUS"),
        (HOUSE | {"energy": {}, "registers": {"total": register("1", "2")}}, "QUANTITY_AMBIGUOUS"),
        (HOUSE | {"energy": {}, "spells": [{"tariff": "x", "days": 1}]}, "TARIFF_UNNAMED"),
        (HOUSE | {"registers": {"total": register("x", "2")}}, "REGISTER_MALFORMED"),
        (HOUSE | {"registers": {"total": register("5", "2")}}, "REGISTER_BELOW_START"),
        (HOUSE | {"energy": {}, "power_factor_standard": 90}, "POWER_FACTOR_STANDARD_UNKNOWN"),
        (HOUSE | {"energy": {}, "power_factor_standard": 91}, "BODY_INVALID"),
        (HOUSE | {"energy": {"flat": -1}}, "BODY_INVALID"),
        (HOUSE | {"energy": {}, "tariffs": {"homes": HOMES | {"tiers": None}}}, "TIER_UNPRICED"),
        (
            HOUSE | {"energy": {}, "tariffs": {"homes": HOMES | {
                "tiers": {"basis": "year", "limits_kwh": [4800, 2760]}}}},
            "TIERS_NOT_RISING",
        ),
        (
            HOUSE | {"energy": {"flat": 1}, "sub_meters": [
                {"fixed_kwh": 2, "spells": HOUSE["spells"]}]},
            "SUB_METERS_EXCEED_MAIN",
        ),
        (HOUSE | {"energy": {}, "sub_meters": [{"spells": HOUSE["spells"]}]}, "QUANTITY_AMBIGUOUS"),
    ],
)  # fmt: skip
def test_what_cannot_be_calculated_is_refused_with_the_reason(calculated, trial, code):
    refused = calculated(422, **trial)
    assert refused["code"] == code
    assert refused["hint"]


def by(category, *, on="2026-03-01"):
    """The price list of a category that is in force on a day, for a month."""
    return {
        "published": {"list": {"category": category, "on": on}},
        "spells": [{"tariff": "list", "days": 30}],
    }


def test_the_catalogue_s_prices_need_not_be_sent(calculated):
    """E01 by the price list of homes: 193.10; the last day of March, and today, cost the same."""
    found = calculated(**by("residential"), energy={"flat": 310})
    assert found["amount_fen"] == 193_10
    assert {line["tariff"] for line in found["lines"]} == {"list"}
    today = {"published": {"list": {"category": "residential"}}}
    again = calculated(**(by("residential") | today), energy={"flat": 310})
    assert again == found


def test_a_draft_may_follow_what_is_published(calculated):
    """Half of 310 kWh by each: the first 170 cost 0.56 and 0.60, so 3.40 yuan more."""
    dearer = HOMES | {"prices": [HOMES["prices"][0] | {"price_yuan": "0.60"}, *HOMES["prices"][1:]]}
    halves = [{"tariff": "list", "days": 15}, {"tariff": "draft", "days": 15}]
    found = calculated(
        **(by("residential") | {"tariffs": {"draft": dearer}, "spells": halves}),
        energy={"flat": 310},
    )
    assert found["amount_fen"] == 193_10 + 3_40


def test_a_published_price_of_capacity_need_not_be_sent_nor_the_table_of_power_factors(calculated):
    """1 000 kVA at 26 yuan; 1 000 kW at 36; 0.71 against 0.90 adds 9.5 percent."""
    asked = by("industrial") | {
        "energy": {"flat": 10_000, "reactive_kvarh": 10_000},
        "power_factor_standard": 90,
    }
    capacity = {"mode": "capacity", "equipment": [{"capacity_kva": "1000"}]}
    *_, basic, adjustment = calculated(**asked, basic=capacity)["lines"]
    assert (basic["quantity"], basic["price"], basic["amount_fen"]) == ("1000", "26", 26_000_00)
    assert (adjustment["component"], adjustment["price"]) == ("power_factor_adjustment", "9.5")
    demand = {"mode": "actual_demand", "measured_kw": "1000"}
    *_, basic, _ = calculated(**asked, basic=demand)["lines"]
    assert (basic["unit"], basic["amount_fen"]) == ("kW", 1000 * 36_00)
    sent = calculated(**asked, basic=capacity | {"price_yuan": "1"})["lines"][-2]
    assert sent["amount_fen"] == 1_000_00


SUMMER = """
WITH list AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at,
                                            limits_kwh, has_year_tiers, extension_kwh, calendar)
    VALUES ('agricultural', 'a sharp peak in July', '2031-01-01', now(), '{}', false, 0,
            '{"seasons": [
                {"first": "01-01", "last": "06-30", "plans": [{"types": ["work", "rest", "holiday"],
                 "stretches": [{"starts": "00:00", "ends": "24:00", "period": "peak"}]}]},
                {"first": "07-01", "last": "07-31", "plans": [{"types": ["work", "rest", "holiday"],
                 "stretches": [{"starts": "00:00", "ends": "24:00", "period": "sharp"}]}]},
                {"first": "08-01", "last": "12-31", "plans": [{"types": ["work", "rest", "holiday"],
                 "stretches": [{"starts": "00:00", "ends": "24:00", "period": "peak"}]}]}]}')
    RETURNING catalogue_version_id)
INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, tier,
                                 price_yuan_per_kwh, is_levy)
SELECT list.catalogue_version_id, item.position, 'energy', item.period, NULL, item.price, false
  FROM list, (VALUES (1, 'sharp', 1.0), (2, 'peak', 0.5), (3, 'flat', 0.1))
       AS item (position, period, price)
"""


def test_a_month_without_a_sharp_peak_has_none_in_a_trial_either(calculated, migrated):
    migrated.superuser(SUMMER)
    for month, amount_fen in ((6, 50_00), (7, 100_00), (8, 50_00)):
        found = calculated(**by("agricultural", on=f"2031-{month:02}-01"), energy={"sharp": 100})
        assert found["amount_fen"] == amount_fen


def test_tariffs_of_one_bill_have_the_same_tiers(calculated):
    """What a household of many has more counts only where there is one."""
    halves = [{"tariff": "list", "days": 15}, {"tariff": "draft", "days": 15}]

    def asked(status, tiers, **household):
        drafts = {"draft": HOMES | {"tiers": HOMES["tiers"] | tiers}}
        trial = by("residential") | {"tariffs": drafts, "spells": halves}
        return calculated(status, **trial, energy={"flat": 310}, household=household)

    assert asked(422, {"limits_kwh": [200, 260]})["code"] == "TIERS_DIFFER"
    assert asked(200, {"extension_kwh": 50})["amount_fen"] == 193_10
    assert asked(422, {"extension_kwh": 50}, is_extended=True)["code"] == "TIERS_DIFFER"


@pytest.mark.parametrize(
    ("status", "changed", "code"),
    [
        (422, by("nobody"), "CATEGORY_UNKNOWN"),
        (404, by("residential", on="2019-12-31"), "PRICES_UNKNOWN"),
        (422, by("residential", on="2026-02-30"), "BODY_INVALID"),
        (422, by("residential") | {"tariffs": {"list": HOMES}}, "TARIFF_TWICE"),
        (422, by("residential") | {"published": {}}, "TARIFF_UNNAMED"),
        (
            422,
            by("residential") | {"basic": {"mode": "capacity", "equipment": []}},
            "BASIC_PRICE_MISSING",
        ),
    ],
)
def test_a_price_list_that_is_not_there_is_refused(calculated, status, changed, code):
    assert calculated(status, **changed, energy={"flat": 310})["code"] == code


def test_a_trial_by_published_prices_comes_to_what_the_bill_does(api, calculated, utility):
    [shop] = utility.open_accounts(category="commercial")
    utility.read([shop], "1234")
    utility.bill()
    bill = api.get(f"/v1/bills/{utility.bills(shop).items[0].bill_no}", "auditor").json
    found = calculated(**by("commercial", on="2026-02-01"), energy={"flat": 1_234})
    assert [line["amount_fen"] for line in found["lines"]] == [
        line["amount_fen"] for line in bill["lines"]
    ]
    assert found["amount_fen"] == bill["amount_fen"]
