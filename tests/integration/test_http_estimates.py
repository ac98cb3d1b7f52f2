"""Estimated months over HTTP: made from bills, marked on the next, made good by what is read."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from service.domain.months import Month
from tests.integration.utilities import Utility

OFFICER, HEAD, READER = "billing_officer", "head_office", "reader"
JANUARY = Month(2026, 1)
APRIL, MAY, JUNE, JULY = (Month(2026, number) for number in (4, 5, 6, 7))


@pytest.fixture
def now():
    """A moment when July is over: the months before have bills."""
    return JULY.ends_at + timedelta(days=1)


@pytest.fixture
def clock(now):
    return lambda: now


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account that used 310, 290 and 330 kWh in three months, all of them billed."""
    [account_no] = utility.open_accounts(month=JANUARY)
    for month, register in ((JANUARY, "310"), (JANUARY.next, "600"), (JANUARY.plus(2), "930")):
        utility.read([account_no], register, month=month)
        utility.bill(month)
    return account_no


@pytest.fixture
def estimate(api, utility, home):
    """Estimate a month, as an officer of the bureau unless it says so."""

    def estimated(month=APRIL, status=201, *, role=OFFICER, account_no=home):
        path = f"/v1/accounts/{account_no}/estimates"
        sent = {"month": str(month), "reason": "Nobody at home."}
        bureau = None if role == HEAD else utility.bureau
        answer = api.post(path, role, bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return estimated


def bill(api, utility, account_no, month):
    bill_no = f"{month.year}{month.number:02}{account_no}01"
    return api.get(f"/v1/bills/{bill_no}", OFFICER, utility.bureau).json


def test_an_estimated_month_is_billed_as_one_and_made_good(api, utility, home, estimate):
    """Example E31."""
    made = estimate()
    assert (made["consumption_kwh"], made["register"], made["method"]) == (310, "1240", "mean")
    assert [each["kwh"] for each in made["basis"]] == [330, 290, 310]
    utility.bill(APRIL)
    told = bill(api, utility, home, APRIL)
    assert (told["consumption_kwh"], told["is_estimated"], told["settles_estimate"]) == (
        310, True, False,
    )  # fmt: skip
    assert all(line["why"].startswith("estimated: ") for line in told["lines"])

    utility.read([home], "1530", month=MAY)  # 600 in both months
    utility.bill(MAY)
    told = bill(api, utility, home, MAY)
    assert (told["consumption_kwh"], told["is_estimated"], told["settles_estimate"]) == (
        290, False, True,
    )  # fmt: skip
    assert not any(line["why"].startswith("estimated") for line in told["lines"])
    assert utility.contradictions() == []


def test_it_is_among_the_readings_and_says_what_it_came_from(api, utility, home, estimate):
    made = estimate()
    [shown, *_] = api.get(f"/v1/accounts/{home}/readings", READER, utility.bureau).json["items"]
    assert (shown["source"], shown["register"]) == ("estimate", "1240")
    path = f"/v1/accounts/{home}/estimates"
    assert api.get(path, READER, utility.bureau).json == {"items": [made], "next_cursor": None}
    assert made["made_by"] == f"billing_officer of {utility.bureau}"
    assert api.get(f"{path}?cursor=x", READER, utility.bureau).json["code"] == "CURSOR_BROKEN"


def test_pages_of_estimates(api, utility, home, estimate):
    months = [APRIL, MAY]
    for month in months:
        estimate(month)
        utility.bill(month)
    path = f"/v1/accounts/{home}/estimates?limit=1"
    first = api.get(path, READER, utility.bureau).json
    second = api.get(f"{path}&cursor={first['next_cursor']}", READER, utility.bureau).json
    assert [page["items"][0]["month"] for page in (first, second)] == [str(MAY), str(APRIL)]
    assert second["next_cursor"] is None


def test_the_third_in_a_row_is_for_the_head_office(utility, estimate):
    for month in (APRIL, MAY):
        estimate(month)
        utility.bill(month)
    assert estimate(JUNE, 403)["code"] == "ESTIMATES_EXHAUSTED"
    assert estimate(JUNE, role=HEAD)["consumption_kwh"] == 317  # (310 + 310 + 330) / 3


def test_after_somebody_has_read_the_meter_it_may_be_estimated_again(utility, home, estimate):
    for month in (APRIL, MAY):
        estimate(month)
        utility.bill(month)
    utility.read([home], "2000", month=JUNE)
    utility.bill(JUNE)
    assert estimate(JULY)["method"] == "mean"


def test_what_was_estimated_too_high_is_never_billed_as_a_roll_over(api, utility, estimate):
    [near_its_end] = utility.open_accounts(month=JANUARY, register="998000")
    for month, register in (
        (JANUARY, "998310"), (JANUARY.next, "998600"), (JANUARY.plus(2), "998930"),
    ):  # fmt: skip
        utility.read([near_its_end], register, month=month)
        utility.bill(month)
    estimate(account_no=near_its_end)
    sent = {
        "account_no": near_its_end,
        "register": "999000",  # estimated: 999240
        "read_at": (MAY.ends_at.isoformat()),
        "source": "manual",
    }
    told = api.post("/v1/readings", READER, utility.bureau, json={"readings": [sent]}).json
    assert told["results"][0]["code"] == "READING_BELOW_ESTIMATE"
    sent["is_roll_over_confirmed"] = True
    told = api.post("/v1/readings", READER, utility.bureau, json={"readings": [sent]}).json
    assert told["results"][0]["rolled_over"] is True, "a person saw it"


def correct(api, utility, account_no, read_at, register):
    sent = {"account_no": account_no, "read_at": read_at, "register": register, "reason": "Read."}
    asked = api.post("/v1/reading-corrections", READER, utility.bureau, json=sent).json
    path = f"/v1/reading-corrections/{asked['correction_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200


def cancel(api, utility, bill_no):
    sent = {"bill_no": bill_no, "reason": "Estimated too high."}
    asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200


def test_what_was_estimated_too_high_is_put_right_as_the_refusal_says(api, utility, home, estimate):
    made = estimate()
    utility.bill(APRIL)
    cancel(api, utility, f"202604{home}01")
    correct(api, utility, home, made["read_at"], "1200")
    utility.bill(APRIL)
    told = api.get(f"/v1/bills/202604{home}03", OFFICER, utility.bureau).json
    assert (told["consumption_kwh"], told["is_estimated"]) == (270, False)
    first = api.get(f"/v1/bills/202604{home}01", OFFICER, utility.bureau).json
    assert first["is_estimated"], "as it was issued"

    utility.read([home], "1230", month=MAY, before_end=timedelta(days=9))  # below the estimate
    utility.read([home], "1510", month=MAY)
    utility.bill(MAY)
    assert not bill(api, utility, home, MAY)["settles_estimate"]


def test_an_estimate_that_means_another_energy_by_now_is_looked_at(api, utility, home, estimate):
    made = estimate()
    cancel(api, utility, f"202603{home}01")
    march = (APRIL.starts_at - timedelta(hours=4)).isoformat()
    correct(api, utility, home, march, "601")  # the estimate was made from 930
    assert made["register"] == "1240"
    assert utility.bill(APRIL.previous).billed == 1
    run = utility.bill(APRIL)
    assert [failure.code for failure in run.failures] == ["READING_IN_QUESTION"]


def test_one_that_was_corrected_is_no_estimate_any_more(api, utility, home, estimate):
    estimate(APRIL)
    utility.bill(APRIL)
    made = estimate(MAY)
    correct(api, utility, home, made["read_at"], "1500")
    utility.bill(MAY)
    assert estimate(JUNE)["method"] == "mean", "it is the first in a row"


@pytest.mark.parametrize(
    ("month", "status", "code"),
    [
        (Month(2026, 3), 409, "MONTH_BILLED"),
        (Month(2026, 8), 422, "MONTH_NOT_CLOSED"),
        ("2026-13", 422, "MONTH_MALFORMED"),
    ],
)
def test_months_that_cannot_be_estimated(estimate, month, status, code):
    assert estimate(month, status)["code"] == code


def test_what_was_read_is_not_estimated(utility, home, estimate):
    utility.read([home], "1200", month=APRIL)
    assert estimate(APRIL, 409)["code"] == "METER_READ"
    assert estimate(MAY, 409)["code"] == "EARLIER_MONTH_UNBILLED"


def test_too_little_is_known_of_a_new_account(utility, estimate):
    [new] = utility.open_accounts(month=APRIL)
    assert estimate(APRIL, 409, account_no=new)["code"] == "HISTORY_MISSING"
    assert estimate(APRIL, 404, account_no="1000000005")["code"] == "ACCOUNT_UNKNOWN"


def test_two_at_once_are_one(estimate, utility, home):
    codes = []

    def again():
        try:
            estimate()
        except AssertionError:
            codes.append("refused")
        else:
            codes.append("made")

    threads = [threading.Thread(target=again) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["made", "refused"]
    assert utility.query(
        "SELECT count(*) FROM evergrid.reading_estimate WHERE bureau_id = {bureau}"
    ) == [(1,)]
