"""What is known of households, over HTTP: from a month on, with proof, never for what is billed."""

from __future__ import annotations

import pytest

from tests.integration.utilities import Utility

TERM = {"from_month": "2026-05", "persons": 6, "document_no": "Register 650102-118"}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account whose February is billed."""
    [account_no] = utility.open_accounts()
    utility.read([account_no], "310")
    utility.bill()
    return account_no


@pytest.fixture
def record(api, utility):
    """Record a term at the counter; the answer must have the status that is expected."""

    def recorded(account_no, status=201, **changed):
        path = f"/v1/accounts/{account_no}/household-terms"
        answer = api.post(path, "hall_clerk", utility.bureau, json=TERM | changed)
        assert answer.status_code == status, answer.text
        return answer.json

    return recorded


def test_every_term_is_kept_with_who_recorded_it(api, utility, home, record):
    record(home)
    record(home, from_month="2026-03", persons=4, subsidy="low_income", document_no="R 2")

    path = f"/v1/accounts/{home}/household-terms"
    found = api.get(path, "auditor").json

    assert found["account_no"] == home
    assert [
        (each["from_month"], each["persons"], each["has_wider_tiers"], each["has_free_energy"])
        for each in found["items"]
    ] == [("2026-05", 6, True, False), ("2026-03", 4, False, True)]
    assert found["items"][0]["recorded_by"] == f"hall_clerk of {utility.bureau}"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"from_month": "2026-02"}, 409, "TERM_BILLED"),
        ({"from_month": "2025-12"}, 409, "TERM_BILLED"),
        ({"from_month": "2026-13"}, 422, "MONTH_MALFORMED"),
        ({"persons": 0}, 422, "BODY_INVALID"),
        ({"subsidy": "rich"}, 422, "BODY_INVALID"),
    ],
)
def test_what_is_billed_or_no_term_is_refused(record, home, changed, status, code):
    assert record(home, status, **changed)["code"] == code


def test_two_terms_do_not_begin_in_one_month(record, home):
    record(home)
    assert record(home, 409, persons=2)["code"] == "TERM_TAKEN"


def test_a_shop_is_no_household(record, utility):
    [shop] = utility.open_accounts(category="commercial")
    assert record(shop, 422)["code"] == "NOT_A_HOUSEHOLD"


@pytest.mark.parametrize("account_no", ["1000000000", "123"])
def test_an_account_that_nobody_has_is_unknown(record, api, account_no):
    assert record(account_no, 404)["code"] == "ACCOUNT_UNKNOWN"
    assert api.get(f"/v1/accounts/{account_no}/household-terms").status_code == 404
