"""Attempts to prove who one is: counted before they are judged, so that guessing takes time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain import lockouts
from service.domain.access_tokens import Keys
from service.store import sign_ins as store
from service.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who was meant, where from: as fingerprints, because a name may be a mistyped password."""

    user: bytes
    address: bytes


def attempt(*, keys: Keys, user_name: str, address: str) -> Attempt:
    """Return what the failures of a name, of an address are counted under."""
    return Attempt(
        user=user(keys, user_name),
        address=keys.fingerprint("address", lockouts.network_of(address)),
    )


def user(keys: Keys, user_name: str) -> bytes:
    """Return what the failures of a name are counted under."""
    return keys.fingerprint("user", user_name)


def count(transaction: Transaction, made: Attempt, *, now: datetime) -> None:
    """
    Count an attempt as failed until it is forgiven.

    :raises SignInDelayed: if the name or the address must wait; then it is not counted
    """
    # Always the name first: two that hold each other's would wait for ever.
    user = store.hold(transaction, subject=made.user, now=now)
    address = store.hold(transaction, subject=made.address, now=now)
    lockouts.check(user, address, now=now)
    for subject, before, free in (
        (made.user, user, lockouts.FREE_OF_USER),
        (made.address, address, lockouts.FREE_OF_ADDRESS),
    ):
        counted = lockouts.counted(before, now=now, free=free)
        store.count(transaction, subject=subject, counted=counted)
