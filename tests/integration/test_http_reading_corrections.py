"""Corrected readings over HTTP: two hands, what was taken first stays, bills follow."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg2
import pytest

from tests.integration import corrections
from tests.integration.utilities import FEBRUARY, MARCH, Utility

PATH = "/v1/reading-corrections"
OFFICER, HEAD, READER = "billing_officer", "head_office", "reader"
AT = FEBRUARY.ends_at - timedelta(hours=4)


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account that was read in February: 3100 where the meter showed 310."""
    [account_no] = utility.open_accounts()
    utility.read([account_no], "3100")
    return account_no


@pytest.fixture
def ask(api, utility, home):
    """Ask for the correction of a reading, as the bureau's reader."""

    def asked(register="310", status=201, *, at=AT, **more):
        sent = {"account_no": home, "read_at": at.isoformat(), "register": register} | more
        sent = {"reason": "A digit too many."} | sent
        answer = api.post(PATH, READER, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return asked


@pytest.fixture
def decide(api):
    """Approve a correction, or reject it for a reason; as the head office, unless it says so."""

    def decided(correction, status=200, *, role=HEAD, bureau=None, reason=None):
        path = f"{PATH}/{correction['correction_no']}/"
        path += "rejections" if reason else "approvals"
        answer = api.post(path, role, bureau, json={"reason": reason} if reason else {})
        assert answer.status_code == status, answer.text
        return answer.json

    return decided


def readings(api, utility, account_no, query=""):
    answer = api.get(f"/v1/accounts/{account_no}/readings{query}", READER, utility.bureau)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_reading_is_put_right_by_another_hand_and_billed_as_it_is_then(
    api, utility, home, ask, decide
):
    asked = ask()
    assert readings(api, utility, home)["items"][0]["register"] == "3100", "still in force"
    approved = decide(asked)

    assert (approved["state"], approved["register_before"], approved["register"]) == (
        "approved", "3100", "310",
    )  # fmt: skip
    assert [(event["step"], event["done_by"]) for event in approved["events"]] == [
        ("requested", f"reader of {utility.bureau}"),
        ("approved", "head_office of all"),
    ]
    [shown] = readings(api, utility, home)["items"]
    assert (shown["register"], shown["first_register"]) == ("310", "3100")
    assert utility.query("SELECT register FROM evergrid.reading WHERE bureau_id = {bureau}") == [
        (3100,)
    ], "what was taken first stays"

    utility.bill()
    [bill] = utility.bills(home).items
    [other] = utility.open_accounts()
    utility.read([other], "310", before_end=timedelta(hours=3))
    utility.bill()
    assert bill.amount_fen == utility.bills(other).items[0].amount_fen


def test_the_next_reading_goes_on_from_the_corrected_one(utility, home, ask, decide):
    decide(ask())
    utility.read([home], "320", month=MARCH)  # below 3100: refused before


def test_a_roll_over_that_was_none_is_not_billed_as_one(utility, home, ask, decide):
    [new] = utility.open_accounts(register="999000")
    utility.read([new], "500")  # it began again, it seemed
    sent = {"account_no": new}
    decide(ask("999500", **sent))
    utility.bill()
    [bill] = utility.bills(new).items
    assert utility.query(
        f"SELECT consumption_kwh FROM evergrid.bill WHERE bill_no = '{bill.bill_no}'"
    ) == [(500,)]


def test_whether_the_next_reading_began_again_is_judged_anew(api, utility, ask, decide):
    [home] = utility.open_accounts(register="9000", digits=5)
    utility.read([home], "99500", before_end=timedelta(hours=8))  # 9950 it was
    utility.read([home], "10100")  # began again, it seemed
    decide(ask("9950", account_no=home, at=FEBRUARY.ends_at - timedelta(hours=8)))

    assert [
        (each["register"], each["rolled_over"]) for each in readings(api, utility, home)["items"]
    ] == [("10100", False), ("9950", False)]
    assert utility.query(
        "SELECT register FROM evergrid.meter_state WHERE bureau_id = {bureau} "
        f"AND read_at = '{AT.isoformat()}' AND register > 9999"
    ) == [(10100,)], "the newest is what it was"
    utility.bill()
    assert utility.query(
        f"SELECT consumption_kwh FROM evergrid.bill WHERE bill_no = '202602{home}01'"
    ) == [(1100,)]


@pytest.mark.parametrize("offset", ["+18:00", "-23:59"])
def test_a_moment_may_be_told_from_anywhere(ask, offset):
    assert ask(read_at=f"2026-02-28T00:00:00{offset}", status=404)["code"] == "READING_UNKNOWN"
    assert ask(read_at=f"0001-01-01T00:00:00{offset}", status=404)["code"] == "READING_UNKNOWN"


def test_a_reading_may_be_corrected_more_than_once(api, utility, home, ask, decide):
    for register in ("310", "300", "305"):
        decide(ask(register))
    [shown] = readings(api, utility, home)["items"]
    assert (shown["register"], shown["first_register"]) == ("305", "3100")


def test_what_was_billed_is_corrected_once_its_bill_is_cancelled(api, utility, home, ask, decide):
    utility.bill()
    assert ask(status=409)["code"] == "READING_BILLED"
    sent = {"bill_no": f"202602{home}01", "reason": "Misread."}
    asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200

    decide(ask())
    utility.bill()
    assert utility.bills(home).items[0].bill_no == f"202602{home}03"
    assert utility.contradictions() == []


def test_a_bill_that_comes_between_asking_and_approving_is_seen(utility, ask, decide):
    asked = ask()
    utility.bill()
    assert decide(asked, 409)["code"] == "READING_BILLED"


def test_the_database_itself_refuses_one_hand_or_a_bill_beneath(migrated, utility, home, ask):
    asked = ask()["correction_no"]
    [(asker,)] = utility.query(
        "SELECT principal_id FROM evergrid.reading_correction_event "
        f"WHERE reading_correction_id = {asked}"
    )
    correct = f"SELECT evergrid.correct_reading({asked}, {{}}, now())"
    every = "SET evergrid.bureau = '*'; "
    with pytest.raises(psycopg2.errors.RestrictViolation, match="another hand"):
        migrated.superuser(every + correct.format(asker))
    utility.bill()
    with pytest.raises(psycopg2.errors.RestrictViolation, match="a bill rests"):
        migrated.superuser(every + correct.format(asker + 1))


@pytest.mark.parametrize(
    ("register", "more", "status", "code"),
    [
        ("3100", {}, 409, "READING_UNCHANGED"),
        ("3,1", {}, 422, "REGISTER_MALFORMED"),
        ("12345678", {}, 422, "REGISTER_TOO_LONG"),
        ("310", {"at": AT - timedelta(microseconds=1)}, 404, "READING_UNKNOWN"),
        ("310", {"account_no": "1000000006"}, 404, "ACCOUNT_UNKNOWN"),
        ("310", {"account_no": "1000000005"}, 404, "READING_UNKNOWN"),
    ],
)
def test_what_cannot_be_is_refused(ask, register, more, status, code):
    assert ask(register, status, **more)["code"] == code


def test_neighbours_are_asked(utility, home, ask):
    utility.read([home], "3200", month=MARCH)
    refused = ask("3300", 409)
    assert refused["code"] == "READING_CONTRADICTED"
    later = MARCH.ends_at - timedelta(hours=4)
    assert ask("3000", 409, at=later)["code"] == "READING_BELOW_PREVIOUS"
    assert ask("3150", at=later)["state"] == "requested"


def test_one_request_at_a_time_and_none_decided_twice(ask, decide):
    asked = ask()
    assert ask("320", 409)["code"] == "READING_CORRECTION_PENDING"
    rejected = decide(asked, reason="The meter did show it.")
    assert rejected["events"][-1]["reason"] == "The meter did show it."
    assert decide(asked, 409)["code"] == "READING_CORRECTION_DECIDED"
    assert decide(asked, 409, reason="again")["code"] == "READING_CORRECTION_DECIDED"
    assert ask("320")["state"] == "requested"


def test_who_asked_may_not_approve_but_withdraw(api, utility, home, decide):
    sent = {"account_no": home, "read_at": AT.isoformat(), "register": "310", "reason": "Typo."}
    asked = api.post(PATH, OFFICER, utility.bureau, json=sent).json
    own = {"role": OFFICER, "bureau": utility.bureau}
    assert decide(asked, 403, **own)["code"] == "OWN_READING_CORRECTION"
    assert decide(asked, reason="It was right.", **own)["state"] == "rejected"


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**30])
def test_no_correction_has_such_a_number(api, number):
    answer = api.get(f"{PATH}/{number}", HEAD, None)
    assert (answer.status_code, answer.json["code"]) == (404, "READING_CORRECTION_UNKNOWN")


