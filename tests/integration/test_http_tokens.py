"""A program's token: what it is limited to, when it was last used."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

import psycopg2
import pytest
from falcon.testing import TestClient

from service.api import authentication
from service.api.app import create_app
from service.domain import tokens
from service.store.database import Database
from service.usecases import principals
from tests.integration.sign_ins import IDENTITY

PRICES, ACCOUNTS = "/v1/prices?on=2026-04-01", "/v1/accounts?phone=13999990001"


@pytest.fixture
def issue(owner_database, caller, now):
    def issued(role="channel", operations=()):
        return principals.issue_token(
            database=owner_database,
            name=caller(role).name,
            operations=operations,
            make_secret=lambda: secrets.token_urlsafe(32),
            now=now,
            deadline=time.monotonic() + 20,
        )

    return issued


@pytest.fixture
def last_used_at(migrated):
    def found(token):
        fingerprint = tokens.fingerprint(token).hex()
        [(used_at,)] = migrated.superuser(
            "SELECT last_used_at FROM evergrid.api_token "
            f"WHERE token_sha256 = decode('{fingerprint}', 'hex')"
        )
        return used_at

    return found


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_limited_token_does_what_it_is_for_and_nothing_else_of_its_role(client, issue):
    headers = bearing(issue(operations=["prices.read"]))

    assert client.simulate_get(PRICES, headers=headers).status_code == 200
    refused = client.simulate_get(ACCOUNTS, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (403, "TOKEN_LIMITED")


def test_a_token_from_before_there_were_limits_does_all_that_its_role_does(
    client, caller, migrated
):
    token = tokens.PREFIX + secrets.token_urlsafe(32)
    migrated.superuser(
        "INSERT INTO evergrid.api_token (token_sha256, principal_id, issued_at, expires_at) "
        f"VALUES (decode('{tokens.fingerprint(token).hex()}', 'hex'), "
        f"{caller('channel').principal_id}, '2026-01-01', '2027-01-01')"
    )

    for path in (PRICES, ACCOUNTS):
        assert client.simulate_get(path, headers=bearing(token)).status_code == 200


def test_the_last_use_of_a_token_is_noted_to_the_hour(database, issue, last_used_at, now):
    token = issue()

    def read(moment):
        app = create_app(
            database=database,
            identity=IDENTITY,
            clock=lambda: moment,
            deadline_s=20,
            host="app1",
            version="1",
        )
        assert TestClient(app).simulate_get(PRICES, headers=bearing(token)).status_code == 200
        return last_used_at(token)

    assert last_used_at(token) is None
    assert read(now) == now
    assert read(now + timedelta(minutes=59)) == now
    assert read(now + timedelta(minutes=60)) == now + timedelta(minutes=60)


@pytest.fixture
def impatient(migrated):
    """The database as the API reaches it, where no lock is waited for longer than a moment."""
    dsn = migrated.dsn("evergrid_api") + " options='-c lock_timeout=50ms'"
    database = Database(dsn=dsn, connections_max=4)
    yield database
    database.close()


def test_a_use_that_cannot_be_noted_keeps_nobody_waiting(
    impatient, issue, last_used_at, migrated, now, monkeypatch
):
    token, other = issue(), issue()
    app = create_app(
        database=impatient,
        identity=IDENTITY,
        clock=lambda: now,
        deadline_s=20,
        host="a",
        version="1",
    )
    noted = []
    note_use = authentication.note_use
    monkeypatch.setattr(
        authentication, "note_use", lambda **use: noted.append(1) or note_use(**use)
    )

    with psycopg2.connect(migrated.dsn("postgres")) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE evergrid.api_token IN SHARE MODE")  # reading goes on
        for lent in (token, other):
            answered = TestClient(app).simulate_get(PRICES, headers=bearing(lent))
            assert answered.status_code == 200
    holder.close()

    assert len(noted) == 1  # the second caller is not even asked to wait
    assert (last_used_at(token), last_used_at(other)) == (None, None)
