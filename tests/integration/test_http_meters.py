"""Meters that are exchanged, over HTTP: all that each measured is in the next bill."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest

from tests.integration import runs
from tests.integration.utilities import FEBRUARY, MARCH, Utility

AT = (MARCH.starts_at + timedelta(days=11, hours=2)).isoformat()
NEW = {"digits": 6, "decimals": 2, "multiplier": "40", "initial_register": "0.20"}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account whose February is billed, up to a register of 1234.50."""
    [account_no] = utility.open_accounts(register="1000")
    utility.read([account_no], "1234.50")
    utility.bill()
    return account_no


@pytest.fixture
def exchange(api, utility):
    """Exchange a meter in the office; the answer must have the status that is expected."""

    def exchanged(account_no, status=201, *, role="billing_officer", **changed):
        number = sum(1 for _ in utility.query("SELECT FROM evergrid.meter"))
        meter = {"asset_no": f"N{utility.bureau}-{number}", **NEW} | changed.pop("meter", {})
        body = {
            "exchanged_at": AT,
            "final_register": "1398.00",
            "meter": meter,
            "work_order_no": "W-1",
            "reason": "Its verification was due.",
        }
        path = f"/v1/accounts/{account_no}/meters"
        answer = api.post(path, role, utility.bureau, json=body | changed)
        assert answer.status_code == status, answer.text
        return answer.json

    return exchanged


@pytest.fixture
def newest_bill(api, utility):
    """Read the newest bill of an account with all its parts."""

    def read(account_no):
        bill_no = utility.bills(account_no).items[0].bill_no
        return api.get(f"/v1/bills/{bill_no}?explain=true", "auditor").json

    return read


def test_both_meters_are_in_the_bill_of_the_month_each_by_its_own_multiplier(
    utility, exchange, newest_bill
):
    """Domain example E08: 4,905 + 1,816 = 6,721 kWh."""
    [account_no] = utility.open_accounts(register="1000", category="commercial")
    utility.query("UPDATE evergrid.meter SET multiplier = 30 WHERE bureau_id = {bureau}")
    utility.read([account_no], "1234.50")
    utility.bill()
    exchange(account_no)
    utility.read([account_no], "45.60", month=MARCH)
    assert utility.bill(MARCH).billed == 1

    bill = newest_bill(account_no)
    assert bill["consumption_kwh"] == 6_721
    assert (bill["previous_register"], bill["register"]) == ("0.2000", "45.6000")
    assert bill["multiplier"] == "40.0000"
    [removed] = bill["removed_meters"]
    assert removed["consumption_kwh"] == 4_905
    assert (removed["start_register"], removed["final_register"]) == ("1234.5000", "1398.0000")
    assert removed["asset_no"] != bill["asset_no"]
    assert utility.contradictions() == []


def test_a_month_that_was_read_before_the_exchange_is_billed_up_to_that_reading(
    utility, home, exchange, newest_bill
):
    utility.read([home], "1300", month=MARCH, before_end=timedelta(days=6))
    at = (MARCH.ends_at - timedelta(days=2)).isoformat()
    exchange(home, exchanged_at=at, meter={"multiplier": "1"})
    assert utility.bill(MARCH).billed == 1
    bill = newest_bill(home)
    assert (bill["register"], bill["removed_meters"]) == ("1300.0000", [])

    utility.now = MARCH.next.ends_at + timedelta(hours=1)
    utility.read([home], "20.20", month=MARCH.next)
    assert utility.bill(MARCH.next).billed == 1
    bill = newest_bill(home)
    assert bill["consumption_kwh"] == 98 + 20
    assert bill["removed_meters"][0]["start_register"] == "1300.0000"


def test_two_exchanges_in_a_month_are_three_meters(utility, home, exchange, newest_bill):
    exchange(home, meter={"multiplier": "1", "initial_register": "999990", "asset_no": "Z-1"})
    later = (MARCH.starts_at + timedelta(days=20)).isoformat()
    exchange(home, exchanged_at=later, final_register="10", meter={"multiplier": "1"})
    utility.read([home], "5.20", month=MARCH)
    assert utility.bill(MARCH).billed == 1
    bill = newest_bill(home)
    assert [each["consumption_kwh"] for each in bill["removed_meters"]] == [164, 20]
    assert bill["consumption_kwh"] == 164 + 20 + 5


def test_the_first_bill_of_an_account_may_begin_with_an_exchange(utility, exchange, newest_bill):
    [account_no] = utility.open_accounts(register="1000", month=FEBRUARY)
    at = (FEBRUARY.starts_at + timedelta(days=9)).isoformat()
    exchange(account_no, exchanged_at=at, final_register="1100", meter={"multiplier": "1"})
    utility.read([account_no], "50.20")
    assert utility.bill().billed == 1
    bill = newest_bill(account_no)
    assert bill["consumption_kwh"] == 100 + 50
    assert bill["previous_read_at"] == "2026-01-31T16:00:00Z"


