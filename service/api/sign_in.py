"""What the resources around signing in share: where a request comes from, what proves it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from service.api.requests import Request
from service.store.database import Database
from service.usecases.identity import Identity

# A password may hold any character that can be typed; its length is judged by the domain.
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
_NOWHERE = "0.0.0.0"  # noqa: S104  an address that nobody has, no binding


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing more than the path says: an empty object."""


class IdentityResource:
    """
    A path around signing in; its responders read, call one use case, answer.

    `database` is for requests of nobody yet; those of a caller have their own (`req.database`).
    """

    def __init__(
        self, *, clock: Callable[[], datetime], database: Database, identity: Identity
    ) -> None:
        self._clock = clock
        self._database = database
        self._identity = identity


def address_of(req: Request) -> str:
    """
    Return the address of the client.

    The load balancer drops what clients send as X-Forwarded-For, then writes what it saw: the last.
    A zone behind it (fe80::1%eth0, RFC 4007) is the load balancer's own name of a link: left out.
    """
    forwarded = req.get_header("X-Forwarded-For", default="").rpartition(",")[2].strip()
    for found in (forwarded, req.remote_addr or ""):
        try:
            return str(ipaddress.ip_address(found.partition("%")[0]))
        except ValueError:
            continue
    return _NOWHERE
