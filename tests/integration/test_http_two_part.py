"""Customers of two parts, over HTTP: terms and equipment recorded, read, billed to the fen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.meter_exchanges import UpgradeUnderWay
from tests.integration import findings
from tests.integration.utilities import MARCH, Utility

OFFICER, HEAD, READER = "billing_officer", "head_office", "reader"
TERM = {"from_month": "2026-03", "basic_mode": "capacity", "document_no": "Contract 31"}
TRANSFORMER = {
    "equipment_no": "T1",
    "kind": "transformer",
    "capacity_kva": "1000",
    "no_load_kw": "1.2",
    "load_kw": "6.2",
    "no_load_percent": "1.1",
    "short_circuit_percent": "4.5",
    "runs_from": "2020-01-01",
    "document_no": "Work order 77",
}
# Domain example E10, with reactive energy and a demand beside it; the multiplier is 60.
BEFORE = {"sharp": "1200.05", "peak": "3800.40", "valley": "2933.00"}
AFTER = {"sharp": "1222.31", "peak": "3871.95", "valley": "2993.36"}
SHOWN = BEFORE | {"reactive": "500", "reactive_reverse": "7", "demand": "9"}
READ = AFTER | {"reactive": "630.97", "reactive_reverse": "9", "demand": "9.6667"}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def factory(utility):
    """An account of two parts whose meter shows what it does in E10, opened with March."""
    [account_no] = utility.open_accounts(
        category="industrial", register="12034.16", month=MARCH, periods=SHOWN
    )
    utility.query(
        "UPDATE evergrid.meter SET multiplier = 60, decimals = 4 WHERE bureau_id = {bureau}"
    )
    return account_no


@pytest.fixture
def record(api, utility, factory):
    """Record terms, equipment, changes of it; the answer must have the status expected."""

    def recorded(what, sent, status=201, *, account_no=factory, role=OFFICER):
        path = f"/v1/accounts/{account_no}/{what}"
        answer = api.post(path, role, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return recorded


@pytest.fixture
def bill_march(api, utility, factory):
    """Read the meter in March, bill it; return the bill as the API tells it."""

    def billed(periods=READ, *, register="12268.77", month=MARCH):
        utility.read([factory], register, month=month, periods=periods)
        assert utility.bill(month).billed == 1
        bill_no = utility.bills(factory).items[0].bill_no
        return api.get(f"/v1/bills/{bill_no}?explain=true", "auditor").json

    return billed


def codes(run):
    return [failure.code for failure in run.failures]


def lines_of(bill):
    return [
        (line["component"], line["period"], line["quantity"], line["unit"], line["amount_fen"])
        for line in bill["lines"]
    ]


def test_a_month_of_two_parts_is_billed_to_the_fen(utility, record, bill_march):
    """
    Examples E10, E11c, and a power factor of 0.87: 1.5 percent on both parts, not on levies.

    Worked by hand: 46 458.89 yuan of energy and capacity, 696.88 on top, 671.39 of levies.
    """
    record("supply-terms", TERM | {"power_factor_standard": 90})
    record("equipment", TRANSFORMER)
    second = {"equipment_no": "T2", "capacity_kva": "630", "runs_from": "2026-03-14"}
    record("equipment", TRANSFORMER | second)

    bill = bill_march()

    assert lines_of(bill) == [
        ("energy", "sharp", "1336", "kWh", 1_651_30),
        ("energy", "peak", "4293", "kWh", 4_421_79),
        ("energy", "flat", "4826", "kWh", 3_314_01),
        ("energy", "valley", "3622", "kWh", 1_243_79),
        ("rural_grid_loan", None, "14077", "kWh", 281_54),
        ("water_conservancy_fund", None, "14077", "kWh", 27_72),
        ("renewable_energy_surcharge", None, "14077", "kWh", 267_46),
        ("reservoir_resettlement", None, "14077", "kWh", 87_63),
        ("local_reservoir_resettlement", None, "14077", "kWh", 7_04),
        ("basic", None, "1000", "kVA", 26_000_00),
        ("basic", None, "630", "kVA", 9_828_00),
        ("power_factor_adjustment", None, "4645889", "fen", 696_88),
    ]
    assert (bill["amount_fen"], bill["consumption_kwh"]) == (47_827_16, 14_077)
    assert bill["two_part"] == {"lost_kwh": 0, "reactive_kvarh": 7_978, "power_factor": "0.87"}
    assert [line["days"] for line in bill["lines"]][-3:] == [None, 18, None]
    assert bill["lines"][-1]["price_yuan"] == "1.5"
    assert bill["lines"][-1]["why"].startswith("1.5 % of 46458.89 yuan, half up 696.88 yuan")
    assert bill["lines"][-2]["why"].startswith("630 kVA × 26 yuan × 18/30, half up 9828.00 yuan")
    assert [
        (each["counted"], each["previous_register"], each["register"], each["quantity"])
        for each in bill["registers"]
    ] == [
        ("demand", "9.0000", "9.6667", "580.00"),
        ("reactive", "500.0000", "630.9700", "7858"),
        ("reactive_reverse", "7.0000", "9.0000", "120"),
    ]
    assert utility.contradictions() == []
    sales = utility.query(
        "SELECT code, -sum(amount_fen)::bigint FROM evergrid.ledger_entry "
        "WHERE bureau_id = {bureau} AND code IN ('2221', '6001.04') GROUP BY code ORDER BY code"
    )
    assert sales == [("2221", 5_425_00), ("6001.04", 41_730_77)], "13 percent within 47 155.77"


def test_the_demand_of_a_month_is_the_highest_it_showed(utility, factory, record, bill_march):
    """Read twice: 580 kW first, then a lower one since; 20 880.00 yuan (E12e), not two sums."""
    record("supply-terms", TERM | {"basic_mode": "actual_demand"})
    record("equipment", TRANSFORMER)
    utility.read(
        [factory], "12100", month=MARCH, before_end=timedelta(days=9),
        periods=BEFORE | {"reactive": "510", "reactive_reverse": "8", "demand": "9.6667"},
    )  # fmt: skip
    bill = bill_march(READ | {"demand": "3"})
    assert ("basic", None, "580", "kW", 20_880_00) in lines_of(bill)
    [demand] = [each for each in bill["registers"] if each["counted"] == "demand"]
    assert demand["register"] == "9.6667"


def test_what_the_transformer_loses_is_part_of_the_bill(utility, record, bill_march):
    """Behind 1000 kVA in 31 days, 14 077 kWh and 7 978 kvarh: 892.8 + 2.2, and 8 184 + 15.8."""
    record("supply-terms", TERM | {"power_factor_standard": 90, "is_metered_low": True})
    record("equipment", TRANSFORMER)
    utility.query(
        "UPDATE evergrid.meter SET installed_at = '2026-02-28 20:00+08' WHERE bureau_id = {bureau}"
    )
    bill = bill_march()
    lost, reactive_kvarh = bill["two_part"]["lost_kwh"], bill["two_part"]["reactive_kvarh"]
    assert (lost, bill["consumption_kwh"]) == (895, 14_972)
    assert reactive_kvarh == 7_978 + 8_200
    energy = [int(kwh) for component, _, kwh, _, _ in lines_of(bill) if component == "energy"]
    assert sum(energy) == 14_972
    assert utility.contradictions() == []
    basic = [amount_fen for component, *_, amount_fen in lines_of(bill) if component == "basic"]
    assert basic == [26_000_00], "of March: up to February somebody else has charged it"


def test_what_is_read_is_compared_with_what_was_read_not_with_what_was_lost(migrated, utility):
    """Three times as much was lost as was read: a month like those before is not odd."""
    utility.bill()  # a history's bills are of some run
    [account_no] = utility.open_accounts(category="commercial")
    findings.history(migrated.superuser, [account_no])
    utility.query(
        "SET LOCAL session_replication_role = replica; UPDATE evergrid.bill "
        "SET consumption_kwh = 1200, lost_kwh = 900 WHERE bureau_id = {bureau}"
    )
    utility.read([account_no], "310", month=MARCH)
    run = utility.bill(MARCH)
    assert (run.billed, codes(run)) == (1, [])


def test_terms_that_were_recorded_wrongly_are_recorded_again(utility, record, bill_march):
    """Until they are billed the last word about a month holds; every word is kept."""
    record("supply-terms", TERM | {"basic_mode": "contract_demand", "contract_kw": "6000"})
    record("supply-terms", TERM | {"basic_mode": "contract_demand", "contract_kw": "600"})
    terms = record("equipment", TRANSFORMER) and record("supply-terms", TERM)["items"]
    assert [each["contract_kw"] for each in terms] == [None, "600.00", "6000.00"]
    assert ("basic", None, "1000", "kVA", 26_000_00) in lines_of(bill_march())


def test_a_month_with_an_exchange_pays_for_the_higher_of_both_demands(
    api, utility, factory, record, bill_march
):
    """The old meter showed 11, the new one 9.6667, each times 60; reactive energy of both."""
    record(
        "supply-terms",
        TERM | {"basic_mode": "actual_demand", "power_factor_standard": 90},
    )
    record("equipment", TRANSFORMER)
    at = MARCH.starts_at + timedelta(days=10)
    exchanged = api.post(
        f"/v1/accounts/{factory}/meters",
        OFFICER,
        utility.bureau,
        json={
            "exchanged_at": at.isoformat(),
            "final_register": "12100",
            "final_periods": SHOWN | {"reactive": "510", "demand": "11"},
            "meter": {
                "asset_no": f"N{utility.bureau}",
                "digits": 6,
                "decimals": 4,
                "multiplier": "60",
                "initial_register": "0",
                "periods": dict.fromkeys(SHOWN, "0"),
            },
            "work_order_no": "W-1",
            "reason": "Due.",
        },
    )
    assert exchanged.status_code == 201, exchanged.text
    new = {"sharp": "20", "peak": "60", "valley": "50", "reactive": "30", "reactive_reverse": "0"}
    bill = bill_march(new | {"demand": "9.6667"}, register="168.77")
    assert ("basic", None, "660", "kW", 23_760_00) in lines_of(bill)
    assert bill["two_part"]["reactive_kvarh"] == 40 * 60
    assert [(each["counted"], each["quantity"]) for each in bill["registers"]] == [
        ("demand", "660.00"), ("reactive", "600"), ("reactive_reverse", "0"),
        ("demand", "580.00"), ("reactive", "1800"), ("reactive_reverse", "0"),
    ]  # fmt: skip
    assert utility.contradictions() == []


def test_a_demand_that_is_read_after_its_month_was_billed_is_paid_for_in_the_next(
    utility, factory, record, bill_march
):
    """Billed by the reading of the 25th of February; 11 was shown on the 28th, 5 in March."""
    record("supply-terms", TERM | {"from_month": "2026-02", "basic_mode": "actual_demand"})
    record("equipment", TRANSFORMER)
    utility.query(
        "UPDATE evergrid.meter SET installed_at = '2026-02-01 00:00+08' WHERE bureau_id = {bureau}"
    )
    utility.query(
        "UPDATE evergrid.meter_state SET read_at = '2026-02-01 00:00+08' WHERE bureau_id = {bureau}"
    )
    utility.query("UPDATE evergrid.account SET opened_on = '2026-02-01' WHERE bureau_id = {bureau}")
    days = timedelta(days=3)
    utility.read([factory], "12050", before_end=days, periods=SHOWN | {"demand": "8"})
    assert utility.bill().billed == 1
    utility.read([factory], "12060", periods=SHOWN | {"demand": "11"})
    bill = bill_march(READ | {"demand": "5"})
    assert ("basic", None, "660", "kW", 23_760_00) in lines_of(bill)


def test_one_absurd_account_keeps_no_other_of_its_chunk_from_its_bill(utility, factory, record):
    record("supply-terms", TERM | {"basic_mode": "actual_demand"})
    record("equipment", TRANSFORMER)
    [shop] = utility.open_accounts(category="commercial", month=MARCH)
    utility.read([factory], "12268.77", month=MARCH, periods=READ | {"demand": "999999"})
    utility.read([shop], "100", month=MARCH)
    run = utility.bill(MARCH)
    assert (run.billed, codes(run)) == (1, ["DEMAND_IMPLAUSIBLE"])


def test_a_cancelled_bill_of_two_parts_comes_to_nothing(api, utility, factory, record, bill_march):
    record("supply-terms", TERM | {"power_factor_standard": 90})
    record("equipment", TRANSFORMER | {"runs_from": "2026-03-14"})
    bill = bill_march()
    asked = api.post(
        "/v1/bill-cancellations", OFFICER, utility.bureau,
        json={"bill_no": bill["bill_no"], "reason": "The wrong standard."},
    )  # fmt: skip
    assert asked.status_code == 201, asked.text
    path = f"/v1/bill-cancellations/{asked.json['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    mirror_no = api.get(f"/v1/bills/{bill['bill_no']}", "auditor").json["cancelled_by_bill_no"]
    mirror = api.get(f"/v1/bills/{mirror_no}?explain=true", "auditor").json
    assert mirror["amount_fen"] == -bill["amount_fen"]
    factor = bill["two_part"]["power_factor"]
    assert mirror["two_part"] == {"lost_kwh": 0, "reactive_kvarh": -7_978, "power_factor": factor}
    assert [(line["amount_fen"], line["days"]) for line in mirror["lines"]] == [
        (-line["amount_fen"], line["days"]) for line in bill["lines"]
    ]
    assert utility.contradictions() == []
    record("supply-terms", TERM | {"power_factor_standard": 90})
    assert utility.bill(MARCH).billed == 1
    assert utility.bills(factory).items[0].amount_fen == bill["amount_fen"]


def test_who_has_no_terms_or_no_equipment_is_not_billed(utility, factory, record):
    utility.read([factory], "12268.77", month=MARCH, periods=READ)
    assert codes(utility.bill(MARCH)) == ["SUPPLY_UNKNOWN"]
    record("supply-terms", TERM)
    assert codes(utility.bill(MARCH)) == ["SUPPLY_UNKNOWN"]
    record("equipment", TRANSFORMER)
    assert utility.bill(MARCH).billed == 1


def test_terms_and_equipment_are_kept_with_who_recorded_them(api, utility, factory, record):
    record("supply-terms", TERM)
    later = {"from_month": "2026-06", "basic_mode": "contract_demand", "contract_kw": "600.5"}
    record("supply-terms", TERM | later)
    record("equipment", TRANSFORMER)
    record(
        "equipment/T1/changes",
        {"from_day": "2026-05-11", "condition": "suspended", "document_no": "W 81"},
    )

    terms = api.get(f"/v1/accounts/{factory}/supply-terms", "auditor").json["items"]
    assert [(each["from_month"], each["basic_mode"], each["contract_kw"]) for each in terms] == [
        ("2026-06", "contract_demand", "600.50"),
        ("2026-03", "capacity", None),
    ]
    [transformer] = api.get(f"/v1/accounts/{factory}/equipment", "auditor").json["items"]
    assert transformer["capacity_kva"] == "1000.00"
    assert [(each["from_day"], each["condition"]) for each in transformer["changes"]] == [
        ("2026-05-11", "suspended"),
        ("2020-01-01", "running"),
    ]
    assert transformer["changes"][0]["recorded_by"] == f"{OFFICER} of {utility.bureau}"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"basic_mode": "contract_demand"}, 422, "CONTRACT_MISMATCHED"),
        ({"contract_kw": "600"}, 422, "CONTRACT_MISMATCHED"),
        ({"basic_mode": "contract_demand", "contract_kw": "0"}, 422, "CONTRACT_MISMATCHED"),
        ({"basic_mode": "contract_demand", "contract_kw": "-1"}, 422, "CONTRACT_MISMATCHED"),
        ({"has_heavy_use_discount": True}, 422, "DISCOUNT_MISMATCHED"),
        ({"load_shape": "3.01"}, 422, "LOAD_SHAPE_IMPLAUSIBLE"),
        ({"load_shape": "one"}, 422, "LOAD_SHAPE_IMPLAUSIBLE"),
        ({"from_month": "2026-13"}, 422, "MONTH_MALFORMED"),
        ({"power_factor_standard": 95}, 422, "BODY_INVALID"),
        ({"line_loss_hundredths_percent": 10_001}, 422, "BODY_INVALID"),
    ],
)
def test_terms_that_cannot_be_are_refused(record, changed, status, code):
    record("supply-terms", TERM)
    assert record("supply-terms", TERM | changed, status)["code"] == code


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"equipment_no": "T 2"}, 422, "EQUIPMENT_NUMBER_MALFORMED"),
        ({"equipment_no": "T2", "capacity_kva": "0"}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "no_load_kw": None}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "kind": "motor"}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "load_kw": "1000.01"}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "no_load_percent": "100.1"}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "capacity_kva": "1000001"}, 422, "PLATE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "runs_from": "1900-01-01"}, 422, "CHANGE_IMPLAUSIBLE"),
        ({"equipment_no": "T2", "runs_from": "2027-05-01"}, 422, "CHANGE_IMPLAUSIBLE"),
        ({}, 409, "EQUIPMENT_TAKEN"),
    ],
)
def test_equipment_that_cannot_be_is_refused(record, changed, status, code):
    record("equipment", TRANSFORMER)
    assert record("equipment", TRANSFORMER | changed, status)["code"] == code


@pytest.mark.parametrize(
    ("number", "from_day", "condition", "status", "code"),
    [
        ("T9", "2026-05-11", "suspended", 404, "EQUIPMENT_UNKNOWN"),
        ("T1", "2026-05-11", "running", 409, "CONDITION_UNCHANGED"),
        ("T1", "2020-01-01", "suspended", 409, "CHANGE_NOT_LATER"),
        ("T1", "2062-03-11", "suspended", 422, "CHANGE_IMPLAUSIBLE"),
    ],
)
def test_changes_that_cannot_be_are_refused(record, number, from_day, condition, status, code):
    record("equipment", TRANSFORMER)
    sent = {"from_day": from_day, "condition": condition, "document_no": "W 81"}
    assert record(f"equipment/{number}/changes", sent, status)["code"] == code


def test_what_is_sealed_may_be_taken_away_at_any_time(record):
    record("equipment", TRANSFORMER)
    sealed = {"from_day": "2026-05-11", "condition": "suspended", "document_no": "W 81"}
    record("equipment/T1/changes", sealed)
    record("equipment/T1/changes", sealed | {"from_day": "2026-05-13", "condition": "removed"})


def test_what_was_removed_does_not_come_back(record):
    record("equipment", TRANSFORMER)
    sent = {"from_day": "2026-05-11", "condition": "removed", "document_no": "W 81"}
    record("equipment/T1/changes", sent)
    again = sent | {"from_day": "2026-06-11", "condition": "running"}
    assert record("equipment/T1/changes", again, 409)["code"] == "CONDITION_UNCHANGED"


def test_nothing_changes_what_is_billed(record, bill_march):
    record("supply-terms", TERM)
    record("equipment", TRANSFORMER)
    sealed = {"from_day": "2026-03-25", "condition": "suspended", "document_no": "W 81"}
    record("equipment/T1/changes", sealed)
    bill = bill_march()
    assert ("basic", None, "1000", "kVA", 20_800_00) in lines_of(bill), "24 days"
    again = sealed | {"condition": "running"}
    early = record("equipment/T1/changes", again | {"from_day": "2026-04-07"}, 409)
    assert early["code"] == "SUSPENSION_TOO_SHORT", "13 days, and March was billed without seven"
    billed = record("equipment/T1/changes", again | {"from_day": "2026-03-30"}, 409)
    assert billed["code"] == "CHANGE_BILLED"
    assert record("supply-terms", TERM | {"from_month": "2026-02"}, 409)["code"] == "TERM_BILLED"
    new = TRANSFORMER | {"equipment_no": "T2", "runs_from": "2026-03-31"}
    assert record("equipment", new, 409)["code"] == "CHANGE_BILLED"
    record("equipment/T1/changes", again | {"from_day": "2026-04-09"})


def test_a_shop_has_no_two_parts(utility, record):
    [shop] = utility.open_accounts(category="commercial")
    assert record("supply-terms", TERM, 422, account_no=shop)["code"] == "NOT_TWO_PART"
    assert record("equipment", TRANSFORMER, 422, account_no=shop)["code"] == "NOT_TWO_PART"


@pytest.mark.parametrize("account_no", ["1000000000", "123"])
def test_an_account_that_nobody_has_is_unknown(api, record, account_no):
    for what, sent in (("supply-terms", TERM), ("equipment", TRANSFORMER)):
        assert record(what, sent, 404, account_no=account_no)["code"] == "ACCOUNT_UNKNOWN"
        assert api.get(f"/v1/accounts/{account_no}/{what}").status_code == 404


def test_a_demand_may_be_lower_than_the_one_before(api, utility, factory):
    """It begins anew at each reading; all other registers only grow."""
    utility.read(
        [factory],
        "12100",
        month=MARCH,
        before_end=timedelta(days=9),
        periods=SHOWN | {"demand": "0.5"},
    )
    sent = {
        "account_no": factory,
        "register": "12100",
        "read_at": (MARCH.ends_at - timedelta(hours=4)).isoformat(),
        "source": "manual",
        "periods": SHOWN | {"reactive": "499"},
    }
    answer = api.post("/v1/readings", READER, utility.bureau, json={"readings": [sent]})
    assert answer.json["results"][0]["code"] == "READING_BELOW_PREVIOUS"


def test_a_demand_that_was_misread_is_put_right_without_a_roll_over(api, utility, factory):
    utility.read([factory], "12100", month=MARCH, before_end=timedelta(days=9), periods=SHOWN)
    utility.read([factory], "12268.77", month=MARCH, periods=READ)
    sent = {
        "account_no": factory,
        "read_at": (MARCH.ends_at - timedelta(days=9)).isoformat(),
        "register": "12100",
        "periods": {"demand": "99.5"},
        "reason": "Misread.",
    }
    asked = api.post("/v1/reading-corrections", OFFICER, utility.bureau, json=sent)
    assert asked.status_code == 201, asked.text
    path = f"/v1/reading-corrections/{asked.json['correction_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    rolled = utility.query(
        "SELECT register::float, rolled_over FROM evergrid.register_reading_in_force "
        "WHERE bureau_id = {bureau} AND period = 'demand' ORDER BY read_at"
    )
    assert rolled == [(99.5, False), (9.6667, False)]


def test_the_tables_of_the_power_factor_are_those_of_the_rule(migrated):
    """Each standard at the ends of its steps, as the rule's table prints it."""
    found = {
        (standard, pf): percent
        for standard, pf, percent in migrated.superuser(
            "SELECT standard, power_factor, hundredths_percent FROM evergrid.power_factor_row"
        )
    }
    printed = {
        90: {100: -75, 95: -75, 94: -60, 91: -15, 90: 0, 89: 50, 70: 1000, 69: 1100, 65: 1500,
             64: 1700, 40: 6500, 39: 6700},
        85: {100: -110, 94: -110, 93: -95, 91: -65, 90: -50, 86: -10, 85: 0, 84: 50, 65: 1000,
             64: 1100, 60: 1500, 59: 1700, 40: 5500},
        80: {100: -130, 92: -130, 91: -115, 90: -100, 81: -10, 80: 0, 79: 50, 60: 1000, 59: 1100,
             55: 1500, 54: 1700, 40: 4500},
    }  # fmt: skip
    assert len(found) == 303
    for standard, rows in printed.items():
        assert {pf: found[standard, pf] for pf in rows} == rows


