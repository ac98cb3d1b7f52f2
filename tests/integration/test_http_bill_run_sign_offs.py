"""Signing bill runs off: what is calculated is looked at by another hand before it is issued."""

from __future__ import annotations

import threading
import time

import pytest

from service.store import bill_chunks
from service.store import bill_runs as store
from service.store.database import Database
from service.usecases.bill_chunks import bill_next_chunk
from tests.integration import corrections
from tests.integration.utilities import CHUNK_ACCOUNTS, MARCH, Utility

OFFICER, HEAD = "billing_officer", "head_office"
PATH = "/v1/bill-runs"


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now, monkeypatch):
    """A bureau of its own, billed in chunks of three accounts."""
    monkeypatch.setattr(store, "ACCOUNTS_PER_CHUNK", CHUNK_ACCOUNTS)
    utility = Utility(migrated.superuser, database, worker_database, caller, once, now)
    utility.drain()  # what another test has left
    yield utility
    monkeypatch.undo()
    utility.drain()  # leaves no chunk to the next test's workers


@pytest.fixture
def ask(api, utility):
    """Send something about a run, as the head office unless said otherwise."""

    def asked(path, sent, status=200, *, role=HEAD, bureau=None):
        answered = api.post(f"{PATH}/{path}", role, bureau or utility.bureau, json=sent)
        assert answered.status_code == status, answered.text
        return answered.json

    return asked


@pytest.fixture
def homes(utility):
    """Four homes in two chunks, read in February."""
    homes = utility.open_accounts(4)
    utility.read(homes, "310")
    return homes


@pytest.fixture
def run(utility, homes):
    """Their run, calculated."""
    return utility.calculated()


SUMS = {"calculated": 4, "calculated_kwh": 4 * 310, "calculated_fen": 4 * 193_10}
SEEN = SUMS | {"sample_result": "2 samples, as billed"}


def test_a_run_is_issued_after_another_hand_has_approved_it(api, ask, utility, run, homes):
    shown = api.get(f"{PATH}/{run}", HEAD, utility.bureau).json
    assert {name: shown[name] for name in SUMS} == SUMS
    assert (shown["state"], shown["decision"], shown["billed"]) == ("calculated", None, 0)
    assert utility.bill_counts() == {}

    approved = ask(f"{run}/approvals", SEEN)

    assert approved["state"] == "issuing"
    assert approved["decision"]["step"] == "approved"
    assert approved["decision"]["remark"] == "2 samples, as billed"
    assert approved["decision"]["done_by"] != approved["requested_by"]
    utility.drain()
    assert utility.show(run).state == "finished"
    assert utility.bill_counts() == dict.fromkeys(homes, 1)
    assert utility.contradictions() == []


def test_runs_are_listed_with_how_far_they_are(api, utility, run):
    [listed] = api.get(f"{PATH}?limit=1", HEAD, utility.bureau).json["items"]
    assert listed["bill_run_id"] == run
    assert (listed["state"], listed["calculated"], listed["month"]) == ("calculated", 4, "2026-02")
    utility.approve(run)
    utility.drain()
    later = utility.start(MARCH)
    page = api.get(f"{PATH}?limit=1", HEAD, utility.bureau).json
    assert page["items"][0]["bill_run_id"] == later
    rest = api.get(f"{PATH}?cursor={page['next_cursor']}", HEAD, utility.bureau).json
    assert [each["bill_run_id"] for each in rest["items"]] == [run]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("wrong", SUMS)
def test_whoever_approves_says_what_was_checked(ask, utility, run, wrong):
    refused = ask(f"{run}/approvals", SEEN | {wrong: SUMS[wrong] + 1}, 409)
    assert refused["code"] == "CONTROL_SUMS_DIFFER"
    assert "4 bills, 1240 kWh, 77240 fen" in refused["detail"]
    utility.drain()
    assert utility.bill_counts() == {}


def test_whoever_asked_for_a_run_may_withdraw_but_not_approve_it(ask, utility, run):
    own = {"role": OFFICER}
    assert ask(f"{run}/approvals", SEEN, 403, **own)["code"] == "OWN_BILL_RUN"
    assert ask(f"{run}/rejections", {"reason": "Too early."}, **own)["state"] == "rejected"


