"""What a person does about their own password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec

from service.domain import passwords, sign_ins
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.sign_ins import PasswordChanged, SignInRefused, StaffEvent
from service.store import idempotency, staff
from service.store import sign_ins as store
from service.store.database import Database
from service.store.staff import Found
from service.store.transaction import Transaction
from service.usecases import attempts
from service.usecases.attempts import Attempt
from service.usecases.identity import Identity
from service.usecases.once import answer_once


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """The password a person has, the one they want."""

    current: str
    new: str
    address: str


def change_password(
    *,
    database: Database,
    caller: Caller,
    identity: Identity,
    once: Once,
    asked: PasswordChange,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Change the password of `caller`, ending every other session of theirs.

    A wrong current one counts as a failed sign-in: whoever finds an open screen must not guess.
    :raises SessionMissing: if the caller is a program
    :raises PasswordUnchanged: if the new one is the current one
    :raises PasswordTooShort: if the new one is not worth having; also PasswordGuessable
    :raises SignInDelayed: if too many attempts failed
    :raises SignInRefused: if the current one is wrong
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "passwords.change")
    sign_ins.own_session(caller)
    passwords.check_change(asked.current, asked.new, user_name=caller.name)
    made = attempts.attempt(keys=identity.keys, user_name=caller.name, address=asked.address)
    before, known = database.transaction(
        lambda transaction: _attempted(transaction, caller, once=once, made=made, now=now),
        scope=caller.scope,
        deadline=deadline,
    )
    if before is not None:
        return before
    if not identity.hashing.is_right(asked.current, known):
        _refuse(database, caller, asked, now=now, deadline=deadline)
    password_hash = identity.hashing.hash(asked.new)

    work = partial(
        _changed, caller=caller, asked=asked, password_hash=password_hash, made=made, now=now
    )
    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _attempted(
    transaction: Transaction, caller: Caller, *, once: Once, made: Attempt, now: datetime
) -> tuple[Answer | None, str | None]:
    """Count the attempt, unless it was answered before; return what to compare with."""
    before = idempotency.answered(transaction, caller=caller, once=once, now=now)
    if before is not None:
        return before, None
    attempts.count(transaction, made, now=now)
    return None, staff.password_hash(transaction, principal_id=caller.principal_id)


def _changed(
    transaction: Transaction,
    *,
    caller: Caller,
    asked: PasswordChange,
    password_hash: str,
    made: Attempt,
    now: datetime,
) -> Answer:
    principal_id, own = caller.principal_id, caller.session_id
    staff.set_password(
        transaction,
        principal_id=principal_id,
        password_hash=password_hash,
        must_change=False,
        now=now,
    )
    store.end_all(transaction, principal_id=principal_id, now=now, but=own)
    store.forgive(transaction, user=made.user, address=made.address)
    _remember(transaction, StaffEvent.PASSWORD_CHANGED, caller, asked, now=now)
    changed = PasswordChanged(user_name=caller.name, changed_at=now)
    return Answer(status=200, body=msgspec.json.encode(changed))


def _refuse(
    database: Database, caller: Caller, asked: PasswordChange, *, now: datetime, deadline: float
) -> None:
    database.transaction(
        lambda transaction: _remember(
            transaction, StaffEvent.PASSWORD_WRONG, caller, asked, now=now
        ),
        scope=caller.scope,
        deadline=deadline,
    )
    raise SignInRefused("the current password is wrong")


def _remember(
    transaction: Transaction,
    kind: StaffEvent,
    caller: Caller,
    asked: PasswordChange,
    *,
    now: datetime,
) -> None:
    whom: Found | None = staff.by_name(transaction, name=caller.name)
    staff.remember(
        transaction,
        kind,
        now=now,
        whom=whom,
        actor_id=caller.principal_id,
        address=asked.address,
    )
