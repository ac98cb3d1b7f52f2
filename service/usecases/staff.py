"""What administrators do about the staff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from service.domain import cursors, passwords
from service.domain import staff as rules
from service.domain.access_tokens import Keys
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.sign_ins import StaffEvent
from service.domain.staff import NewStaff, StaffMember, StaffPage, StaffUnknown, UserNameTaken
from service.store import principals, sign_ins
from service.store import staff as store
from service.store.database import Database
from service.store.staff import Found
from service.store.transaction import Transaction
from service.usecases import attempts
from service.usecases.hashing import Hashing
from service.usecases.once import answer_once
from service.usecases.principals import known_bureau

Change = Callable[[Transaction, Found], None]


def add_staff(
    *,
    database: Database,
    caller: Caller,
    hashing: Hashing,
    once: Once,
    new: NewStaff,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Add a person with a first password, which they must change.

    :raises RoleForbidden: if the caller does not look after the staff
    :raises UserNameRefused: if the name is not one to type
    :raises ProofMissing: if they have neither a password nor a subject at the issuer
    :raises UserNameTaken: if somebody has it
    :raises BureauUnknown: if there is no such bureau, or it is not the caller's
    :raises AppointmentForbidden: if a bureau's administrator names another
    :raises PasswordTooShort: if the password is too short, or too long
    :raises PasswordGuessable: if it is easily guessed
    """
    check(caller, "staff.manage")
    rules.check_new(new, by=caller)
    password_hash = None if new.password is None else hashing.hash(new.password)

    def work(transaction: Transaction) -> Answer:
        found = _recorded(transaction, new=new, password_hash=password_hash, now=now)
        _remember(transaction, StaffEvent.ADDED, found, by=caller, now=now)
        return _told(found.member, status=201)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def appoint_staff(
    *,
    database: Database,
    hashing: Hashing,
    new: NewStaff,
    now: datetime,
    deadline: float,
) -> StaffMember:
    """
    Add a person on behalf of the operations staff, who reach every bureau: the first administrator.

    :raises UserNameRefused: if the name is not one to type
    :raises ProofMissing: if they have neither a password nor a subject at the issuer
    :raises UserNameTaken: if somebody has it
    :raises BureauUnknown: if there is no such bureau
    :raises PasswordTooShort: if the password is too short, or too long
    :raises PasswordGuessable: if it is easily guessed
    """
    rules.check_person(new)
    password_hash = None if new.password is None else hashing.hash(new.password)

    def work(transaction: Transaction) -> StaffMember:
        found = _recorded(transaction, new=new, password_hash=password_hash, now=now)
        store.remember(
            transaction, StaffEvent.ADDED, now=now, whom=found, actor_id=None, address=None
        )
        return found.member

    return database.transaction(work, scope="*", deadline=deadline)


