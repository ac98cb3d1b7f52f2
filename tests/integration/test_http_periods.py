"""Meters that count by period of the day, over HTTP: read, billed, put right, exchanged."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta

import psycopg2
import psycopg2.errors
import pytest

from tests.integration.utilities import FEBRUARY, MARCH, Utility

OFFICER, HEAD, READER = "billing_officer", "head_office", "reader"
READ_AT = FEBRUARY.ends_at - timedelta(hours=4)
# Domain example E10: what the registers showed, the prices of the periods in yuan.
BEFORE = {"sharp": "1200.05", "peak": "3800.40", "flat": "4100.71", "valley": "2933.00"}
AFTER = {"sharp": "1222.31", "peak": "3871.95", "flat": "4181.13", "valley": "2993.36"}
PRICES = {"sharp": "1.2360", "peak": "1.0300", "flat": "0.6867", "valley": "0.3434"}
PUBLISH = """
WITH version AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at)
    VALUES ('commercial', 'Prices of periods', '2026-01-15', now())
    RETURNING catalogue_version_id)
INSERT INTO evergrid.price_item
       (catalogue_version_id, position, component, period, price_yuan_per_kwh, is_levy)
SELECT catalogue_version_id, position, 'energy', period, price, false
  FROM version, (VALUES {prices}) AS listed (position, period, price)
RETURNING catalogue_version_id
"""
FORGET = """
SET LOCAL session_replication_role = replica;
DELETE FROM evergrid.price_item WHERE catalogue_version_id = {version};
DELETE FROM evergrid.catalogue_version WHERE catalogue_version_id = {version}
"""


@pytest.fixture(autouse=True)
def price_list(migrated):
    """Prices of periods, which no other test is to see."""
    listed = ", ".join(
        f"({position}, '{period}', {price})"
        for position, (period, price) in enumerate(PRICES.items(), start=1)
    )
    version = migrated.superuser(PUBLISH.format(prices=listed))[0][0]
    yield
    migrated.superuser(FORGET.format(version=version))


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def shop(utility):
    """An account whose meter shows what it does in E10, multiplied by 60."""
    [account_no] = utility.open_accounts(category="commercial", register="12034.16", periods=BEFORE)
    utility.query("UPDATE evergrid.meter SET multiplier = 60 WHERE bureau_id = {bureau}")
    return account_no


@pytest.fixture
def post(api, utility):
    """Post one reading of an account; return what became of it."""

    def posted(account_no, register, periods, *, at=READ_AT, **more):
        sent = {
            "account_no": account_no,
            "register": register,
            "read_at": at.isoformat(),
            "source": "manual",
        }
        if periods is not None:
            sent["periods"] = periods
        answer = api.post("/v1/readings", READER, utility.bureau, json={"readings": [sent | more]})
        assert answer.status_code == 200, answer.text
        [result] = answer.json["results"]
        return result

    return posted


@pytest.fixture
def newest_bill(api, utility):
    def read(account_no):
        bill_no = utility.bills(account_no).items[0].bill_no
        return api.get(f"/v1/bills/{bill_no}?explain=true", "auditor").json

    return read


@pytest.fixture
def correct(api, utility):
    """Ask for a reading's correction; approve it."""

    def corrected(account_no, register, periods, status=201, *, at=READ_AT):
        sent = {
            "account_no": account_no,
            "read_at": at.isoformat(),
            "register": register,
            "periods": periods,
            "reason": "Misread.",
        }
        asked = api.post("/v1/reading-corrections", OFFICER, utility.bureau, json=sent)
        assert asked.status_code == status, asked.text
        if status != 201:
            return asked.json
        path = f"/v1/reading-corrections/{asked.json['correction_no']}/approvals"
        approved = api.post(path, HEAD, None, json={})
        assert approved.status_code == 200, approved.text
        return approved.json

    return corrected


