"""The keys that an OIDC issuer signs with, fetched from where it publishes them."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request

import jwt

from service.domain.id_tokens import IdTokenRefused, IssuerAway, Trusted, key_id

# Once in this time they are fetched anew, so that a key which the issuer withdrew is refused.
_KEPT_S = 600.0
# A key we have never heard of is looked for at most this often: anybody can make up ids of keys.
_ASKED_EVERY_S = 10.0
_TIMEOUT_S = 3.0  # Somebody waits for their sign-in.
_BYTES_MAX = 256 * 1024  # A hundred times what issuers publish.


class Issuer:
    """An issuer whose word counts, with the keys it was last seen to sign with."""

    def __init__(self, *, trusted: Trusted, jwks_url: str) -> None:
        self.trusted = trusted
        self._jwks_url = jwks_url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._one_at_a_time = threading.Lock()

    def key_of(self, id_token: str) -> jwt.PyJWK:
        """
        Return the key that `id_token` says it is signed with.

        :raises IdTokenRefused: if the issuer has no such key
        :raises IssuerAway: if it does not answer, and has not for a while
        """
        wanted = key_id(id_token)
        with self._one_at_a_time:
            self._refresh(wanted)
            found = self._keys.get(wanted)
        if found is None:
            raise IdTokenRefused("the ID token is signed with no key of the issuer")
        return found

    def _refresh(self, wanted: str) -> None:
        now = time.monotonic()
        is_fresh = now < self._fetched_at + _KEPT_S
        if (is_fresh and wanted in self._keys) or now < self._asked_at + _ASKED_EVERY_S:
            if is_fresh:
                return
            raise IssuerAway("the issuer did not answer a moment ago")
        self._asked_at = now
        self._keys = self._fetched()
        self._fetched_at = now

    def _fetched(self) -> dict[str, jwt.PyJWK]:
        try:
            with urllib.request.urlopen(self._jwks_url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  settings take https alone
                published = json.loads(answer.read(_BYTES_MAX))
            keys = jwt.PyJWKSet.from_dict(published).keys
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise IssuerAway(f"the issuer's keys cannot be had: {type(error).__name__}") from error
        except jwt.PyJWTError as error:
            raise IssuerAway(f"the issuer's keys cannot be read: {type(error).__name__}") from error
        return {key.key_id or "": key for key in keys if key.public_key_use in {None, "sig"}}
