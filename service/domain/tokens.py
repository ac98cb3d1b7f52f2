"""Tokens: the secrets by which callers prove who they are."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import Invalid, Missing, Refusal
from service.domain.principals import Caller

# A leaked token is found by its prefix; the rest is 256 bits in URL-safe base64.
PREFIX = "evergrid_"
# A limited token says so, because the version of the code before limits takes no token of this
# shape, where it would have let one of the other do all that its role does.
PREFIX_LIMITED = "evergrid_limited_"
_SHAPE = re.compile(r"evergrid_(?:limited_)?[A-Za-z0-9_-]{43}")
# Three parts in base64, the first one JSON. Source: RFC 7515, section 7.1; ours has 300 characters.
_SIGNED = re.compile(r"eyJ[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{1,100}")
# A quarter: the next one is asked for by somebody who remembers how.
DAYS_DEFAULT = 90
# Nobody remembers a token older than this, so nobody would revoke it.
DAYS_MAX = 400
TOKEN_ID_LENGTH = 32
# Its last use is noted to the hour: to the second, each read of a busy bank would be a write.
LAST_USE_GRAIN = timedelta(hours=1)


class Unauthenticated(Refusal):
    """Who is calling is not known."""


class TokenMissing(Unauthenticated):
    """A request came without a token."""

    code = "TOKEN_MISSING"
    hint = "Send the header 'Authorization: Bearer <token>'; the operations staff issue tokens."


class TokenUnknown(Unauthenticated):
    """A token was never issued."""

    code = "TOKEN_UNKNOWN"
    hint = "Check that the token was copied whole, or ask the operations staff for a new one."


class TokenExpired(Unauthenticated):
    """A token's days are over."""

    code = "TOKEN_EXPIRED"
    hint = "Ask the operations staff for a new token."


class TokenRevoked(Unauthenticated):
    """A token was taken back."""

    code = "TOKEN_REVOKED"
    hint = "Ask the operations staff for a new token."


class TokenIdUnknown(Missing):
    """A principal has no living token of this id."""

    code = "TOKEN_ID_UNKNOWN"
    hint = "List the principal's tokens, then name one that was not revoked yet."


class TokenDaysOutOfRange(Invalid):
    """A token was asked for that would live too long, or not at all."""

    code = "TOKEN_DAYS_OUT_OF_RANGE"
    hint = f"Issue a token for 1 to {DAYS_MAX} days."


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """What is kept of a token: whom it stands for, until when, when it was last used."""

    caller: Caller
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_use_due(self, *, now: datetime) -> bool:
        """Tell if its use at `now` is worth noting."""
        return self.last_used_at is None or self.last_used_at + LAST_USE_GRAIN <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenShown:
    """One token as the operations staff see it: by the first half of its fingerprint, in hex."""

    token_id: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    limited_to: frozenset[str] | None


def bearer(authorization: str | None) -> str:
    """
    Return the token in an Authorization header.

    Source: RFC 6750, section 2.1 (the scheme's name is case-insensitive: RFC 9110, 11.1).
    :raises TokenMissing: if there is none
    :raises TokenUnknown: if it is nothing we ever issue
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing("the request names no token")
    if not _SHAPE.fullmatch(token) and not is_signed(token):
        raise TokenUnknown("the token does not look like one of ours")
    return token


def is_signed(token: str) -> bool:
    """Tell if `token` has the shape of an access token, which a person gets by signing in."""
    return _SIGNED.fullmatch(token) is not None


def fingerprint(token: str) -> bytes:
    """Return what is stored instead of `token`: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def token_id(token_sha256: bytes) -> str:
    """Return how a token is named where it must not be shown."""
    return token_sha256.hex()[:TOKEN_ID_LENGTH]


def expiry(*, now: datetime, days: int) -> datetime:
    """
    Return when a token issued at `now` ends.

    :raises TokenDaysOutOfRange: if `days` is not between 1 and `DAYS_MAX`
    """
    if not 1 <= days <= DAYS_MAX:
        raise TokenDaysOutOfRange(f"{days} days")
    return now + timedelta(days=days)


def caller_of(found: IssuedToken | None, *, now: datetime) -> Caller:
    """
    Return whom a token stands for at `now`.

    :raises TokenUnknown: if it was never issued
    :raises TokenRevoked: if it was taken back
    :raises TokenExpired: if its time is over
    """
    if found is None:
        raise TokenUnknown("the token was never issued")
    if found.revoked_at is not None:
        raise TokenRevoked(f"the token was revoked at {found.revoked_at.isoformat()}")
    if found.expires_at <= now:
        raise TokenExpired(f"the token expired at {found.expires_at.isoformat()}")
    return found.caller