@pytest.fixture
def exchange(api, utility):
    def exchanged(account_no, status=201, *, at, meter, **more):
        hung = {"asset_no": f"P{utility.bureau}", "digits": 6, "decimals": 2, "multiplier": "1"}
        sent = {
            "exchanged_at": at.isoformat(),
            "meter": hung | meter,
            "work_order_no": "W-1",
            "reason": "Due.",
        }
        path = f"/v1/accounts/{account_no}/meters"
        answer = api.post(path, OFFICER, utility.bureau, json=sent | more)
        assert answer.status_code == status, answer.text
        return answer.json

    return exchanged


def test_a_month_by_period_is_billed_to_the_fen(api, utility, shop, post, newest_bill):
    """Domain example E10: 14,077 kWh, the residual one of the five registers is flat."""
    assert post(shop, "12268.77", AFTER)["status"] == "accepted"
    assert utility.bill().billed == 1

    bill = newest_bill(shop)
    assert (bill["consumption_kwh"], bill["amount_fen"]) == (14_077, 10_630_89)
    assert [(line["period"], line["quantity"], line["amount_fen"]) for line in bill["lines"]] == [
        ("sharp", "1336", 1_651_30),
        ("peak", "4293", 4_421_79),
        ("flat", "4826", 3_314_01),
        ("valley", "3622", 1_243_79),
    ]
    shown = {each["period"]: each for each in bill["periods"]}
    assert {period: each["consumption_kwh"] for period, each in shown.items()} == {
        "sharp": 1_336, "peak": 4_293, "flat": 4_825, "valley": 3_622,
    }  # fmt: skip
    assert (shown["peak"]["previous_register"], shown["peak"]["register"]) == (
        "3800.4000", "3871.9500",
    )  # fmt: skip
    assert utility.contradictions() == []
    [reading] = api.get(f"/v1/accounts/{shop}/readings", READER, utility.bureau).json["items"]
    assert reading["periods"] == {"sharp": "1222.31", "peak": "3871.95"} | {
        "flat": "4181.13", "valley": "2993.36",
    }  # fmt: skip


def test_the_next_month_begins_where_this_one_ended(utility, shop, post, newest_bill):
    post(shop, "12268.77", AFTER)
    utility.bill()
    later = AFTER | {"peak": "3872.95"}
    utility.read([shop], "12269.77", month=MARCH, periods=later)
    assert utility.bill(MARCH).billed == 1
    bill = newest_bill(shop)
    assert [(line["period"], line["quantity"]) for line in bill["lines"]] == [
        ("peak", "60"), ("flat", "0"),
    ]  # fmt: skip


def test_whoever_has_one_register_pays_for_flat_energy(utility, newest_bill):
    [account_no] = utility.open_accounts(category="commercial")
    utility.read([account_no], "100")
    utility.bill()
    bill = newest_bill(account_no)
    assert [(line["period"], line["amount_fen"]) for line in bill["lines"]] == [("flat", 68_67)]
    assert bill["periods"] == []


@pytest.mark.parametrize(
    ("periods", "code"),
    [
        (None, "PERIODS_DIFFER"),
        ({}, "PERIODS_DIFFER"),
        ({"peak": "3871.95"}, "PERIODS_DIFFER"),
        (AFTER | {"deep_valley": "1"}, "PERIODS_DIFFER"),
        (AFTER | {"peak": "3800.39"}, "READING_BELOW_PREVIOUS"),
        (AFTER | {"peak": "3871.951"}, "REGISTER_TOO_LONG"),
        (AFTER | {"peak": "1e3"}, "REGISTER_MALFORMED"),
        (AFTER | {"peak": "3872.02"}, "PERIODS_EXCEED_TOTAL"),
        (AFTER | {"peak": "3871.92"}, "PERIODS_BELOW_TOTAL"),
    ],
)
def test_a_reading_says_of_each_register_what_can_be_true(utility, shop, post, periods, code):
    told = post(shop, "12268.77", periods)
    assert (told["status"], told["code"]) == ("refused", code)
    assert post(shop, "12268.77", AFTER)["status"] == "accepted", "it left nothing behind"


def test_what_registers_do_not_show_any_more_is_not_held_against_them(shop, post):
    """Each may have been just before its next digit: four hundredths in all."""
    assert post(shop, "12268.77", AFTER | {"peak": "3872.01"})["status"] == "accepted"


