"""The HTTP API on the real database, called the way its clients call it."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from falcon.testing import Result, TestClient
from prometheus_client import REGISTRY

from service.api.app import create_app
from service.domain import account_numbers
from service.store.database import Database
from service.usecases.principals import issue_token
from tests.integration.sign_ins import IDENTITY

KEYS = itertools.count(1)
NUMBERS = itertools.count(500_000_000)


@pytest.fixture(scope="session")
def owner_database(migrated) -> Iterator[Database]:
    """The database as the operations staff's commands reach it."""
    database = Database(dsn=migrated.dsn("evergrid_owner"), connections_max=2)
    yield database
    database.close()


@pytest.fixture
def token(owner_database, caller, clock) -> Callable[..., str]:
    """Issue tokens: `token("hall_clerk", bureau=1)`."""

    def issued(role: str, bureau: int | None = 1, days: int = 30) -> str:
        return issue_token(
            database=owner_database,
            name=caller(role, bureau).name,
            days=days,
            make_secret=lambda: secrets.token_urlsafe(32),
            now=clock(),
            deadline=time.monotonic() + 20,
        )

    return issued


@dataclass(frozen=True)
class Api:
    """A client of the API, with a token for every role."""

    client: TestClient
    token: Callable[..., str]

    def get(
        self, path: str, role: str = "head_office", bureau: int | None = None, **options: Any
    ) -> Result:
        """Read as a role; the head office unless said otherwise."""
        headers = {"Authorization": f"Bearer {self.token(role, bureau)}"} | options.pop(
            "headers", {}
        )
        return self.client.simulate_get(path, headers=headers, **options)

    def post(
        self,
        path: str,
        role: str,
        bureau: int | None = 1,
        *,
        key: str | None = None,
        **options: Any,
    ) -> Result:
        """Act as a role; under a fresh Idempotency-Key unless said otherwise."""
        headers = {
            "Authorization": f"Bearer {self.token(role, bureau)}",
            "Idempotency-Key": key or f"http-{next(KEYS)}",
        } | options.pop("headers", {})
        return self.client.simulate_post(path, headers=headers, **options)


@pytest.fixture
def client(database, clock) -> TestClient:
    """The API as nobody in particular."""
    return TestClient(
        create_app(
            database=database,
            identity=IDENTITY,
            clock=clock,
            deadline_s=20,
            host="app1",
            version="1.2.3",
        )
    )


@pytest.fixture
def api(client, token) -> Api:
    """The API, with a token for every role."""
    return Api(client, token)


@pytest.fixture
def new_account() -> Callable[..., dict[str, Any]]:
    """Make lines of an import, each for an account and a meter of its own."""

    def made(**changed: Any) -> dict[str, Any]:
        number = next(NUMBERS)
        meter = {
            "asset_no": f"HTTP-{number}",
            "digits": 6,
            "decimals": 1,
            "multiplier": "1",
            "installed_at": "2026-01-01T09:00:00+08:00",
            "initial_register": "0",
        } | changed.pop("meter", {})
        return {
            "account_no": account_numbers.account_no(number),
            "name": "李明",
            "phone": "13999990001",
            "address": "人民路 1 号 1-101",
            "category": "residential",
            "opened_on": "2026-01-01",
            "bureau": 1,
            "meter": meter,
        } | changed

    return made


@pytest.fixture
def send_lines(api) -> Callable[..., Result]:
    """Import lines, each a dict or raw bytes."""

    def sent(*lines: dict[str, Any] | bytes, bureau: int | None = None, **options: Any) -> Result:
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        return api.post(
            "/v1/account-imports",
            "data_migrator",
            bureau,
            body=b"\n".join(raw),
            content_type="application/x-ndjson",
            **options,
        )

    return sent


@pytest.fixture
def account_no(send_lines, new_account) -> str:
    """The number of a fresh account of bureau 1."""
    result = send_lines(new_account())
    assert result.json["accepted"] == 1, result.text
    return str(result.json["results"][0]["account_no"])


@pytest.fixture
def counted() -> Callable[[], Counter[tuple[str, str]]]:
    """Tell how many attempts to sign in were counted since, by the way and the result."""

    def found() -> Counter[tuple[str, str]]:
        (family,) = (f for f in REGISTRY.collect() if f.name == "evergrid_sign_ins")
        return Counter(
            {
                (sample.labels["by"], sample.labels["result"]): int(sample.value)
                for sample in family.samples
                if sample.name.endswith("_total")
            }
        )

    before = found()
    return lambda: found() - before
