"""People who sign in, as the tests meet them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from falcon.testing import Result, TestClient

from service.domain.access_tokens import Keys
from service.usecases.hashing import Hashing
from service.usecases.identity import Identity

KEYS = Keys("k" * 32)
# What a hash costs is measured elsewhere; here there are hundreds.
IDENTITY = Identity(keys=KEYS, hashing=Hashing(memory_kib=64, passes=1))
NUMBERS = itertools.count(1)
_HOMES = (f"10.10.{n // 250}.{n % 250 + 1}" for n in itertools.count())


class MovingClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


@dataclass(frozen=True)
class Person:
    """
    Somebody with a browser, at an address of their own.

    Failures of all tests from one address would add up, until it has to wait.
    """

    client: TestClient
    user_name: str
    address: str = field(default_factory=lambda: next(_HOMES))

    @classmethod
    def added(cls, client: TestClient, administrator: str, **fields: object) -> Person:
        """Add one, as the bearer of the token `administrator`."""
        person = cls(client, f"person.{next(NUMBERS)}")
        added = person.post(
            "/v1/staff",
            administrator,
            json={"user_name": person.user_name, "full_name": "李明"} | fields,
        )
        assert added.status_code == 201, added.text
        return person

    def post(self, path: str, token: str | None, *, key: str | None = None, **more: object):
        """Act, under a fresh Idempotency-Key unless said otherwise."""
        more.setdefault("json", {})
        return self._sent("POST", path, token, key=key, **more)

    def sign_in(
        self,
        password: object,
        *,
        user_name: str | None = None,
        key: str | None = None,
        address: str | None = None,
    ) -> Result:
        """Try to sign in, from an address that the load balancer saw."""
        return self.post(
            "/v1/sessions",
            None,
            key=key,
            json={"user_name": user_name or self.user_name, "password": password},
            headers={"X-Forwarded-For": address or self.address},
        )

    def change_password(
        self, token: str, current: str, new: str, *, key: str | None = None
    ) -> Result:
        """Change one's own password."""
        sent = {"current_password": current, "new_password": new}
        return self.post("/v1/password-changes", token, key=key, json=sent)

    def sign_out(self, token: str) -> Result:
        """End the session of the token."""
        return self._sent("DELETE", "/v1/sessions/current", token)

    def prices(self, token: str) -> Result:
        """Do something that everybody may."""
        return self._sent("GET", "/v1/prices?on=2026-04-01", token)

    def _sent(
        self, method: str, path: str, token: str | None, *, key: str | None = None, **more: object
    ) -> Result:
        headers = {"Idempotency-Key": key or f"person-{next(NUMBERS)}"}
        headers |= more.pop("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.simulate_request(method, path, headers=headers, **more)