def test_a_meter_with_one_register_has_no_others(utility, post):
    [account_no] = utility.open_accounts()
    assert post(account_no, "10", {"peak": "1"})["code"] == "PERIODS_DIFFER"
    assert post(account_no, "10", {})["status"] == "accepted"


def test_nobody_can_send_a_period_that_there_is_not(api, utility, shop):
    sent = {"account_no": shop, "register": "1", "source": "manual", "periods": {"noon": "1"}}
    body = {"readings": [sent | {"read_at": READ_AT.isoformat()}]}
    answer = api.post("/v1/readings", READER, utility.bureau, json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "BODY_INVALID")


def test_a_register_of_a_period_begins_again_by_itself(utility, post, newest_bill):
    [account_no] = utility.open_accounts(
        category="commercial", register="999990", periods={"valley": "999995", "peak": "10"}
    )
    half = FEBRUARY.ends_at - timedelta(days=9)
    first = post(account_no, "999999", {"valley": "4", "peak": "10"}, at=half)
    second = post(account_no, "5", {"valley": "10", "peak": "10"})
    assert (first["rolled_over"], second["rolled_over"]) == (False, True), "that of all energy"
    assert utility.bill().billed == 1
    bill = newest_bill(account_no)
    assert bill["consumption_kwh"] == 15
    assert [(line["period"], line["quantity"]) for line in bill["lines"]] == [
        ("flat", "0"), ("valley", "15"),
    ]  # fmt: skip


def test_two_readings_of_a_batch_follow_each_other(api, utility, shop):
    half = FEBRUARY.ends_at - timedelta(days=9)
    earlier = BEFORE | {"flat": "4106.55"}
    batch = [
        {"account_no": shop, "register": "12268.77", "source": "ami", "periods": AFTER},
        {"account_no": shop, "register": "12040", "source": "ami", "periods": earlier},
    ]
    times = (READ_AT.isoformat(), half.isoformat())
    sent = {"readings": [each | {"read_at": at} for each, at in zip(batch, times, strict=True)]}
    answer = api.post("/v1/readings", READER, utility.bureau, json=sent)
    assert answer.json["accepted"] == 2, answer.text


def test_a_file_has_a_column_for_each_register_that_some_of_its_meters_have(
    api, utility, shop, newest_bill
):
    [home] = utility.open_accounts()
    columns = ["account_no", "register", "read_at", "source", *AFTER]
    at = READ_AT.isoformat()
    lines = [
        columns,
        [shop, "12268.77", at, "ami", *AFTER.values()],
        [home, "10", at, "ami", "", "", "", ""],
    ]
    file = "".join(",".join(fields) + "\n" for fields in lines)
    answer = api.post(
        "/v1/reading-files", READER, utility.bureau, body=file.encode(), content_type="text/csv"
    )
    assert answer.json["accepted"] == 2, answer.text
    utility.bill()
    assert newest_bill(shop)["amount_fen"] == 10_630_89


def test_a_register_that_was_misread_is_put_right_by_itself(
    utility, shop, post, correct, newest_bill
):
    """Two digits were exchanged, in two registers."""
    misread = {"peak": "3817.95", "valley": "3047.36"}
    assert post(shop, "12268.77", AFTER | misread)["status"] == "accepted"
    told = correct(shop, "12268.77", {name: AFTER[name] for name in misread})
    assert told["periods"] == [
        {
            "period": name,
            "register_before": misread[name],
            "register": AFTER[name],
            "rolled_over": False,
        }
        for name in ("peak", "valley")
    ]
    utility.now += timedelta(hours=1)
    utility.bill()
    bill = newest_bill(shop)
    assert bill["amount_fen"] == 10_630_89
    shown = {each["period"]: each["register"] for each in bill["periods"]}
    assert shown["peak"] == "3871.9500"