def test_nobody_counts_demand_before_every_program_knows_it(utility, migrated):
    [(wide,)] = migrated.superuser(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conname = 'meter_register_period_check'"
    )
    rule = "evergrid.meter_register DROP CONSTRAINT meter_register_period_check, ADD CONSTRAINT"
    narrow = "CHECK (period IN ('sharp', 'peak', 'flat', 'valley', 'deep_valley')) NOT VALID"
    migrated.superuser(f"ALTER TABLE {rule} meter_register_period_check {narrow}")
    try:
        with pytest.raises(UpgradeUnderWay):
            utility.open_accounts(category="commercial", periods={"demand": "0"})
    finally:
        migrated.superuser(f"ALTER TABLE {rule} meter_register_period_check {wide}")


def test_nobody_drafts_such_prices_before_every_program_knows_them(api, migrated):
    """A program of the release before could not read the draft: it knows no price of a kVA."""
    rule = "evergrid.price_proposal DROP CONSTRAINT price_proposal_category_check"
    [(wide,)] = migrated.superuser(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conname = 'price_proposal_category_check'"
    )
    add = f"ALTER TABLE {rule}, ADD CONSTRAINT price_proposal_category_check"
    migrated.superuser(f"{add} CHECK (category <> 'industrial') NOT VALID")
    price = {"component": "basic", "price_yuan": "26", "unit": "kVA"}
    draft = {
        "category": "industrial",
        "legal_document": "Order 10",
        "valid_from": "2032-01-01",
        "prices": [
            {"component": "energy", "price_yuan": "0.6"}, price, price | {"unit": "kW"},
        ],
    }  # fmt: skip
    try:
        answer = api.post("/v1/price-proposals", HEAD, None, json=draft)
        assert (answer.status_code, answer.json["code"]) == (503, UpgradeUnderWay.code)
    finally:
        migrated.superuser(f"{add} {wide}")


