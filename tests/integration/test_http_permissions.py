"""Tokens over HTTP: what is none, what has ended; who may do what is in the matrix."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.usecases.principals import revoke_tokens
from tests.integration.sign_ins import IDENTITY


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("Basic dXNlcjpwYXNz", "TOKEN_MISSING"),
        ("Bearer", "TOKEN_MISSING"),
        ("Bearer nonsense", "TOKEN_UNKNOWN"),
        ("Bearer evergrid_" + "A" * 43, "TOKEN_UNKNOWN"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(client, authorization, code):
    answered = client.simulate_get("/v1/accounts", headers={"Authorization": authorization})
    assert (answered.status_code, answered.json["code"]) == (401, code)


def test_the_name_of_the_scheme_may_be_written_in_any_case(client, token):
    authorization = f"bearer {token('auditor', None)}"
    answered = client.simulate_get(
        "/v1/prices?on=2026-04-01", headers={"Authorization": authorization}
    )
    assert answered.status_code == 200


def test_an_answer_tells_the_edge_whose_token_it_was_refusals_too(api, client, caller):
    """The edge counts by it; without a database, or a token, there is nobody to tell of."""
    clerk = caller("hall_clerk", 1)
    told = f"{clerk.principal_id};hall_clerk;{quote(clerk.name, safe='')}"
    for path in ("/v1/accounts/1000000006", "/v1/bill-runs/1", "/v1/accounts"):
        assert api.get(path, "hall_clerk", 1).headers["evergrid-principal"] == told
    guess = {"Authorization": "Bearer evergrid_" + "A" * 43}
    for headers in ({}, guess):
        answered = client.simulate_get("/v1/accounts", headers=headers)
        assert "evergrid-principal" not in answered.headers


def test_a_token_ends_with_its_days(database, token, now):
    later = create_app(
        database=database,
        identity=IDENTITY,
        clock=lambda: now + timedelta(days=2),
        deadline_s=20,
        host="app1",
        version="1",
    )
    authorization = f"Bearer {token('auditor', None, days=1)}"
    answered = TestClient(later).simulate_get(
        "/v1/accounts", headers={"Authorization": authorization}
    )
    assert (answered.status_code, answered.json["code"]) == (401, "TOKEN_EXPIRED")


def test_a_revoked_token_passes_no_longer_than_it_is_remembered(
    client, token, caller, owner_database, now, deadline, monkeypatch
):
    headers = {"Authorization": f"Bearer {token('auditor', 2)}"}
    path = "/v1/prices?on=2026-04-01"
    assert client.simulate_get(path, headers=headers).status_code == 200
    name = caller("auditor", 2).name
    assert revoke_tokens(database=owner_database, name=name, now=now, deadline=deadline) >= 1
    assert client.simulate_get(path, headers=headers).status_code == 200  # remembered
    monkeypatch.setattr("service.api.authentication.time.monotonic", lambda ahead=deadline: ahead)
    answered = client.simulate_get(path, headers=headers)
    assert (answered.status_code, answered.json["code"]) == (401, "TOKEN_REVOKED")
