"""Secrets: the passwords one cluster runs on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from secrets import token_urlsafe

BYTES = 24  # 192 bits; 32 characters of the URL alphabet, so that no file has to escape one


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secrets:
    """
    Every password of a cluster. Shown as an address only, so that no log repeats one.

    `signing_key` signs the access tokens of people who signed in.

    VRRP has none: version 3 of the protocol dropped authentication (RFC 5798 §9).
    """

    postgres_password: str
    replicator_password: str
    rewind_password: str
    owner_password: str
    api_password: str
    worker_password: str
    audit_password: str
    patroni_password: str
    signing_key: str


def generate() -> Secrets:
    """Return fresh secrets, each of `BYTES` random bytes."""
    return Secrets(**{field.name: token_urlsafe(BYTES) for field in fields(Secrets)})