def test_a_bill_of_two_parts_is_printed_with_all_it_rests_on(api, factory, record, bill_march):
    record("supply-terms", TERM | {"power_factor_standard": 90, "is_metered_low": True})
    record("equipment", TRANSFORMER)
    bill = bill_march()
    answer = api.get(f"/v1/bills/{bill['bill_no']}/document", "auditor")
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")


def test_prices_of_two_parts_are_tested_by_what_energy_costs(api, factory, record, bill_march):
    """The same prices again: no difference, whatever the basic charge comes to."""
    record("supply-terms", TERM | {"power_factor_standard": 90})
    record("equipment", TRANSFORMER)
    bill_march()
    listed = api.get("/v1/prices?on=2026-03-01", HEAD, None).json["items"]
    [industrial] = [each for each in listed if each["category"] == "industrial"]
    prices = [
        {name: price[name] for name in ("component", "price_yuan", "period", "unit", "is_levy")}
        for price in industrial["prices"]
    ]
    draft = {
        "category": "industrial",
        "legal_document": "Order 9",
        "valid_from": "2031-01-01",
        "prices": prices,
        "calendar": industrial["calendar"],
    }
    proposed = api.post("/v1/price-proposals", HEAD, None, json=draft)
    assert proposed.status_code == 201, proposed.text
    path = f"/v1/price-proposals/{proposed.json['proposal_no']}/tests"
    tested = api.post(path, OFFICER, None, json={})
    assert tested.status_code == 200, tested.text
    found = tested.json["events"][-1]["test"]
    assert found["bills"] >= 1
    assert (found["refused"], found["dearer"], found["cheaper"]) == (0, 0, 0)
    assert found["before_fen"] == found["after_fen"]


