"""Signing in: how a person proves who they are, how long that holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.errors import Conflict, Forbidden
from service.domain.principals import Caller
from service.domain.tokens import Unauthenticated

# A shift with its overtime; whoever still works then proves again who they are.
SESSION = timedelta(hours=10)
# What a person may do before they have changed a password that somebody else knows.
UNCHANGED_ONLY = frozenset({"passwords.change", "sessions.end"})


class SignInRefused(Unauthenticated):
    """The user name or what should prove it is wrong; which of them, nobody is told."""

    code = "SIGN_IN_REFUSED"
    hint = "Check both; after several failures in a row each further attempt has to wait."


class SignInLocked(Forbidden):
    """Who signs in is known, but an administrator has locked them out."""

    code = "SIGN_IN_LOCKED"
    hint = "Ask an administrator to unlock you."


class SessionOver(Unauthenticated):
    """A session was ended, or has lasted as long as a session may."""

    code = "SESSION_OVER"
    hint = "Sign in again."


class SessionMissing(Conflict):
    """A program asked for what only a person who signed in has."""

    code = "SESSION_MISSING"
    hint = "Programs have tokens: the operations staff issue, list, revoke them."


class StaffEvent(StrEnum):
    """What is remembered of the staff."""

    ADDED = "added"
    LOCKED = "locked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  an event, no password
    PASSWORD_RESET = "password_reset"  # noqa: S105  an event, no password
    PASSWORD_WRONG = "password_wrong"  # noqa: S105  an event, no password
    SIGNED_IN = "signed_in"
    SIGNED_IN_BY_ISSUER = "signed_in_by_issuer"
    SIGNED_OUT = "signed_out"
    SIGN_IN_DELAYED = "sign_in_delayed"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_WHILE_LOCKED = "sign_in_while_locked"
    UNLOCKED = "unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is kept, with whom it stands for."""

    caller: Caller
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    is_locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a person calls with from now on: send `access_token` as a Bearer token."""

    access_token: str
    expires_at: datetime
    session_ends_at: datetime
    must_change_password: bool
    user_name: str
    role: str
    bureau: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The next token to call with, before the last one ends."""

    access_token: str
    expires_at: datetime
    session_ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """Whose session is over; its access token is worthless within seconds."""

    user_name: str
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged:
    """Whose password is another now; their other sessions are over."""

    user_name: str
    changed_at: datetime


def session_id(*, principal_id: int, key: str) -> str:
    """Return the id of the session that a sign-in begins, the same when it is repeated."""
    return hashlib.sha256(f"{principal_id}\0{key}".encode()).hexdigest()[:32]


def caller_of(found: Session | None, *, now: datetime) -> Caller:
    """
    Return whom a session stands for at `now`.

    :raises SessionOver: if it has ended, or its person was locked out
    """
    if found is None or found.ended_at is not None or found.ends_at <= now or found.is_locked:
        raise SessionOver("the session is over")
    return found.caller


def own_session(caller: Caller) -> str:
    """
    Return the session that `caller` calls within.

    :raises SessionMissing: if it is a program, which has none
    """
    if caller.session_id is None:
        raise SessionMissing(f"{caller.name} has not signed in")
    return caller.session_id