@pytest.mark.parametrize("what", ["took", "corrected"])
def test_whoever_had_a_hand_in_a_reading_does_not_approve_its_bill(
    ask, utility, homes, caller, migrated, what
):
    head = caller(HEAD, utility.bureau).principal_id
    if what == "took":
        utility.query(
            f"SET session_replication_role = replica; UPDATE evergrid.reading SET principal_id = "
            f"{head} FROM evergrid.meter JOIN evergrid.account USING (bureau_id, account_id) "
            "WHERE meter.meter_id = reading.meter_id AND meter.bureau_id = reading.bureau_id "
            f"AND account_no = '{homes[3]}'"
        )
    else:
        asked = corrections.ask(migrated.superuser, homes[3])
        corrections.supersede(migrated.superuser, asked)
        utility.query(
            "SET session_replication_role = replica; UPDATE evergrid.reading_correction_event "
            f"SET principal_id = {head} WHERE reading_correction_id = {asked} AND position = 2"
        )
    run = utility.calculated()
    shown = utility.show(run)
    sums = {name: getattr(shown, name) for name in SUMS}

    assert ask(f"{run}/approvals", SEEN | sums, 403)["code"] == "OWN_READINGS"


def test_the_hands_of_a_run_are_known_from_its_readings(utility, run, caller):
    reader = caller("reader", utility.bureau).principal_id
    found = utility.query(f"SELECT readers FROM evergrid.bill_run_chunk WHERE bill_run_id = {run}")
    assert found == [([reader],), ([reader],)]


@pytest.mark.parametrize(
    ("decision", "state", "billed"), [("approvals", "issuing", 3), ("rejections", "rejected", 3)]
)
def test_a_run_that_was_half_issued_when_sign_offs_came_is_decided_about(
    ask, utility, homes, decision, state, billed
):
    run = utility.calculated()
    utility.query(  # as the migration leaves a chunk that an old worker has issued
        "UPDATE evergrid.bill_run_chunk SET done_at = calculated_at, approved_at = calculated_at, "
        f"is_compared = false, billed = calculated WHERE bill_run_id = {run} AND chunk = 1"
    )
    sent = SEEN if decision == "approvals" else {"reason": "Half is enough."}

    decided = ask(f"{run}/{decision}", sent)

    assert (decided["state"], decided["billed"]) == (state, billed)
    utility.drain()
    assert utility.show(run).billed == (4 if decision == "approvals" else 3)
    utility.calculated(MARCH)  # the next month can be billed


def test_a_run_is_rejected_while_a_worker_has_a_chunk_in_hand(
    ask, utility, homes, monkeypatch, migrated, now, deadline
):
    run = utility.start()
    has_claimed, may_finish, told = threading.Event(), threading.Event(), []
    finish = bill_chunks.finish_calculation

    def finish_late(*args, **kwargs):
        has_claimed.set()
        assert may_finish.wait(20)
        finish(*args, **kwargs)

    monkeypatch.setattr(bill_chunks, "finish_calculation", finish_late)
    other = Database(dsn=migrated.dsn("evergrid_worker"), connections_max=1)
    threads = [
        threading.Thread(
            target=lambda: told.append(bill_next_chunk(database=other, now=now, deadline=deadline))
        ),
        threading.Thread(
            target=lambda: told.append(ask(f"{run}/rejections", {"reason": "The wrong month."}))
        ),
    ]
    threads[0].start()
    assert has_claimed.wait(20)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = utility.query(deadlocks)
    threads[1].start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    until = time.monotonic() + 20
    while utility.query(waiting) == [(0,)]:
        assert time.monotonic() < until, "the rejection waits for the worker"
        time.sleep(0.02)
    may_finish.set()
    for thread in threads:
        thread.join(20)
    other.close()

    assert len(told) == 2
    assert utility.query(deadlocks) == before
    assert utility.show(run).state == "rejected"
    assert utility.work() is None


