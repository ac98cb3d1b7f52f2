"""Lockouts: how long whoever failed to sign in must wait before the next attempt."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import Throttled

# A person mistypes that often; behind one address there may be a whole hall.
FREE_OF_USER, FREE_OF_ADDRESS = 5, 50
# The longest wait: long enough that a day holds a hundred guesses, short enough that whoever locks
# others out by failing in their name has to keep at it.
DELAY_MAX = timedelta(minutes=15)
# Failures older than this are forgotten.
REMEMBERED = timedelta(days=1)
_DOUBLINGS_MAX = 10
_IPV6_NETWORK = 64  # what one customer of a provider is given


class SignInDelayed(Throttled):
    """Too many sign-ins failed, in this name or from this address."""

    code = "SIGN_IN_DELAYED"
    hint = "Wait for the seconds in Retry-After; an administrator can reset a forgotten password."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failed attempts of one user name or address; each counts until it succeeds."""

    failures: int
    last_failed_at: datetime
    refused_until: datetime


def counted(before: Failures, *, now: datetime, free: int) -> Failures:
    """
    Return `before` with one more attempt at `now`: the wait doubles with each beyond the free ones.

    An attempt counts before it is judged, so a thousand at the same moment count a thousand.
    """
    known = before.failures if before.last_failed_at + REMEMBERED > now else 0
    beyond = known + 1 - free
    delay = timedelta(seconds=2 ** min(beyond, _DOUBLINGS_MAX)) if beyond > 0 else timedelta(0)
    return Failures(
        failures=known + 1, last_failed_at=now, refused_until=now + min(delay, DELAY_MAX)
    )


def check(*held: Failures, now: datetime) -> None:
    """
    Let an attempt pass if neither its name nor its address must wait.

    :raises SignInDelayed: if one of them must
    """
    until = max(failures.refused_until for failures in held)
    if until > now:
        wait_s = -(-(until - now) // timedelta(seconds=1))
        raise SignInDelayed(f"too many sign-ins failed; the next in {wait_s} s", wait_s=wait_s)


def network_of(address: str) -> str:
    """Return what shares the failures of `address`: itself, or its network if it is of IPv6."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:  # noqa: PLR2004  the version's name
        return address
    return str(ipaddress.ip_network(f"{address}/{_IPV6_NETWORK}", strict=False))
