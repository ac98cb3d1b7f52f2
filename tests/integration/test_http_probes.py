"""What the operations staff ask of a process, and what it says about each request."""

from __future__ import annotations

import logging
import re

import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.store.database import Database
from tests.integration.sign_ins import IDENTITY


@pytest.fixture
def cut_off(clock):
    """The API of a process that finds no database."""
    away = Database(dsn="host=127.0.0.1 port=1 dbname=evergrid", connections_max=1)
    return TestClient(
        create_app(
            database=away,
            identity=IDENTITY,
            clock=clock,
            deadline_s=0.3,
            host="app1",
            version="1.2.3",
        )
    )


def test_a_process_without_a_database_lives(cut_off):
    assert cut_off.simulate_get("/live").json == {"alive": True}


def test_a_process_without_a_database_is_not_ready_and_says_why(cut_off):
    answered = cut_off.simulate_get("/ready")
    assert answered.status_code == 503
    assert (answered.json["can_read"], answered.json["can_write"]) == (False, False)
    assert answered.json["detail"] == "no primary answers: requests wait for the next one"


def test_a_process_with_its_primary_is_ready(client):
    answered = client.simulate_get("/ready")
    assert answered.status_code == 200
    assert answered.json["is_ready"]


def test_a_process_whose_database_only_reads_is_not_ready_and_says_so(migrated, clock):
    """What a primary under a switchover looks like for a moment."""
    read_only = migrated.dsn("evergrid_api") + " options='-c default_transaction_read_only=on'"
    database = Database(dsn=read_only, connections_max=1)
    app = create_app(
        database=database, identity=IDENTITY, clock=clock, deadline_s=20, host="app1", version="1"
    )
    answered = TestClient(app).simulate_get("/ready")
    database.close()
    assert answered.status_code == 503
    assert (answered.json["can_read"], answered.json["can_write"]) == (True, False)


def test_a_process_says_which_release_it_is_and_where(client):
    assert client.simulate_get("/version").json == {"version": "1.2.3", "host": "app1"}


def test_requests_are_counted_by_the_template_of_their_route(client, api, account_no):
    def counted():
        text = client.simulate_get("/metrics").text
        found = re.findall(r"evergrid_http_requests_total{(.*?)} (\S+)", text)
        return {labels: float(value) for labels, value in found}

    label = 'method="GET",route="/v1/accounts/{account_no}",status="200"'
    before = counted().get(label, 0)
    api.get(f"/v1/accounts/{account_no}")
    client.simulate_get("/anything/at/all")
    after = counted()
    assert after[label] == before + 1
    assert not any(account_no in labels or "anything" in labels for labels in after)
    assert 'method="GET",route="unknown",status="404"' in after


def test_an_answer_is_nobody_elses(client):
    headers = client.simulate_get("/live").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_request_keeps_the_name_its_client_gave_it(client):
    named = client.simulate_get("/live", headers={"X-Request-Id": "hall-7:2026.04_15"})
    assert named.headers["x-request-id"] == "hall-7:2026.04_15"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "forged\tline", "é"])
def test_a_name_that_cannot_be_logged_is_replaced(client, name):
    answered = client.simulate_get("/live", headers={"X-Request-Id": name})
    assert re.fullmatch("[0-9a-f]{16}", answered.headers["x-request-id"])


def test_an_act_is_one_line_of_the_log_that_reads_as_a_sentence(api, account_no, caplog):
    caplog.set_level(logging.INFO, "service.api.observation")
    order = {"account_no": account_no, "amount_fen": 5, "channel": "hall", "channel_serial": "log"}
    api.post("/v1/payments", "hall_clerk", json=order, headers={"X-Request-Id": "seen"})
    (line,) = caplog.messages
    sentence = r"POST /v1/payments answered 201 to .* \(hall_clerk of bureau 1\) in [\d.]+ ms, "
    assert re.fullmatch(sentence + r"request seen\.", line)


def test_what_is_searched_for_stays_out_of_the_log(api, caplog):
    caplog.set_level(logging.DEBUG, "service.api.observation")
    api.get("/v1/accounts", params={"phone": "13999990001"})
    assert caplog.messages
    assert "13999990001" not in caplog.text