def test_with_a_correction_the_next_readings_roll_over_is_judged_anew(
    utility, post, correct, newest_bill
):
    [account_no] = utility.open_accounts(
        category="commercial", register="0", periods={"valley": "999000"}
    )
    half = FEBRUARY.ends_at - timedelta(days=9)
    post(account_no, "1200", {"valley": "999900"}, at=half)
    post(account_no, "2200", {"valley": "900"})  # began again, as far as anybody knows
    correct(account_no, "1200", {"valley": "100"}, at=half)  # it had before
    utility.bill()
    bill = newest_bill(account_no)
    assert [(line["period"], line["quantity"]) for line in bill["lines"]] == [
        ("flat", "300"), ("valley", "1900"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("register", "periods", "code"),
    [
        ("12268.77", {}, "READING_UNCHANGED"),
        ("12268.77", {"peak": "3871.95"}, "READING_UNCHANGED"),
        ("12268.77", {"deep_valley": "1"}, "PERIODS_DIFFER"),
        ("12268.77", {"peak": "3900"}, "PERIODS_EXCEED_TOTAL"),
        ("12268.77", {"peak": "3801"}, "PERIODS_BELOW_TOTAL"),
        ("12200.00", {}, "PERIODS_EXCEED_TOTAL"),
        ("12268.77", {"peak": "3800"}, "READING_BELOW_PREVIOUS"),
    ],
)
def test_a_correction_says_what_can_be_true(utility, shop, post, correct, register, periods, code):
    post(shop, "12268.77", AFTER)
    status = 422 if code.startswith("PERIODS") else 409
    assert correct(shop, register, periods, status)["code"] == code


def test_a_correction_does_not_contradict_the_next_reading(utility, post, correct):
    [account_no] = utility.open_accounts(periods={"peak": "0"})
    half = FEBRUARY.ends_at - timedelta(days=9)
    post(account_no, "100", {"peak": "50"}, at=half)
    post(account_no, "200", {"peak": "60"})
    told = correct(account_no, "100", {"peak": "70"}, 409, at=half)
    assert told["code"] == "READING_CONTRADICTED"


# A unit more of peak, one of flat.
FINAL = AFTER | {"peak": "3872.95", "flat": "4182.13"}
EXCHANGED_AT = MARCH.starts_at + timedelta(days=11)


def test_each_meter_measures_its_part_by_period(api, utility, shop, post, exchange, newest_bill):
    post(shop, "12268.77", AFTER)
    utility.bill()
    hung = exchange(
        shop,
        at=EXCHANGED_AT,
        final_register="12270.77",
        final_periods=FINAL,
        meter={"initial_register": "5", "periods": {"peak": "1", "valley": "2"}},
    )
    newer, older = hung["items"]
    assert newer["periods"] == [
        {"period": "peak", "initial_register": "1.00", "final_register": None},
        {"period": "valley", "initial_register": "2.00", "final_register": None},
    ]
    assert older["periods"][1] == {
        "period": "peak", "initial_register": "3800.40", "final_register": "3872.95",
    }  # fmt: skip
    utility.read([shop], "25", month=MARCH, periods={"peak": "11", "valley": "9"})
    assert utility.bill(MARCH).billed == 1
    bill = newest_bill(shop)
    # The old one: 120 kWh, 60 of them peak; the new one: 20, of which 10 and 7.
    assert [(line["period"], line["quantity"]) for line in bill["lines"]] == [
        ("peak", "70"), ("flat", "63"), ("valley", "7"),
    ]  # fmt: skip
    assert {each["asset_no"] for each in bill["periods"]} == {
        newer["asset_no"], older["asset_no"],
    }  # fmt: skip
    assert utility.contradictions() == []


def test_what_a_meter_without_periods_measures_is_flat(utility, shop, post, exchange, newest_bill):
    post(shop, "12268.77", AFTER)
    utility.bill()
    exchange(
        shop,
        at=EXCHANGED_AT,
        final_register="12270.77",
        final_periods=FINAL,
        meter={"initial_register": "0"},
    )
    utility.read([shop], "20", month=MARCH)
    utility.bill(MARCH)
    assert [(line["period"], line["quantity"]) for line in newest_bill(shop)["lines"]] == [
        ("peak", "60"), ("flat", "80"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("final_periods", "periods", "code"),
    [
        ({}, {}, "PERIODS_DIFFER"),
        (AFTER, {"peak": "1234567"}, "REGISTER_TOO_LONG"),
        (AFTER, {"peak": "-1"}, "REGISTER_MALFORMED"),
    ],
)
def test_an_exchange_says_what_every_register_showed(shop, exchange, final_periods, periods, code):
    told = exchange(
        shop,
        422,
        at=FEBRUARY.starts_at + timedelta(days=11),
        final_register="12268.77",
        final_periods=final_periods,
        meter={"initial_register": "0", "periods": periods},
    )
    assert told["code"] == code


def test_nobody_estimates_a_meter_that_counts_by_period(api, utility, shop, post):
    post(shop, "12268.77", AFTER)
    utility.bill()
    sent = {"month": str(MARCH), "reason": "Nobody there."}
    answer = api.post(f"/v1/accounts/{shop}/estimates", OFFICER, utility.bureau, json=sent)
    assert (answer.status_code, answer.json["code"]) == (409, "METER_COUNTS_BY_PERIOD")


def test_no_bill_is_made_of_half_a_reading(utility, shop, post, migrated):
    """As a program would have left it that knew nothing of periods."""
    post(shop, "12268.77", AFTER)
    migrated.superuser(
        "SET LOCAL session_replication_role = replica; "
        "DELETE FROM evergrid.register_reading "
        f"WHERE bureau_id = {utility.bureau} AND period = 'valley'"
    )
    run = utility.bill()
    assert [each.code for each in run.failures] == ["PERIODS_UNREAD"]


def test_no_bill_is_made_of_periods_beyond_all_energy(utility, shop, post, migrated):
    post(shop, "12268.77", AFTER)
    migrated.superuser(
        "SET LOCAL session_replication_role = replica; "
        "UPDATE evergrid.register_reading SET register = register + 100 "
        f"WHERE bureau_id = {utility.bureau} AND period = 'valley'"
    )
    run = utility.bill()
    assert [each.code for each in run.failures] == ["PERIODS_EXCEED_TOTAL"]


def test_a_mirror_takes_the_periods_back(api, utility, shop, post, newest_bill):
    post(shop, "12268.77", AFTER)
    utility.bill()
    bill_no = utility.bills(shop).items[0].bill_no
    asked = api.post(
        "/v1/bill-cancellations", OFFICER, utility.bureau, json={"bill_no": bill_no, "reason": "X"}
    )
    path = f"/v1/bill-cancellations/{asked.json['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    mirror = newest_bill(shop)
    assert mirror["cancels_bill_no"] == bill_no
    assert sum(each["consumption_kwh"] for each in mirror["periods"]) == -14_076
    utility.bill()
    assert newest_bill(shop)["amount_fen"] == 10_630_89
    assert utility.contradictions() == []


def test_periods_wait_until_every_program_knows_them(api, utility, shop, exchange, migrated):
    rule = "meter_register_known_to_all"
    migrated.superuser(
        f"ALTER TABLE evergrid.meter_register ADD CONSTRAINT {rule} CHECK (false) NOT VALID"
    )
    try:
        told = exchange(
            shop,
            503,
            at=FEBRUARY.starts_at + timedelta(days=11),
            final_register="12268.77",
            final_periods=AFTER,
            meter={"initial_register": "0", "periods": {"peak": "0"}},
        )
        assert told["code"] == "UPGRADE_UNDER_WAY"
    finally:
        migrated.superuser(f"ALTER TABLE evergrid.meter_register DROP CONSTRAINT {rule}")


@pytest.mark.parametrize("table", ["meter_register", "register_reading"])
def test_another_bureau_sees_nothing_of_the_registers(utility, shop, post, migrated, table):
    post(shop, "12268.77", AFTER)
    with closing(psycopg2.connect(migrated.dsn("evergrid_api"))) as connection:
        found = []
        for bureau in (utility.bureau, 1):
            with connection.cursor() as cursor:
                cursor.execute(f"SET evergrid.bureau = '{bureau}'")
                cursor.execute(
                    f"SELECT count(*) FROM evergrid.{table} WHERE bureau_id = {utility.bureau}"
                )
                found.append(cursor.fetchone()[0])
    assert found == [len(AFTER), 0]


def test_no_program_writes_what_supersedes_a_register(migrated, utility):
    with (
        closing(psycopg2.connect(migrated.dsn("evergrid_api"))) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute(
            "INSERT INTO evergrid.superseding_register_reading "
            "(bureau_id, meter_id, read_at, period, reading_correction_id, register, rolled_over) "
            f"VALUES ({utility.bureau}, 1, now(), 'peak', 1, 0, false)"
        )


def test_what_is_approved_last_is_in_force_whatever_was_asked_for_last(api, utility):
    """Of two neighbours the second is corrected first, though that was asked for last."""
    [home] = utility.open_accounts(digits=5, register="99900")
    half = FEBRUARY.ends_at - timedelta(days=9)
    utility.read([home], "99950", before_end=timedelta(days=9))
    utility.read([home], "200")  # began again, as far as anybody knows
    asked = [
        api.post(
            "/v1/reading-corrections",
            OFFICER,
            utility.bureau,
            json={
                "account_no": home,
                "read_at": at.isoformat(),
                "register": register,
                "reason": "Misread.",
            },
        ).json["correction_no"]
        for at, register in ((half, "150"), (READ_AT, "210"))
    ]
    for number in reversed(asked):
        path = f"/v1/reading-corrections/{number}/approvals"
        assert api.post(path, HEAD, None, json={}).status_code == 200
    path = f"/v1/accounts/{home}/readings"
    newest, older = api.get(path, READER, utility.bureau).json["items"]
    assert (older["register"], older["rolled_over"]) == ("150", True)
    assert (newest["register"], newest["rolled_over"]) == ("210", False)
    utility.bill()
    assert utility.bills(home).items[0].consumption_kwh == 310


def test_in_a_month_without_a_sharp_peak_it_counts_as_peak(
    utility, shop, post, newest_bill, migrated
):
    """Domain rule 2.1; here the calendar has a sharp peak in July alone."""
    calendar = {"seasons": [season("07-01", "07-31", "sharp"), season("08-01", "06-30", "peak")]}
    migrated.superuser(
        "SET LOCAL session_replication_role = replica; "
        f"UPDATE evergrid.catalogue_version SET calendar = '{json.dumps(calendar)}' "
        "WHERE legal_document = 'Prices of periods'"
    )
    post(shop, "12268.77", AFTER)
    assert utility.bill().billed == 1
    bill = newest_bill(shop)
    assert [(line["period"], line["quantity"]) for line in bill["lines"]] == [
        ("peak", "5629"), ("flat", "4826"), ("valley", "3622"),
    ]  # fmt: skip


def season(first, last, period):
    stretches = [
        {"starts": "00:00", "ends": "12:00", "period": "valley"},
        {"starts": "12:00", "ends": "24:00", "period": period},
    ]
    types = ["work", "rest", "holiday"]
    return {"first": first, "last": last, "plans": [{"types": types, "stretches": stretches}]}


def test_a_round_says_which_registers_are_to_be_read(api, utility, shop):
    [home] = utility.open_accounts()

    def post(path, sent):
        answer = api.post(path, OFFICER, utility.bureau, json=sent)
        assert answer.status_code == 201, answer.text
        return answer.json

    section = post("/v1/reading-sections", {"bureau": utility.bureau, "name": "Market"})
    month = str(MARCH.next)
    route = {"from_month": month, "example_day": 12, "account_nos": [shop, home]}
    post(f"/v1/reading-sections/{section['section_no']}/routes", route)
    post("/v1/reading-plans", {"month": month, "bureau": utility.bureau})
    [plan] = api.get(f"/v1/reading-plans?month={month}", READER, utility.bureau).json["items"]
    found = api.get(f"/v1/reading-plans/{plan['plan_no']}", READER, utility.bureau).json
    assert {stop["account_no"]: stop["periods"] for stop in found["stops"]} == {
        shop: ["flat", "peak", "sharp", "valley"],
        home: [],
    }
