"""What proves who somebody is: the means that every sign-in needs."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.access_tokens import Keys
from service.store.issuers import Issuer
from service.usecases.hashing import Hashing


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity:
    """
    The keys of access tokens, the hashing of passwords, whoever else may vouch for the staff.

    `issuer` is None where people sign in with passwords alone.
    """

    keys: Keys
    hashing: Hashing
    issuer: Issuer | None = None
