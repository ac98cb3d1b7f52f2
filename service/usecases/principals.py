"""What the utility does about who may call: bureaus, principals, their tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from service.domain import tokens
from service.domain.bureaus import BureauUnknown
from service.domain.permissions import checked_limits
from service.domain.principals import (
    Caller,
    PrincipalDiffers,
    PrincipalUnknown,
    checked_role,
)
from service.domain.tokens import IssuedToken, TokenIdUnknown, TokenShown
from service.store import principals as store
from service.store.database import Database
from service.store.transaction import Transaction

# Principals and tokens belong to no bureau; who may write them is decided by the database's roles.
_EVERYWHERE = "*"
# Nobody who has more reads them in a terminal.
_TOKENS_MAX = 200


def caller_by_token(*, database: Database, token: str, now: datetime, deadline: float) -> Caller:
    """
    Return whom a token stands for.

    :raises TokenUnknown: if it was never issued
    :raises TokenRevoked: if it was taken back
    :raises TokenExpired: if its time is over
    """
    found = issued_token(database=database, token=token, deadline=deadline)
    return tokens.caller_of(found, now=now)


def issued_token(*, database: Database, token: str, deadline: float) -> IssuedToken | None:
    """Return what is kept of a token, or None if it was never issued."""
    return database.read(
        lambda transaction: store.issued_token(transaction, token_sha256=tokens.fingerprint(token)),
        scope=_EVERYWHERE,
        deadline=deadline,
    )


def note_use(*, database: Database, token: str, now: datetime, deadline: float) -> None:
    """Note that a token was used, to the hour."""
    database.transaction(
        lambda transaction: store.note_use(
            transaction, token_sha256=tokens.fingerprint(token), now=now
        ),
        scope=_EVERYWHERE,
        deadline=deadline,
    )


def issue_token(
    *,
    database: Database,
    name: str,
    make_secret: Callable[[], str],
    now: datetime,
    deadline: float,
    days: int = tokens.DAYS_DEFAULT,
    operations: Collection[str] = (),
) -> str:
    """
    Issue a token to a principal and return it, the only time it is ever shown.

    :param make_secret: 256 random bits in URL-safe base64; chance comes from the edge
    :param operations: what it is limited to; all that its principal's role includes, if empty
    :raises PrincipalUnknown: if no principal has this name
    :raises TokenDaysOutOfRange: if the days are not between 1 and `tokens.DAYS_MAX`
    :raises PermissionUnknown: if the role does not include one of the operations
    """
    token = (tokens.PREFIX_LIMITED if operations else tokens.PREFIX) + make_secret()
    expires_at = tokens.expiry(now=now, days=days)

    def work(transaction: Transaction) -> str:
        principal = _known(transaction, name)
        store.add_token(
            transaction,
            token_sha256=tokens.fingerprint(token),
            principal_id=principal.principal_id,
            issued_at=now,
            expires_at=expires_at,
            limited_to=checked_limits(principal.role, operations),
        )
        return token

    return database.transaction(work, scope=_EVERYWHERE, deadline=deadline)


def revoke_tokens(*, database: Database, name: str, now: datetime, deadline: float) -> int:
    """
    Take back every living token of a principal; return how many there were.

    Each API process may still let a revoked token pass until it asks again, seconds later.
    :raises PrincipalUnknown: if no principal has this name
    """

    def work(transaction: Transaction) -> int:
        principal = _known(transaction, name)
        return store.revoke_tokens(transaction, principal_id=principal.principal_id, now=now)

    return database.transaction(work, scope=_EVERYWHERE, deadline=deadline)


def revoke_token(
    *, database: Database, name: str, token_id: str, now: datetime, deadline: float
) -> None:
    """
    Take back one living token of a principal.

    :raises PrincipalUnknown: if no principal has this name
    :raises TokenIdUnknown: if it has no living token of this id
    """

    def work(transaction: Transaction) -> None:
        principal_id = _known(transaction, name).principal_id
        if not store.revoke_token(
            transaction, principal_id=principal_id, token_id=token_id, now=now
        ):
            raise TokenIdUnknown(f"{name} has no living token {token_id}")

    database.transaction(work, scope=_EVERYWHERE, deadline=deadline)


def tokens_of(*, database: Database, name: str, deadline: float) -> list[TokenShown]:
    """
    Return the tokens of a principal, the newest first, `_TOKENS_MAX` at most.

    :raises PrincipalUnknown: if no principal has this name
    """
    return database.read(
        lambda transaction: store.tokens(
            transaction, principal_id=_known(transaction, name).principal_id, limit=_TOKENS_MAX
        ),
        scope=_EVERYWHERE,
        deadline=deadline,
    )


def add_bureau(*, database: Database, bureau_id: int, name: str, deadline: float) -> None:
    """Record a bureau, or its new name."""
    database.transaction(
        lambda transaction: store.add_bureau(transaction, bureau_id=bureau_id, name=name),
        scope=_EVERYWHERE,
        deadline=deadline,
    )


def add_principal(
    *, database: Database, name: str, role: str, bureau_id: int | None, deadline: float
) -> Caller:
    """
    Record a principal and return it; asking again for the same one changes nothing.

    :param bureau_id: None for one that serves every bureau
    :raises RoleUnknown: if there is no such role
    :raises BureauUnknown: if there is no such bureau
    :raises PrincipalDiffers: if the name belongs to a principal of another role or bureau
    """
    checked_role(role)

    def work(transaction: Transaction) -> Caller:
        if bureau_id is not None:
            known_bureau(transaction, bureau_id)
        store.add(transaction, name=name, role=role, bureau_id=bureau_id)
        found = _known(transaction, name)
        if (found.role, found.bureau_id) != (role, bureau_id):
            raise PrincipalDiffers(f"{name} is a {found.role} of bureau {found.scope}")
        return found

    return database.transaction(work, scope=_EVERYWHERE, deadline=deadline)


def known_bureau(transaction: Transaction, bureau_id: int) -> None:
    """
    Let a bureau pass that there is.

    :raises BureauUnknown: if there is none
    """
    if not store.bureau_name(transaction, bureau_id=bureau_id):
        raise BureauUnknown(f"no bureau {bureau_id}")


def _known(transaction: Transaction, name: str) -> Caller:
    found = store.by_name(transaction, name=name)
    if found is None:
        raise PrincipalUnknown(f"no principal {name!r}")
    return found
