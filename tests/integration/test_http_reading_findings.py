"""Readings that are odd over HTTP: not billed until another hand has looked at them."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest

from service.domain.months import Month
from service.store import queries
from tests.integration.utilities import Utility

PATH = "/v1/reading-findings"
OFFICER, HEAD, READER = "billing_officer", "head_office", "reader"
JANUARY = Month(2026, 1)
APRIL, MAY = Month(2026, 4), Month(2026, 5)


@pytest.fixture
def now():
    return MAY.ends_at + timedelta(days=1)


@pytest.fixture
def clock(now):
    return lambda: now


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account that used some 300 kWh a month, all of it billed."""
    [account_no] = utility.open_accounts(month=JANUARY)
    for month, register in ((JANUARY, "310"), (JANUARY.next, "600"), (JANUARY.plus(2), "930")):
        utility.read([account_no], register, month=month)
        assert utility.bill(month).failed == 0, "nothing to compare with yet"
    return account_no


@pytest.fixture
def finding(api, utility, home):
    """What the run of April found about 2000 kWh."""
    utility.read([home], "2930", month=APRIL)
    run = utility.bill(APRIL)
    assert [failure.code for failure in run.failures] == ["READING_IN_QUESTION"]
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    return found


@pytest.fixture
def accept(api, utility):
    def accepted(finding, status=200, *, role=OFFICER):
        path = f"{PATH}/{finding['finding_no']}/acceptances"
        sent = {"reason": "A new heater."}
        answer = api.post(path, role, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return accepted


def test_what_is_odd_is_billed_once_somebody_has_accepted_it(api, utility, home, finding, accept):
    assert (finding["kind"], finding["state"], finding["consumption_kwh"]) == (
        "CONSUMPTION_HIGH", "open", 2000,
    )  # fmt: skip
    assert finding["detail"] == "2000 kWh in 30 days, 930 kWh in 89 days before"
    assert utility.bill(APRIL).failed == 1, "and again"
    assert len(api.get(PATH, READER, utility.bureau).json["items"]) == 1, "found once"

    accepted = accept(finding)
    assert (accepted["state"], accepted["reason"], accepted["accepted_by"]) == (
        "accepted", "A new heater.", f"billing_officer of {utility.bureau}",
    )  # fmt: skip
    assert api.get(PATH, READER, utility.bureau).json["items"] == []
    assert utility.bill(APRIL).billed == 1
    assert utility.bills(home).items[0].consumption_kwh == 2000
    told = api.get(f"{PATH}/{finding['finding_no']}", READER, utility.bureau).json
    assert told["state"] == "accepted"
    assert utility.contradictions() == []


def test_others_are_billed_meanwhile(utility, home):
    [other] = utility.open_accounts(month=APRIL)
    utility.read([home], "2930", month=APRIL)
    utility.read([other], "5000", month=APRIL)
    run = utility.bill(APRIL)
    assert (run.billed, run.failed) == (1, 1)


@pytest.mark.parametrize(
    ("register", "code"), [("930", "CONSUMPTION_ZERO"), ("960", "CONSUMPTION_LOW")]
)
def test_too_little_is_odd_too(api, utility, home, register, code):
    utility.read([home], register, month=APRIL)
    utility.bill(APRIL)
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert (found["account_no"], found["kind"]) == (home, code)


def test_what_was_corrected_is_overtaken_and_judged_anew(api, utility, finding, accept):
    corrected(api, utility, finding, "1230")
    assert accept(finding, 409)["code"] == "READING_FINDING_SETTLED"
    told = api.get(f"{PATH}/{finding['finding_no']}", READER, utility.bureau).json
    assert told["state"] == "overtaken"
    assert api.get(PATH, READER, utility.bureau).json["items"] == []
    assert utility.bill(APRIL).billed == 1


def corrected(api, utility, finding, register, *, role=READER):
    """Correct the reading of a finding, asked for by a role of the bureau."""
    sent = {
        "account_no": finding["account_no"],
        "read_at": finding["read_at"],
        "register": register,
        "reason": "Misread.",
    }
    asked = api.post("/v1/reading-corrections", role, utility.bureau, json=sent).json
    path = f"/v1/reading-corrections/{asked['correction_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200


def test_what_is_corrected_by_less_than_a_unit_can_still_be_accepted(api, utility, finding, accept):
    corrected(api, utility, finding, "2930.30")  # 2000 kWh as before
    assert utility.bill(APRIL).failed == 1
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert found["register"] == "2930.3"
    accept(found)
    assert utility.bill(APRIL).billed == 1


def test_an_energy_that_changed_otherwise_is_a_finding_of_its_own(
    api, utility, home, finding, accept
):
    """The bill before is cancelled, its reading corrected: the same register comes to more."""
    sent = {"bill_no": f"202603{home}01", "reason": "Misread."}
    asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    march = {**finding, "read_at": (APRIL.starts_at - timedelta(hours=4)).isoformat()}
    corrected(api, utility, march, "900")
    utility.bill(APRIL.previous)
    assert utility.bill(APRIL).failed == 1
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert found["consumption_kwh"] == 2030
    assert accept(finding, 409)["code"] == "READING_FINDING_SETTLED"
    accept(found)
    assert utility.bill(APRIL).billed == 1


def test_who_had_it_corrected_does_not_judge_it(api, utility, finding, accept):
    corrected(api, utility, finding, "3930", role=OFFICER)
    utility.bill(APRIL)
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert found["hands"] == [
        f"reader of {utility.bureau}", f"billing_officer of {utility.bureau}", "head_office of all",
    ]  # fmt: skip
    assert accept(found, 403)["code"] == "OWN_READING"


def test_an_acceptance_holds_for_that_energy_alone(api, utility, finding, accept):
    accept(finding)
    corrected(api, utility, finding, "3930")
    assert utility.bill(APRIL).failed == 1
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert found["consumption_kwh"] == 3000


def test_an_estimate_is_no_question(api, utility, home):
    path = f"/v1/accounts/{home}/estimates"
    sent = {"month": str(APRIL), "reason": "Nobody at home."}
    assert api.post(path, OFFICER, utility.bureau, json=sent).status_code == 201
    assert utility.bill(APRIL).billed == 1


def test_nobody_accepts_a_reading_of_its_own(migrated, utility, finding, accept):
    become = "UPDATE evergrid.principal SET role = '{}' WHERE name = 'reader of {}'"
    migrated.superuser(become.format(OFFICER, utility.bureau))
    try:
        assert accept(finding, 403, role=READER)["code"] == "OWN_READING"
    finally:
        migrated.superuser(become.format(READER, utility.bureau))


def test_nothing_is_accepted_twice(finding, accept):
    accept(finding)
    assert accept(finding, 409)["code"] == "READING_FINDING_SETTLED"


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**30])
def test_no_finding_has_such_a_number(api, number):
    answer = api.get(f"{PATH}/{number}", HEAD, None)
    assert (answer.status_code, answer.json["code"]) == (404, "READING_FINDING_UNKNOWN")


