"""A request that acts once, however often it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.domain.errors import Conflict


class KeyReused(Conflict):
    """One Idempotency-Key came with two different requests."""

    code = "IDEMPOTENCY_KEY_REUSED"
    hint = "Send a fresh Idempotency-Key with a new request; repeat a request unchanged."


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a request recognisable: the client's key, the hash of all it asked for."""

    key: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client was told, kept word for word."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