def lock_staff(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    user_name: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Lock a person out, ending every session of theirs.

    :raises RoleForbidden: if the caller does not look after the staff
    :raises StaffUnknown: if nobody the caller may see has the name
    :raises StaffOwn: if it is the caller
    """

    def change(transaction: Transaction, found: Found) -> None:
        store.set_locked(transaction, principal_id=found.principal_id, locked_at=now)
        sign_ins.end_all(transaction, principal_id=found.principal_id, now=now)
        _remember(transaction, StaffEvent.LOCKED, found, by=caller, now=now)

    return _changed(database, caller, once, user_name, change, now=now, deadline=deadline)


def unlock_staff(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    user_name: str,
    keys: Keys,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Let a person in again, whether an administrator or failed attempts have locked them out.

    :raises RoleForbidden: if the caller does not look after the staff
    :raises StaffUnknown: if nobody the caller may see has the name
    :raises StaffOwn: if it is the caller
    """

    def change(transaction: Transaction, found: Found) -> None:
        store.set_locked(transaction, principal_id=found.principal_id, locked_at=None)
        sign_ins.forgive(transaction, user=attempts.user(keys, user_name))
        _remember(transaction, StaffEvent.UNLOCKED, found, by=caller, now=now)

    return _changed(database, caller, once, user_name, change, now=now, deadline=deadline)


def reset_password(
    *,
    database: Database,
    caller: Caller,
    hashing: Hashing,
    once: Once,
    user_name: str,
    password: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Give a person a password that they must change, ending every session of theirs.

    :raises RoleForbidden: if the caller does not look after the staff
    :raises StaffUnknown: if nobody the caller may see has the name
    :raises StaffOwn: if it is the caller
    :raises PasswordTooShort: if the password is too short, or too long
    :raises PasswordGuessable: if it is easily guessed
    """
    check(caller, "staff.manage")
    passwords.check(password, user_name=user_name)
    password_hash = hashing.hash(password)

    def change(transaction: Transaction, found: Found) -> None:
        store.set_password(
            transaction,
            principal_id=found.principal_id,
            password_hash=password_hash,
            must_change=True,
            now=now,
        )
        sign_ins.end_all(transaction, principal_id=found.principal_id, now=now)
        _remember(transaction, StaffEvent.PASSWORD_RESET, found, by=caller, now=now)

    return _changed(database, caller, once, user_name, change, now=now, deadline=deadline)


def staff_by_name(
    *, database: Database, caller: Caller, user_name: str, deadline: float
) -> StaffMember:
    """
    Return one person.

    :raises RoleForbidden: if the caller does not see the staff
    :raises StaffUnknown: if nobody the caller may see has the name
    """
    check(caller, "staff.read")
    return database.read(
        lambda transaction: _known(transaction, user_name),
        scope=caller.scope,
        deadline=deadline,
    ).member


def list_staff(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> StaffPage:
    """
    Return a page of the staff whom the caller sees, in the order of their names.

    :raises RoleForbidden: if the caller does not see the staff
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "staff.read")
    (after,) = cursors.decode(cursor, str) if cursor else ("",)
    items = database.read(
        lambda transaction: store.after(transaction, after, limit=limit + 1),
        scope=caller.scope,
        deadline=deadline,
    )
    if len(items) <= limit:
        return StaffPage(items=items, next_cursor=None)
    last = items[limit - 1].user_name
    return StaffPage(items=items[:limit], next_cursor=cursors.encode((last,)))


def _recorded(
    transaction: Transaction, *, new: NewStaff, password_hash: str | None, now: datetime
) -> Found:
    """
    Record a person with their first password; return them.

    :raises UserNameTaken: if somebody has the name
    :raises BureauUnknown: if there is no such bureau
    """
    if new.bureau is not None:
        known_bureau(transaction, new.bureau)
    taken = UserNameTaken(f"somebody is called {new.user_name}")
    if principals.by_name(transaction, name=new.user_name) is not None:
        raise taken
    transaction.on_conflict("staff_pkey", taken)  # added by another at the same moment
    principals.add(transaction, name=new.user_name, role=new.role, bureau_id=new.bureau)
    principal = principals.by_name(transaction, name=new.user_name)
    assert principal is not None, "it was recorded a moment ago"
    store.add(transaction, new=new, principal_id=principal.principal_id, now=now)
    if password_hash is not None:
        store.set_password(
            transaction,
            principal_id=principal.principal_id,
            password_hash=password_hash,
            must_change=True,
            now=now,
        )
    return _known(transaction, new.user_name)


def _changed(
    database: Database,
    caller: Caller,
    once: Once,
    user_name: str,
    change: Change,
    *,
    now: datetime,
    deadline: float,
) -> Answer:
    """Answer with a person after `change`, by an administrator who is somebody else."""
    check(caller, "staff.manage")
    rules.check_other(user_name, by=caller)

    def work(transaction: Transaction) -> Answer:
        change(transaction, _known(transaction, user_name))
        return _told(_known(transaction, user_name).member, status=200)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _known(transaction: Transaction, user_name: str) -> Found:
    found = store.by_name(transaction, name=user_name)
    if found is None:
        raise StaffUnknown(f"nobody is called {user_name}")
    return found


def _remember(
    transaction: Transaction, kind: StaffEvent, whom: Found, *, by: Caller, now: datetime
) -> None:
    store.remember(transaction, kind, now=now, whom=whom, actor_id=by.principal_id, address=None)


def _told(member: StaffMember, *, status: int) -> Answer:
    return Answer(status=status, body=msgspec.json.encode(member))
