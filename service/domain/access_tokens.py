"""Access tokens: what a person who signed in calls with, for minutes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from jwt.types import Options

from service.domain.tokens import TokenExpired, TokenUnknown

# Renewed by the client while somebody works; a copied one is worthless before anybody can use it.
LIFE = timedelta(minutes=10)
_ALGORITHM = "HS256"
_ISSUER = "evergrid"
_REQUIRED = ["exp", "iss", "sid"]
# The clock that judges is passed in, not the library's own.
_OPTIONS: Options = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """
    What tokens are signed with: `current`, while those of `previous` are accepted still.

    Rotation: a fresh key becomes current, the former previous; one `LIFE` later that may go.
    """

    current: str
    previous: str | None = None

    def by_id(self, key_id: object) -> str | None:
        """Return the key of that id, or None."""
        known = {_id(key): key for key in (self.current, self.previous) if key}
        return known.get(str(key_id))

    def fingerprint(self, purpose: str, *parts: str) -> bytes:
        """Return what stands for `parts` where they must not be kept: only the key can guess."""
        text = "\0".join([purpose, *parts]).encode()
        return hmac.digest(self.current.encode(), text, "sha256")


def signed(
    *, session_id: str, now: datetime, ends_at: datetime, keys: Keys
) -> tuple[str, datetime]:
    """
    Return an access token of a session, beside when it ends; the same for the same question.

    It names the session only: who that is, with what role, is looked up, and may change meanwhile.
    """
    expires_at = min(now + LIFE, ends_at).replace(microsecond=0)
    claims = {"iss": _ISSUER, "sid": session_id, "iat": now, "exp": expires_at}
    headers = {"kid": _id(keys.current)}
    token = jwt.encode(claims, keys.current, algorithm=_ALGORITHM, headers=headers)
    return token, expires_at


def session_id(token: str, *, keys: Keys, now: datetime) -> str:
    """
    Return which session `token` is of.

    :raises TokenUnknown: if we never signed it
    :raises TokenExpired: if its minutes are over
    """
    try:
        key = keys.by_id(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise TokenUnknown("the token is signed with no key of ours")
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], issuer=_ISSUER, options=_OPTIONS)
    except jwt.InvalidTokenError as error:
        raise TokenUnknown("the token was not signed by us") from error
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    if expires_at <= now:
        raise TokenExpired(f"the token expired at {expires_at.isoformat()}")
    return str(claims["sid"])


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]