def test_a_month_with_an_exchange_and_no_reading_waits_for_one(utility, home, exchange):
    exchange(home)
    run = utility.bill(MARCH)
    assert (run.billed, run.failed) == (0, 1)
    assert [each.code for each in run.failures] == ["READING_MISSING"]


def test_the_bill_of_an_exchanged_meter_is_shown_before_it_is_issued(api, utility, home, exchange):
    exchange(home, meter={"multiplier": "1"})
    utility.read([home], "5.20", month=MARCH)
    run = utility.calculated(MARCH)
    found = api.get(f"/v1/bill-runs/{run}/samples", "head_office").json["items"]
    assert "meter_exchanged" in found[0]["rules"]


def test_a_cancelled_bill_is_billed_anew_with_both_meters(
    api, utility, home, exchange, newest_bill
):
    exchange(home, meter={"multiplier": "1"})
    utility.read([home], "5.20", month=MARCH)
    utility.bill(MARCH)
    bill = newest_bill(home)
    cancel(api, utility, bill["bill_no"])
    utility.bill(MARCH)
    again = newest_bill(home)
    assert again["bill_no"] != bill["bill_no"]
    assert again["consumption_kwh"] == bill["consumption_kwh"] == 164 + 5
    assert again["removed_meters"] == bill["removed_meters"]
    assert utility.contradictions() == []


def test_a_bill_that_was_cancelled_still_says_what_was_known_when_it_was_issued(
    api, utility, home, exchange, newest_bill
):
    exchange(home, meter={"multiplier": "1"})
    utility.read([home], "5.20", month=MARCH)
    utility.bill(MARCH)
    bill = newest_bill(home)
    cancel(api, utility, bill["bill_no"])
    correct(api, utility, {"account_no": home, "read_at": AT, "register": "1390"})

    assert (
        api.get(f"/v1/bills/{bill['bill_no']}", "auditor").json["removed_meters"]
        == (bill["removed_meters"])
    )


def cancel(api, utility, bill_no):
    asked = {"bill_no": bill_no, "reason": "To see."}
    two_hands(api, utility, "bill-cancellations", "cancellation_no", asked)


def correct(api, utility, asked):
    two_hands(api, utility, "reading-corrections", "correction_no", asked | {"reason": "To see."})


def two_hands(api, utility, what, number, asked):
    """Ask for something, let another hand approve it."""
    answer = api.post(f"/v1/{what}", "billing_officer", utility.bureau, json=asked)
    assert answer.status_code == 201, answer.text
    path = f"/v1/{what}/{answer.json[number]}/approvals"
    answer = api.post(path, "head_office", utility.bureau, json={})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("what", ["entered", "corrected"])
def test_whoever_had_a_hand_in_the_final_reading_does_not_approve_the_bill(
    api, utility, home, exchange, what
):
    exchange(home, meter={"multiplier": "1"})
    if what == "corrected":
        correct(api, utility, {"account_no": home, "read_at": AT, "register": "1390"})
    utility.read([home], "5.20", month=MARCH)
    approver = "head_office" if what == "corrected" else "billing_officer"
    starter = "billing_officer" if what == "corrected" else "head_office"
    month = {"month": "2026-03", "bureau": utility.bureau}
    run = api.post("/v1/bill-runs", starter, utility.bureau, json=month).json["bill_run_id"]
    utility.drain()
    shown = utility.show(run)
    sums = {name: getattr(shown, name) for name in runs.SUMS}
    decision = sums | {"sample_result": "as billed"}
    answer = api.post(f"/v1/bill-runs/{run}/approvals", approver, utility.bureau, json=decision)
    assert (answer.status_code, answer.json["code"]) == (403, "OWN_READINGS")
    runs.close(utility.query_all, utility.bureau)


def test_what_was_used_with_another_meter_estimates_nothing(api, utility, home, exchange):
    exchange(home)
    sent = {"month": "2026-03", "reason": "The dog."}
    path = f"/v1/accounts/{home}/estimates"
    answer = api.post(path, "billing_officer", utility.bureau, json=sent)
    assert (answer.status_code, answer.json["code"]) == (409, "METER_EXCHANGED")


def test_a_reading_that_waited_for_an_exchange_is_the_new_meter_s(
    migrated, utility, home, exchange, newest_bill
):
    def wait_until_waiting(count):
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        deadline = time.monotonic() + 10
        while migrated.superuser(asked) != [(count,)]:
            assert time.monotonic() < deadline, f"not {count} wait for a lock"
            time.sleep(0.01)

    with (
        closing(psycopg2.connect(migrated.dsn("postgres"))) as other,
        ThreadPoolExecutor(2) as clients,
    ):
        other.cursor().execute(
            f"SELECT FROM evergrid.meter_state WHERE bureau_id = {utility.bureau} FOR UPDATE"
        )
        exchanging = clients.submit(exchange, home, meter={"multiplier": "1"})
        wait_until_waiting(1)
        reading = clients.submit(utility.read, [home], "5.20", month=MARCH)
        wait_until_waiting(2)
        other.rollback()
        exchanging.result(20)
        reading.result(20)
    assert utility.bill(MARCH).billed == 1
    assert newest_bill(home)["consumption_kwh"] == 164 + 5