def test_pages_of_findings_the_oldest_first(api, utility, home):
    others = utility.open_accounts(2, month=JANUARY)
    for month, register in ((JANUARY, "310"), (JANUARY.next, "600"), (JANUARY.plus(2), "930")):
        utility.read(others, register, month=month)
        utility.bill(month)
    utility.read([home, *others], "2930", month=APRIL)
    utility.bill(APRIL)
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{PATH}?limit=2{cursor}", READER, utility.bureau).json
        seen += [item["finding_no"] for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert len(seen) == 3
    assert seen == sorted(seen)
    assert api.get(f"{PATH}?cursor=x", READER, utility.bureau).json["code"] == "CURSOR_BROKEN"


def posted(api, utility, account_no, register, *, source="manual", role=READER):
    """Return what whoever sends a reading of April is told of it."""
    sent = {
        "account_no": account_no,
        "register": register,
        "read_at": (APRIL.ends_at - timedelta(hours=4)).isoformat(),
        "source": source,
    }
    answer = api.post("/v1/readings", role, utility.bureau, json={"readings": [sent]})
    assert answer.status_code == 200, answer.text
    [told] = answer.json["results"]
    return told


def test_the_reader_is_told_at_once_what_the_run_then_finds(api, utility, home):
    told = posted(api, utility, home, "2930")
    assert told["status"] == "accepted"
    utility.bill(APRIL)
    [found] = api.get(PATH, READER, utility.bureau).json["items"]
    assert told["findings"] == [{"kind": found["kind"], "detail": found["detail"]}]


def test_a_reading_like_those_before_is_told_nothing_of(api, utility, home):
    assert posted(api, utility, home, "1240")["findings"] == []


def test_a_device_is_told_nothing(api, utility, home):
    assert posted(api, utility, home, "2930", source="ami")["findings"] == []


def test_who_sees_no_findings_is_told_nothing_of_earlier_bills(api, utility, home):
    assert posted(api, utility, home, "2930", role="data_migrator")["findings"] == []


def test_a_cancelled_bill_is_none_to_compare_with(api, utility, home, migrated):
    migrated.superuser(
        "UPDATE evergrid.receivable SET is_in_force = false, open_fen = 0 "
        "WHERE month = '2026-03-01' AND "
        f"account_id = (SELECT account_id FROM evergrid.account WHERE account_no = '{home}')"
    )
    assert posted(api, utility, home, "2930")["findings"] == [], "two are left"


def test_an_account_with_two_bills_is_believed(api, utility):
    [account_no] = utility.open_accounts(month=JANUARY)
    for month, register in ((JANUARY, "310"), (JANUARY.next, "600")):
        utility.read([account_no], register, month=month)
        utility.bill(month)
    assert posted(api, utility, account_no, "9000")["findings"] == []


LARGE = {"account", "reading_202604"}


def looks(node):
    """Yield the tables that nodes of a plan read, with how many rows each look came across."""
    if "Relation Name" in node:
        removed = sum(rows for name, rows in node.items() if name.startswith("Rows Removed"))
        yield node["Relation Name"], node["Actual Rows"] + removed
    for each in node.get("Plans", []):
        yield from looks(each)


def test_findings_are_looked_up_one_by_one(utility, home, finding, migrated):
    account_nos = utility.open_accounts(300, month=APRIL)
    utility.read(account_nos, "1", month=APRIL)
    migrated.superuser("ANALYZE evergrid.account, evergrid.reading")
    statement = queries.load("reading_findings")["open_findings_after"]
    with (
        closing(psycopg2.connect(migrated.dsn("evergrid_api"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET evergrid.bureau = '*'; {statement.prepare}")
        asked = {"after_no": 0, "limit": 51}
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.execute, asked)
        [([explained],)] = cursor.fetchall()
    # What belongs to a finding is a few rows, however many others there are; tables of a few pages
    # are read whole, and may be.
    large = [(table, rows) for table, rows in looks(explained["Plan"]) if table in LARGE]
    assert {table for table, _ in large} == LARGE
    assert max(rows for _, rows in large) < 10