@pytest.mark.parametrize("second", ["approvals", "rejections"])
@pytest.mark.parametrize("round_", range(3))
def test_of_two_decisions_at_the_same_moment_one_acts(api, utility, run, second, round_):
    told = []

    def send(what):
        sent = SEEN if what == "approvals" else {"reason": f"No. {round_}"}
        told.append(api.post(f"{PATH}/{run}/{what}", HEAD, utility.bureau, json=sent).status_code)

    threads = [threading.Thread(target=send, args=(what,)) for what in ("approvals", second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == [200, 409]


def test_nothing_is_approved_before_all_is_calculated(ask, utility, homes):
    run = utility.start()
    utility.work()
    refused = ask(f"{run}/approvals", SEEN, 409)
    assert refused["code"] == "BILL_RUN_NOT_CALCULATED"
    assert "1 of 2 chunks" in refused["detail"]


def test_what_is_rejected_is_not_issued_and_the_month_can_be_run_again(ask, utility, run, homes):
    rejected = ask(f"{run}/rejections", {"reason": "Two sections are mixed up."})
    assert rejected["decision"]["remark"] == "Two sections are mixed up."
    utility.drain()
    assert utility.bill_counts() == {}

    assert utility.bill().billed == 4
    assert utility.bill_counts() == dict.fromkeys(homes, 1)


def test_a_run_is_rejected_while_it_is_calculated(ask, utility, homes):
    run = utility.start()
    utility.work()
    ask(f"{run}/rejections", {"reason": "The wrong month."})
    assert utility.work() is None


@pytest.mark.parametrize("first", ["approvals", "rejections"])
@pytest.mark.parametrize("second", ["approvals", "rejections"])
def test_a_run_is_decided_about_once(ask, run, first, second):
    sent = {"approvals": SEEN, "rejections": {"reason": "No."}}
    ask(f"{run}/{first}", sent[first])
    assert ask(f"{run}/{second}", sent[second], 409)["code"] == "BILL_RUN_DECIDED"


def test_a_run_without_accounts_has_nothing_to_decide(ask, utility):
    run = utility.start()
    assert ask(f"{run}/rejections", {"reason": "No."}, 409)["code"] == "BILL_RUN_DECIDED"


def test_a_decision_sent_twice_under_one_key_is_taken_once(api, utility, run):
    sent = {"key": f"approve-{run}", "json": SEEN}
    answers = [api.post(f"{PATH}/{run}/approvals", HEAD, utility.bureau, **sent) for _ in "12"]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize("number", ["0", "99999999999999999999"])
@pytest.mark.parametrize("what", ["approvals", "rejections", "samples"])
def test_what_is_no_run_is_not_found(api, ask, number, what):
    if what == "samples":
        found = api.get(f"{PATH}/{number}/samples").json
    else:
        found = ask(f"{number}/{what}", SEEN if what == "approvals" else {"reason": "No."}, 404)
    assert found["code"] == "BILL_RUN_UNKNOWN"


def test_a_bill_that_is_no_more_what_was_approved_is_not_issued(utility, run, homes, migrated):
    utility.approve(run)
    asked = corrections.ask(migrated.superuser, homes[0])
    corrections.supersede(migrated.superuser, asked)

    utility.drain()

    found = utility.show(run)
    assert (found.state, found.billed, found.failed) == ("finished", 3, 1)
    assert [(each.account_no, each.code) for each in found.failures] == [(homes[0], "BILL_CHANGED")]
    assert utility.bill().billed == 1
    assert utility.bill_counts() == dict.fromkeys(homes, 1)
    assert utility.contradictions() == []


def test_a_bill_that_cannot_be_made_any_more_says_why(utility, run, homes):
    utility.approve(run)
    utility.query(
        "UPDATE evergrid.meter SET multiplier = 5000000 FROM evergrid.account "
        "WHERE account.bureau_id = meter.bureau_id AND account.account_id = meter.account_id "
        f"AND account_no = '{homes[1]}'"
    )
    utility.drain()
    [failure] = utility.show(run).failures
    assert (failure.account_no, failure.code) == (homes[1], "BILL_CHANGED")
    assert "is 1550000000 kWh" in failure.detail


def test_money_that_is_paid_ahead_meanwhile_pays_what_is_issued(utility, run, homes):
    utility.approve(run)
    utility.pay(homes[0], 200_00)
    utility.drain()
    assert utility.bills(homes[0]).items[0].open_fen == 0
    assert utility.contradictions() == []


def test_the_bills_that_stand_for_others_are_shown_as_they_would_be(api, utility):
    homes, shop = utility.open_accounts(2), utility.open_accounts(category="commercial")
    utility.read(homes, "310")
    utility.read(shop, "1250")
    run = utility.calculated()

    shown = api.get(f"{PATH}/{run}/samples", HEAD, utility.bureau).json

    assert {each["account_no"]: each["rules"] for each in shown["items"]} == {
        homes[0]: ["first_of_category"],
        shop[0]: ["largest_amount", "first_of_category"],
    }
    first = shown["items"][0]
    assert (first["amount_fen"], first["consumption_kwh"]) == (193_10, 310)
    assert first["used_before"] is None
    utility.approve(run)
    utility.drain()
    issued = api.get(f"/v1/bills/202602{homes[0]}01", HEAD, utility.bureau).json
    for name in ("lines", "previous_register", "register", "read_at", "multiplier"):
        assert first[name] == issued[name]


def test_samples_are_read_a_page_at_a_time(api, utility, run, homes):
    page = api.get(f"{PATH}/{run}/samples?limit=1", HEAD, utility.bureau).json
    rest = api.get(f"{PATH}/{run}/samples?cursor={page['next_cursor']}", HEAD, utility.bureau).json
    shown = [each["account_no"] for each in page["items"] + rest["items"]]
    assert shown == [homes[0], homes[3]]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"calculated": "4"}, "calculated"),
        ({"calculated_fen": 1.5}, "calculated_fen"),
        ({"sample_result": ""}, "sample_result"),
        ({"more": 1}, "more"),
    ],
)
def test_a_malformed_sign_off_is_refused(ask, run, changed, field):
    refused = ask(f"{run}/approvals", SEEN | changed, 422)
    assert refused["code"] == "BODY_INVALID"
    assert field in str(refused)
