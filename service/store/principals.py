"""Principals in the database, with their bureaus, with their tokens."""

from __future__ import annotations

from datetime import datetime

from service.domain.principals import Caller
from service.domain.tokens import IssuedToken, TokenShown, token_id
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("principals")


def issued_token(transaction: Transaction, *, token_sha256: bytes) -> IssuedToken | None:
    """Return what is kept of a token, or None if it was never issued."""
    row = transaction.one(_SQL["issued_token"], token_sha256=token_sha256)
    if row is None:
        return None
    principal_id, name, role, bureau_id, limited_to, expires_at, revoked_at, last_used_at = row
    caller = Caller(
        principal_id=principal_id,
        name=name,
        role=role,
        bureau_id=bureau_id,
        limited_to=_limits(limited_to),
    )
    return IssuedToken(
        caller=caller, expires_at=expires_at, revoked_at=revoked_at, last_used_at=last_used_at
    )


def tokens(transaction: Transaction, *, principal_id: int, limit: int) -> list[TokenShown]:
    """Return the tokens of a principal, the newest first."""
    rows = transaction.all(_SQL["tokens_of"], principal_id=principal_id, limit=limit)
    return [
        TokenShown(
            token_id=token_id(bytes(token_sha256)),
            issued_at=issued_at,
            expires_at=expires_at,
            revoked_at=revoked_at,
            last_used_at=last_used_at,
            limited_to=_limits(limited_to),
        )
        for token_sha256, issued_at, expires_at, revoked_at, last_used_at, limited_to in rows
    ]


def note_use(transaction: Transaction, *, token_sha256: bytes, now: datetime) -> None:
    """Note that a token was used."""
    transaction.run(_SQL["note_use"], token_sha256=token_sha256, used_at=now)


def revoke_token(
    transaction: Transaction, *, principal_id: int, token_id: str, now: datetime
) -> bool:
    """Take back one living token of a principal; return whether it has such a one."""
    revoked = transaction.run(
        _SQL["revoke_token"], principal_id=principal_id, token_id=token_id, revoked_at=now
    )
    return revoked > 0


def add_token(
    transaction: Transaction,
    *,
    token_sha256: bytes,
    principal_id: int,
    issued_at: datetime,
    expires_at: datetime,
    limited_to: frozenset[str] | None,
) -> None:
    """Record a token; doing it again changes nothing."""
    transaction.run(
        _SQL["add_token"],
        token_sha256=token_sha256,
        principal_id=principal_id,
        issued_at=issued_at,
        expires_at=expires_at,
        limited_to=None if limited_to is None else sorted(limited_to),
    )


def revoke_tokens(transaction: Transaction, *, principal_id: int, now: datetime) -> int:
    """Take back every living token of a principal; return how many there were."""
    return transaction.run(_SQL["revoke_tokens_of"], principal_id=principal_id, revoked_at=now)


def add(transaction: Transaction, *, name: str, role: str, bureau_id: int | None) -> None:
    """Record a principal, unless the name is taken."""
    transaction.run(_SQL["add_principal"], name=name, role=role, bureau_id=bureau_id)


def by_name(transaction: Transaction, *, name: str) -> Caller | None:
    """Return the principal of that name, if there is one."""
    row = transaction.one(_SQL["principal_by_name"], name=name)
    if row is None:
        return None
    principal_id, name, role, bureau_id = row
    return Caller(principal_id=principal_id, name=name, role=role, bureau_id=bureau_id)


def add_bureau(transaction: Transaction, *, bureau_id: int, name: str) -> None:
    """Record a bureau, or its new name."""
    transaction.run(_SQL["add_bureau"], bureau_id=bureau_id, name=name)


def bureau_name(transaction: Transaction, *, bureau_id: int) -> str | None:
    """Return the name of a bureau, if there is one."""
    row = transaction.one(_SQL["bureau_name"], bureau_id=bureau_id)
    return None if row is None else str(row[0])


def _limits(found: list[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(found)
