"""ID tokens: what another issuer says about who somebody is."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

from service.domain.errors import Busy, Missing
from service.domain.tokens import Unauthenticated

# Signatures that only the issuer can make. An HS256 could be made by whoever reads its public key.
ALGORITHMS = ("RS256", "PS256", "ES256")
# How far its clock may be from ours.
_LEEWAY = timedelta(seconds=60)
# One begun longer ago was not given for this sign-in.
_AGE_MAX = timedelta(minutes=10)
# The clock that judges is passed in, not the library's own; what is missing is said by us.
_OPTIONS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "require": ["exp", "iat"],
}


class OidcOff(Missing):
    """People sign in with passwords alone here."""

    code = "OIDC_OFF"
    hint = "Sign in with a password at /v1/sessions."


class IssuerAway(Busy):
    """The issuer does not say which keys it signs with."""

    code = "ISSUER_AWAY"
    hint = "Try again after the seconds in Retry-After, or sign in with a password."


class IdTokenRefused(Unauthenticated):
    """An ID token is not one of our issuer, for us, in time."""

    code = "ID_TOKEN_REFUSED"
    hint = "Begin the sign-in at the issuer again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whose word counts: the issuer, what we are called there, the claim that names people."""

    issuer: str
    audience: str
    claim: str = "sub"


def key_id(id_token: str) -> str:
    """
    Return the id of the key that a token says it is signed with, '' if it says none.

    :raises IdTokenRefused: if it is no token, or signed in a way that proves nothing
    """
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.InvalidTokenError as error:
        raise IdTokenRefused("this is no ID token") from error
    if header.get("alg") not in ALGORITHMS:
        raise IdTokenRefused(f"the ID token is signed with {str(header.get('alg'))[:10]!a}")
    return str(header.get("kid", ""))


def subject(
    id_token: str, *, trusted: Trusted, key: jwt.PyJWK, nonce: str | None, now: datetime
) -> str:
    """
    Return whom a token speaks of, as its issuer knows them.

    Source: OpenID Connect Core 1.0, section 3.1.3.7.
    :raises IdTokenRefused: if it is not of the issuer, for us, in time, or has another nonce
    """
    try:
        claims = jwt.decode(
            id_token,
            key,
            algorithms=list(ALGORITHMS),
            issuer=trusted.issuer,
            audience=trusted.audience,
            options=_OPTIONS,
        )
    except jwt.InvalidTokenError as error:
        raise IdTokenRefused(f"the ID token is refused: {type(error).__name__}") from error
    _check_time(claims, now=now)
    if len(_audiences(claims)) > 1 and claims.get("azp") != trusted.audience:
        raise IdTokenRefused("the ID token was given to somebody else")
    if nonce is not None and not _is_same(str(claims.get("nonce")), nonce):
        raise IdTokenRefused("the ID token was given for another sign-in")
    named = claims.get(trusted.claim)
    if not isinstance(named, str) or not named:
        raise IdTokenRefused(f"the ID token has no {trusted.claim}")
    return named


def _is_same(told: str, sent: str) -> bool:
    """Compare in a time that says nothing; as bytes, for what is not ASCII cannot be so as text."""
    return hmac.compare_digest(
        told.encode("utf-8", "surrogatepass"), sent.encode("utf-8", "surrogatepass")
    )


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    found = claims["aud"]
    return [found] if isinstance(found, str) else list(found)


def _check_time(claims: Mapping[str, Any], *, now: datetime) -> None:
    try:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise IdTokenRefused("the ID token has no time") from error
    if expires_at + _LEEWAY <= now:
        raise IdTokenRefused(f"the ID token expired at {expires_at.isoformat()}")
    if not now - _AGE_MAX <= issued_at <= now + _LEEWAY:
        raise IdTokenRefused(f"the ID token is of {issued_at.isoformat()}")