def test_two_approvals_at_once_are_one(utility, home, ask, api):
    asked = ask()
    codes = []

    def approve():
        path = f"{PATH}/{asked['correction_no']}/approvals"
        codes.append(api.post(path, HEAD, None, json={}).status_code)

    threads = [threading.Thread(target=approve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 409]
    assert utility.query(
        "SELECT count(*) FROM evergrid.superseding_reading WHERE bureau_id = {bureau}"
    ) == [(1,)]


def test_pages_of_readings_and_of_corrections(api, migrated, utility, home):
    utility.read([home], "3200", month=MARCH)
    first = readings(api, utility, home, "?limit=1")
    second = readings(api, utility, home, f"?limit=1&cursor={first['next_cursor']}")
    assert [page["items"][0]["register"] for page in (first, second)] == ["3200", "3100"]
    assert second["next_cursor"] is None
    others = utility.open_accounts(2)
    utility.read(others, "10")
    numbers = [corrections.ask(migrated.superuser, other) for other in others]
    page = api.get(f"{PATH}?limit=1", READER, utility.bureau).json
    rest = api.get(f"{PATH}?limit=1&cursor={page['next_cursor']}", READER, utility.bureau).json
    assert [page["items"][0]["correction_no"], rest["items"][0]["correction_no"]] == numbers[::-1]
    broken = api.get(f"/v1/accounts/{home}/readings?cursor=x", READER, utility.bureau)
    assert broken.json["code"] == "CURSOR_BROKEN"
