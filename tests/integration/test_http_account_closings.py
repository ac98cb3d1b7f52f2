"""Accounts that close, over HTTP: the meter removed, the last bill, nothing after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.meter_exchanges import UpgradeUnderWay
from tests.integration import closings, findings, sections
from tests.integration.utilities import FEBRUARY, MARCH, Utility

OFFICER = "billing_officer"
SENT = {
    "closed_at": "2026-02-18T10:00:00+08:00",
    "final_register": "310",
    "work_order_no": "W-2026-0218-3",
    "reason": "The customer moves away.",
}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """A home whose meter begins with February, at nothing."""
    [account_no] = utility.open_accounts()
    return account_no


@pytest.fixture
def close(api, utility):
    """Close an account; the answer must have the status expected."""

    def closed(of, status=201, **changed):
        path = f"/v1/accounts/{of}/closing"
        answer = api.post(path, OFFICER, utility.bureau, json=SENT | changed)
        assert answer.status_code == status, answer.text
        return answer.json

    return closed


def test_the_last_bill_ends_at_the_final_reading(api, utility, home, close):
    """E01: 310 kWh are 193.10 yuan."""
    answer = close(home)

    assert answer == api.get(f"/v1/accounts/{home}/closing").json
    assert (answer["final_register"], answer["work_order_no"]) == ("310.00", "W-2026-0218-3")
    told = api.get(f"/v1/accounts/{home}").json
    assert (told["meter"], told["closed_at"]) == (None, answer["closed_at"])
    run = utility.bill()
    assert (run.billed, run.failures) == (1, ())
    [bill] = utility.bills(home).items
    assert (bill.consumption_kwh, bill.amount_fen) == (310, 193_10)
    told = api.get(f"/v1/bills/{bill.bill_no}").json
    assert (told["asset_no"], told["removed_meters"]) == (answer["asset_no"], [])
    assert utility.contradictions() == []


def test_nothing_is_billed_after_it(utility, home, close):
    [other] = utility.open_accounts()
    close(home)
    utility.bill()
    utility.read([other], "100", month=MARCH)
    run = utility.bill(MARCH)
    assert (run.accounts, run.billed, run.failures) == (1, 1, ())


def test_what_was_read_before_is_no_bill_of_its_own(utility, home, close):
    utility.read([home], "200", before_end=timedelta(days=20))
    close(home)
    utility.bill()
    [bill] = utility.bills(home).items
    assert bill.consumption_kwh == 310


def test_a_meter_that_was_exchanged_before_measured_the_rest(api, utility, home, close):
    exchange = {
        "exchanged_at": "2026-02-10T10:00:00+08:00",
        "final_register": "200",
        "meter": {
            "asset_no": f"X-{home}", "digits": 6, "decimals": 2, "multiplier": "1",
            "initial_register": "5",
        },
        "work_order_no": "W 1",
        "reason": "verification",
    }  # fmt: skip
    path = f"/v1/accounts/{home}/meters"
    assert api.post(path, OFFICER, utility.bureau, json=exchange).status_code == 201
    close(home, final_register="115")
    utility.bill()
    [bill] = utility.bills(home).items
    assert bill.consumption_kwh == 200 + 110


def test_the_tiers_of_its_last_year_end_with_it(utility, home, close):
    """Opened with February, closed in it: one twelfth of 2 760 kWh a year are in the first tier."""
    utility.query(
        "UPDATE evergrid.account SET category = 'residential_tou' WHERE bureau_id = {bureau}"
    )
    close(home, final_register="500")
    utility.bill()
    lines = utility.query(
        "SELECT tier, quantity_kwh FROM evergrid.bill_line WHERE bureau_id = {bureau} "
        "AND tier IS NOT NULL ORDER BY tier"
    )
    assert lines == [(2, 170), (3, 100)]


def test_what_the_year_was_billed_is_settled_by_the_tiers_that_end_with_it(
    api, utility, home, close
):
    """2 400 kWh of February in the first tier; closed in March, two twelfths end at 460, 800."""
    utility.query(
        "UPDATE evergrid.account SET category = 'residential_tou' WHERE bureau_id = {bureau}"
    )
    utility.read([home], "2400")
    utility.bill()
    close(home, final_register="2600", closed_at="2026-03-18T10:00:00+08:00")
    run = utility.calculated(MARCH)
    [sample] = api.get(f"/v1/bill-runs/{run}/samples", "auditor").json["items"]
    assert "year_settled" in sample["rules"]
    utility.approve(run)
    utility.drain()
    assert dict(
        utility.query(
            "SELECT tier, sum(quantity_kwh)::bigint FROM evergrid.bill_line "
            "WHERE bureau_id = {bureau} AND tier IS NOT NULL GROUP BY tier"
        )
    ) == {2: 340, 3: 2600 - 800}
    assert utility.contradictions() == []


def test_a_last_bill_that_is_odd_waits_for_somebody_who_accepts_it(api, migrated, utility, close):
    home, other = utility.open_accounts(2)
    utility.read([other], "10")
    utility.bill()
    findings.history(migrated.superuser, [home])
    close(home, final_register="900", closed_at="2026-03-18T10:00:00+08:00")
    run = utility.bill(MARCH)
    codes = {failure.account_no: failure.code for failure in run.failures}
    assert codes == {home: "READING_IN_QUESTION", other: "READING_MISSING"}
    waiting = api.get("/v1/reading-findings", OFFICER, utility.bureau).json["items"]
    [finding] = [each for each in waiting if each["account_no"] == home]
    path = f"/v1/reading-findings/{finding['finding_no']}/acceptances"
    accepted = api.post(path, "head_office", None, json={"reason": "It was empty."})
    assert accepted.status_code in {200, 201}, accepted.text
    assert utility.bill(MARCH).billed == 1


def test_a_last_bill_that_failed_is_missed_by_every_later_run(utility, home, close):
    close(home)
    run = utility.bill(MARCH)
    assert [(failure.code, failure.account_no) for failure in run.failures] == [
        ("LAST_BILL_MISSING", home)
    ]
    assert utility.bill().billed == 1
    assert utility.bill(MARCH).accounts == 0


def test_a_closed_account_is_visited_no_more(api, migrated, utility, home, close):
    [other] = utility.open_accounts()
    section = sections.add(migrated.superuser, utility.bureau, "of the closings")
    plan = sections.plan(migrated.superuser, section, home)
    close(home)

    def stops(month):
        utility.query(
            f"DO $$ BEGIN SET LOCAL session_replication_role = replica; "
            f"UPDATE evergrid.reading_plan SET month = '{month}' "
            f"WHERE reading_plan_id = {plan}; END $$"
        )
        return utility.query(
            "SELECT account_no, register FROM evergrid.reading_plan_stop "
            f"WHERE reading_plan_id = {plan}"
        )

    assert [(no, int(register)) for no, register in stops("2026-02-01")] == [(home, 310)]
    assert stops("2026-03-01") == []

    def unrouted():
        sent = {"month": "2026-04", "bureau": utility.bureau}
        return api.post("/v1/reading-plans", OFFICER, utility.bureau, json=sent).json["unrouted"]

    assert unrouted() == 1
    close(other)
    assert unrouted() == 0


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"final_register": "x"}, 422, "REGISTER_MALFORMED"),
        ({"closed_at": "2026-04-16T10:00:00+08:00"}, 422, "READING_IN_FUTURE"),
        ({"closed_at": "2026-02-18T10:00:00"}, 422, "BODY_INVALID"),
    ],
)
def test_bad_requests_leave_the_account_open(api, home, close, changed, status, code):
    assert close(home, status, **changed)["code"] == code
    assert api.get(f"/v1/accounts/{home}/closing").json["code"] == "ACCOUNT_OPEN"
    assert api.get(f"/v1/accounts/{home}").json["meter"] is not None


def test_it_closes_once(home, close):
    close(home)
    assert close(home, 409)["code"] == "ACCOUNT_CLOSED"


def test_a_month_that_is_billed_is_cancelled_first(api, utility, home, close):
    utility.read([home], "300")
    utility.bill()
    assert close(home, 409, closed_at="2026-02-28T23:30:00+08:00")["code"] == "CLOSING_MONTH_BILLED"
    sent = {"bill_no": f"202602{home}01", "reason": "moves away"}
    asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
    assert api.post(path, "head_office", None, json={}).status_code == 200
    close(home, closed_at="2026-02-28T23:30:00+08:00")
    utility.bill()
    assert utility.bills(home).items[0].consumption_kwh == 310
    assert utility.contradictions() == []


def test_equipment_of_a_factory_is_removed_first(api, utility, close):
    [factory] = utility.open_accounts(category="industrial")
    motor = {
        "equipment_no": "M1", "kind": "motor", "capacity_kva": "200", "runs_from": "2020-01-01",
        "document_no": "W 1",
    }  # fmt: skip
    path = f"/v1/accounts/{factory}/equipment"
    assert api.post(path, OFFICER, utility.bureau, json=motor).status_code == 201
    assert close(factory, 409)["code"] == "EQUIPMENT_STAYS"
    change = {"from_day": "2026-02-19", "condition": "removed", "document_no": "W 2"}
    gone = api.post(f"{path}/M1/changes", OFFICER, utility.bureau, json=change)
    assert gone.status_code == 201, gone.text
    close(factory)
    later = api.post(path, OFFICER, utility.bureau, json=motor | {
        "equipment_no": "M2", "runs_from": "2026-02-20",
    })  # fmt: skip
    assert later.json["code"] == "ACCOUNT_CLOSED"


def test_an_account_of_another_bureau_is_unknown(api, home, close):
    closings_path = f"/v1/accounts/{home}/closing"
    assert api.post(closings_path, OFFICER, 1, json=SENT).json["code"] == "ACCOUNT_UNKNOWN"
    assert api.get(closings_path, OFFICER, 1).json["code"] == "ACCOUNT_UNKNOWN"
    assert close("9999999999", 404)["code"] == "ACCOUNT_UNKNOWN"


def test_a_closing_waits_for_a_whole_release(migrated, api, home, close):
    rule = "account_closing_upgrade_check"
    migrated.superuser(
        f"ALTER TABLE evergrid.account_closing ADD CONSTRAINT {rule} CHECK (false) NOT VALID"
    )
    try:
        assert close(home, 503)["code"] == UpgradeUnderWay.code
    finally:
        migrated.superuser(f"ALTER TABLE evergrid.account_closing DROP CONSTRAINT {rule}")
    assert api.get(f"/v1/accounts/{home}").json["meter"] is not None


def test_a_bill_run_that_was_calculated_before_issues_no_other_bill(utility, home):
    utility.read([home], "200", before_end=timedelta(days=20))
    run = utility.calculated()
    closings.close(utility, home, at=FEBRUARY.ends_at - timedelta(days=10))
    utility.approve(run)
    utility.drain()
    assert [failure.code for failure in utility.show(run).failures] == ["BILL_CHANGED"]
    assert utility.bill().billed == 1