def test_an_exchange_while_a_release_is_not_whole_is_told_to_come_again(utility, home, exchange):
    """As long as 0025 has not run, an account may have one meter alone."""
    utility.query(
        "CREATE UNIQUE INDEX meter_bureau_id_account_id_old ON evergrid.meter "
        "(bureau_id, account_id) WHERE bureau_id = {bureau}"
    )
    try:
        assert exchange(home, 503)["code"] == "UPGRADE_UNDER_WAY"
    finally:
        utility.query("DROP INDEX evergrid.meter_bureau_id_account_id_old")
    exchange(home)


def test_every_meter_is_remembered_with_how_it_came(api, utility, home, exchange):
    told = exchange(home)
    path = f"/v1/accounts/{home}/meters"
    found = api.get(path, "auditor").json
    assert found == told
    running, removed = found["items"]
    assert (running["removed_at"], running["work_order_no"]) == (None, "W-1")
    assert running["recorded_by"] == f"billing_officer of {utility.bureau}"
    assert (removed["final_register"], removed["work_order_no"]) == ("1398.00", None)
    assert removed["removed_at"] == running["installed_at"]
    account = api.get(f"/v1/accounts/{home}", "auditor").json
    assert account["meter"]["asset_no"] == running["asset_no"]
    assert account["meter"]["last_register"] == "0.20"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"final_register": "1234"}, 409, "READING_BELOW_PREVIOUS"),
        ({"final_register": "-1"}, 422, "REGISTER_MALFORMED"),
        ({"final_register": "1234567.5"}, 422, "REGISTER_TOO_LONG"),
        ({"exchanged_at": "2026-02-28T10:00:00+08:00"}, 409, "READING_NOT_LATER"),
        ({"exchanged_at": "2036-02-28T10:00:00+08:00"}, 422, "READING_IN_FUTURE"),
        ({"meter": {"multiplier": "0"}}, 422, "MULTIPLIER_MALFORMED"),
        ({"meter": {"digits": 0}}, 422, "REGISTER_IMPOSSIBLE"),
        ({"meter": {"asset_no": "表"}}, 422, "ASSET_NUMBER_MALFORMED"),
        ({"meter": {"initial_register": "x"}}, 422, "REGISTER_MALFORMED"),
        ({"work_order_no": ""}, 422, "BODY_INVALID"),
    ],
)
def test_what_cannot_be_true_is_refused_and_leaves_the_meter(
    api, home, exchange, changed, status, code
):
    before = api.get(f"/v1/accounts/{home}/meters", "auditor").json
    assert exchange(home, status, **changed)["code"] == code
    assert api.get(f"/v1/accounts/{home}/meters", "auditor").json == before


def test_a_meter_that_hangs_elsewhere_is_refused_with_all_of_the_exchange(
    api, utility, home, exchange
):
    [(taken,)] = utility.query("SELECT asset_no FROM evergrid.meter WHERE bureau_id = {bureau}")
    before = api.get(f"/v1/accounts/{home}/readings", "auditor").json
    assert exchange(home, 409, meter={"asset_no": taken})["code"] == "ASSET_TAKEN"
    assert api.get(f"/v1/accounts/{home}/readings", "auditor").json == before


def test_a_register_that_passed_its_last_digit_before_it_was_removed(
    utility, home, exchange, newest_bill
):
    exchange(home, final_register="34.50", is_roll_over_confirmed=True, meter={"multiplier": "1"})
    utility.read([home], "5.20", month=MARCH)
    run = utility.bill(MARCH)
    assert (run.billed, run.failed) == (1, 0)
    assert newest_bill(home)["consumption_kwh"] == 1_000_000 - 1_200 + 5


@pytest.mark.parametrize("account_no", ["1000000000", "123"])
def test_an_account_that_nobody_has_has_no_meter(api, exchange, account_no):
    assert exchange(account_no, 404)["code"] == "ACCOUNT_UNKNOWN"
    assert api.get(f"/v1/accounts/{account_no}/meters", "auditor").status_code == 404


def test_a_meter_that_was_removed_does_not_come_back(migrated, utility, home, exchange):
    exchange(home)
    with pytest.raises(psycopg2.errors.RestrictViolation):
        utility.query("UPDATE evergrid.meter SET removed_at = NULL WHERE bureau_id = {bureau}")


def test_a_meter_is_removed_with_a_last_reading_or_not_at_all(utility, home):
    with pytest.raises(psycopg2.errors.RestrictViolation):
        utility.query(f"UPDATE evergrid.meter SET removed_at = '{AT}' WHERE bureau_id = {{bureau}}")