def test_energy_made_up_for_costs_what_the_month_s_power_factor_adds(
    api, utility, factory, record, bill_march
):
    """By hand: 68.67 yuan of flat energy, 4.77 of levies, 1.5 percent of the former on top."""
    record("supply-terms", TERM | {"power_factor_standard": 90})
    record("equipment", TRANSFORMER)
    second = {"equipment_no": "T2", "capacity_kva": "630", "runs_from": "2026-03-14"}
    record("equipment", TRANSFORMER | second)
    bill = bill_march()

    asked = api.post(
        "/v1/energy-corrections", OFFICER, utility.bureau,
        json={
            "account_no": factory, "since": "2026-03-01", "until": "2026-03-31",
            "agreed_kwh": 100, "reason": "A fuse of the voltage transformer.",
        },
    )  # fmt: skip
    path = f"/v1/energy-corrections/{asked.json['energy_correction_no']}/approvals"
    [part] = api.post(path, HEAD, None, json={}).json["bills"]

    corrected = api.get(f"/v1/bills/{part['correction_bill_no']}?explain=true", "auditor").json
    assert lines_of(corrected) == [
        ("energy", "flat", "100", "kWh", 68_67),
        ("rural_grid_loan", None, "100", "kWh", 2_00),
        ("water_conservancy_fund", None, "100", "kWh", 20),
        ("renewable_energy_surcharge", None, "100", "kWh", 1_90),
        ("reservoir_resettlement", None, "100", "kWh", 62),
        ("local_reservoir_resettlement", None, "100", "kWh", 5),
        ("power_factor_adjustment", None, "6867", "fen", 1_03),
    ]
    assert (corrected["amount_fen"], corrected["two_part"]) == (74_47, None)
    assert corrected["corrects_bill_no"] == bill["bill_no"]
    assert corrected["lines"][-1]["why"].startswith("1.5 % of 68.67 yuan, half up 1.03 yuan")
    assert utility.contradictions() == []
