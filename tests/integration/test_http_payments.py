"""Taking payments over HTTP: once, however often they are sent."""

from __future__ import annotations

import itertools

import pytest

SERIALS = itertools.count(1)


@pytest.fixture
def payment(account_no):
    return {
        "account_no": account_no,
        "amount_fen": 12_345,
        "channel": "hall",
        "channel_serial": f"H-{next(SERIALS)}",
    }


def test_a_payment_is_answered_with_its_receipt_and_where_to_read_it(api, payment):
    taken = api.post("/v1/payments", "hall_clerk", json=payment)
    assert taken.status_code == 201, taken.text
    assert taken.json["prepayment_fen"] == 12_345
    assert taken.json["allocations"] == []
    read = api.get(taken.headers["location"])
    assert read.status_code == 200
    assert read.json == taken.json


def test_a_repeated_payment_is_taken_once_and_answered_word_for_word(api, payment):
    first = api.post("/v1/payments", "hall_clerk", key="repeated", json=payment)
    again = api.post("/v1/payments", "hall_clerk", key="repeated", json=payment)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    account = api.get(f"/v1/accounts/{payment['account_no']}").json
    assert account["balance"] == {"receivable_fen": 0, "prepayment_fen": 12_345}


def test_a_key_used_for_another_payment_is_refused(api, payment):
    api.post("/v1/payments", "hall_clerk", key="reused", json=payment)
    other = api.post("/v1/payments", "hall_clerk", key="reused", json=payment | {"amount_fen": 1})
    assert (other.status_code, other.json["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_key_is_another_one_on_another_path(api, payment):
    api.post("/v1/payments", "hall_clerk", key="two-paths", json=payment)
    run = api.post(
        "/v1/bill-runs", "billing_officer", key="two-paths", json={"month": "2026-03", "bureau": 2}
    )
    assert run.json["code"] == "BUREAU_UNKNOWN"


def test_a_payment_of_another_bureau_is_not_found(api, payment):
    taken = api.post("/v1/payments", "hall_clerk", json=payment)
    read = api.get(taken.headers["location"], "hall_clerk", bureau=2)
    assert (read.status_code, read.json["code"]) == (404, "PAYMENT_UNKNOWN")


def test_a_payment_for_an_account_of_another_bureau_is_not_taken(api, payment):
    refused = api.post("/v1/payments", "hall_clerk", 2, json=payment)
    assert (refused.status_code, refused.json["code"]) == (404, "ACCOUNT_UNKNOWN")


def test_the_statement_shows_what_moved_the_balance(api, payment):
    api.post("/v1/payments", "hall_clerk", json=payment)
    statement = api.get(f"/v1/accounts/{payment['account_no']}/statement")
    assert statement.status_code == 200
    assert [entry["amount_fen"] for entry in statement.json["items"]] == [-12_345]
    assert statement.json["next_cursor"] is None


def test_what_the_client_has_already_is_not_sent_again(api, payment):
    path = f"/v1/accounts/{payment['account_no']}"
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    api.post("/v1/payments", "hall_clerk", json=payment)
    changed = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
