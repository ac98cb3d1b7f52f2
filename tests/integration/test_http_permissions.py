"""Who may do what over HTTP: every role on every operation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from falcon.testing import TestClient

from service.api.app import BUSINESS, create_app
from service.api.operations import of
from service.domain.permissions import OPERATIONS
from service.domain.principals import Role
from service.usecases.principals import revoke_tokens
from tests.integration.sign_ins import IDENTITY

HEAD, OFFICER, CLERK = Role.HEAD_OFFICE, Role.BILLING_OFFICER, Role.HALL_CLERK
READER, CHANNEL, AUDITOR, MIGRATOR = Role.READER, Role.CHANNEL, Role.AUDITOR, Role.DATA_MIGRATOR
EVERYONE = set(Role)
WHO_SEES_MONEY = {CLERK, CHANNEL, OFFICER, HEAD, AUDITOR}

# Written out by hand on purpose: a slip in `permissions.OPERATIONS` must not pass as its own proof.
WHO_MAY = {
    ("post", "/v1/account-imports"): {MIGRATOR},
    ("get", "/v1/accounts"): EVERYONE,
    ("get", "/v1/accounts/{account_no}"): EVERYONE,
    ("get", "/v1/accounts/{account_no}/bills"): EVERYONE - {MIGRATOR},
    ("get", "/v1/accounts/{account_no}/statement"): WHO_SEES_MONEY,
    ("post", "/v1/readings"): {READER, MIGRATOR},
    ("get", "/v1/prices"): EVERYONE,
    ("post", "/v1/bill-runs"): {OFFICER, HEAD},
    ("get", "/v1/bill-runs/{bill_run_id}"): {OFFICER, HEAD, AUDITOR},
    ("get", "/v1/bills/{bill_no}"): EVERYONE - {MIGRATOR},
    ("post", "/v1/payments"): {CLERK, CHANNEL},
    ("get", "/v1/payments/{payment_no}"): WHO_SEES_MONEY,
}
READABLE = {  # a request of each kind that is well-formed, whether or not it finds anything
    "/v1/account-imports": {"body": b"{}", "content_type": "application/x-ndjson"},
    "/v1/accounts": {"params": {"phone": "13999990001"}},
    "/v1/readings": {"json": {"readings": []}},
    "/v1/prices": {"params": {"on": "2026-04-01"}},
    "/v1/bill-runs": {"json": {"month": "2026-05", "bureau": 1}},
    "/v1/payments": {
        "json": {"account_no": "1", "amount_fen": 0, "channel": "hall", "channel_serial": "1"}
    },
}
PARAMETERS = {
    "account_no": "1000000006",
    "bill_run_id": 1,
    "bill_no": "2" * 18,
    "payment_no": "20260401" + "0" * 12,
}


def routes():
    for template, resource in BUSINESS.items():
        for method in ("get", "post"):
            if hasattr(resource, f"on_{method}"):
                yield method, template.replace(":int", "")


def test_the_table_covers_every_route():
    assert set(WHO_MAY) == set(routes())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "template"), WHO_MAY)
def test_a_role_may_do_what_the_table_says_and_nothing_else(api, method, template, role):
    options = READABLE.get(template, {})
    answered = getattr(api, method)(template.format(**PARAMETERS), role, 1, **options)
    if role in WHO_MAY[method, template]:
        assert answered.status_code not in {401, 403, 500}, answered.text
    else:
        assert (answered.status_code, answered.json["code"]) == (403, "ROLE_FORBIDDEN")


@pytest.mark.parametrize(("method", "template"), WHO_MAY)
def test_the_description_promises_the_same_roles(method, template):
    resource = next(r for path, r in BUSINESS.items() if path.replace(":int", "") == template)
    promised = of(getattr(resource, f"on_{method}"))
    assert set(OPERATIONS[promised.permission]) == WHO_MAY[method, template]


@pytest.mark.parametrize(("method", "template"), WHO_MAY)
def test_without_a_token_nothing_is_answered(client, method, template):
    answered = client.simulate_request(method.upper(), template.format(**PARAMETERS))
    assert (answered.status_code, answered.json["code"]) == (401, "TOKEN_MISSING")
    assert answered.headers["www-authenticate"] == 'Bearer realm="evergrid"'


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
