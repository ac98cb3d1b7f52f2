"""Consistency-Tokens as clients of the API send and receive them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.domain.consistency import parsed
from service.store import replica_pool, replicas
from service.store.database import Database
from tests.integration.sign_ins import IDENTITY

sys.path.insert(0, str(Path(__file__).parent))
import reads  # tests are no package

PAYMENT = {"amount_fen": 500, "channel": "hall", "channel_serial": "H-1"}


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine may take long to open a connection to a replica."""
    monkeypatch.setattr(replica_pool, "_OPENED_S", 10.0)
    monkeypatch.setattr(replicas, "_LONGEST_S", 20.0)


@pytest.fixture
def pay(api, account_no):
    def paid(serial: str, key: str | None = None):
        serial = f"{serial}-{account_no}"
        body = PAYMENT | {"account_no": account_no, "channel_serial": serial}
        return api.post("/v1/payments", "hall_clerk", key=key, json=body)

    return paid


def token_of(answer) -> str:
    token = answer.headers["consistency-token"]
    assert parsed(token) is not None
    return token


def test_a_write_is_answered_with_a_token_that_a_read_may_send(api, pay, account_no):
    token = token_of(pay("one"))
    read = api.get(
        f"/v1/accounts/{account_no}", "hall_clerk", 1, headers={"Consistency-Token": token}
    )
    assert read.json["balance"]["prepayment_fen"] == 500
    assert token_of(read) >= token


def test_a_repeated_answer_is_vouched_for_with_a_token_of_its_own(pay):
    first = pay("one", key="the-same")
    again = pay("one", key="the-same")
    assert again.content == first.content
    assert token_of(again) > token_of(first)


def test_a_payment_is_looked_for_on_the_primary(api, pay):
    found = pay("one").headers["location"]
    read, by = reads.answered(lambda: api.get(found, "hall_clerk", 1))
    assert (read.status_code, by) == (200, ("primary", "money"))


@pytest.mark.parametrize("sent", ["", "3/0/1A2B3C8", "newest", "00000001/000000000000000"])
def test_a_token_that_is_none_of_ours_is_refused(api, account_no, sent):
    answered = api.get(f"/v1/accounts/{account_no}", headers={"Consistency-Token": sent})
    assert (answered.status_code, answered.json["code"]) == (400, "CONSISTENCY_TOKEN_MALFORMED")
    assert "unchanged" in answered.json["hint"]


def test_who_reads_is_found_out_without_a_primary(server, migrated, api, account_no, clock):
    """Reading goes on while the primary is away; so must knowing who reads."""
    paths = {"Authorization": f"Bearer {api.token('hall_clerk', 1)}"}
    with reads.running(type(server), replica_of=server) as replica:
        database = reads.database(1, replica)
        client = TestClient(
            create_app(
                database=database,
                identity=IDENTITY,
                clock=clock,
                deadline_s=20,
                host="app1",
                version="1",
            )
        )
        began = time.monotonic()
        read = client.simulate_get(f"/v1/accounts/{account_no}", headers=paths)
        assert (read.status_code, read.json["account_no"]) == (200, account_no)
        assert database.is_away
        again = client.simulate_get(f"/v1/accounts/{account_no}", headers=paths)
        assert again.status_code == 200
        assert time.monotonic() - began < 10
        assert client.simulate_get("/ready").json["can_read"]
        database.close()


def test_what_a_replica_says_of_a_caller_is_not_remembered(
    server, migrated, api, account_no, clock
):
    """A token that is revoked once there is a primary again must not live on in memory."""
    token = api.token("auditor", 1)
    asked = {"Authorization": f"Bearer {token}"}
    with reads.running(type(server), replica_of=server) as replica:
        database = reads.database(1, replica)
        client = TestClient(
            create_app(
                database=database,
                identity=IDENTITY,
                clock=clock,
                deadline_s=20,
                host="app1",
                version="1",
            )
        )
        for _ in ("the primary falls silent", "it is known to be away"):
            read = client.simulate_get(f"/v1/accounts/{account_no}", headers=asked)
            assert read.status_code == 200
        back = Database(dsn=server.dsn("evergrid_api"), connections_max=1)
        database.primary_to_read = back.primary_to_read
        server.superuser(
            "UPDATE evergrid.api_token SET revoked_at = now() FROM evergrid.principal "
            "WHERE principal.principal_id = api_token.principal_id "
            "AND principal.name = 'auditor of 1'"
        )
        refused = client.simulate_get(f"/v1/accounts/{account_no}", headers=asked)
        assert refused.json["code"] == "TOKEN_REVOKED"
        database.close()
