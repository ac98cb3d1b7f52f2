"""Staff in the database, with their passwords, with what happened to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain.sign_ins import StaffEvent
from service.domain.staff import NewStaff, StaffMember, UserNameTaken
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("staff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person as found, with the number that other tables know them by."""

    principal_id: int
    member: StaffMember


def add(transaction: Transaction, *, new: NewStaff, principal_id: int, now: datetime) -> None:
    """
    Record a person whose principal is recorded already.

    :raises UserNameTaken: if another person has the same subject at the issuer
    """
    transaction.on_conflict("oidc_subject", UserNameTaken("another person has this oidc_subject"))
    transaction.run(
        _SQL["add_staff"],
        principal_id=principal_id,
        bureau_id=new.bureau,
        full_name=new.full_name,
        created_at=now,
        oidc_subject=new.oidc_subject,
    )


def by_name(transaction: Transaction, *, name: str) -> Found | None:
    """Return the person of a user name, if the caller sees one."""
    row = transaction.one(_SQL["staff_by_name"], name=name)
    return None if row is None else _found(row)


def by_subject(transaction: Transaction, *, oidc_subject: str) -> Found | None:
    """Return the person whom the issuer knows as `oidc_subject`, if there is one."""
    row = transaction.one(_SQL["staff_by_subject"], oidc_subject=oidc_subject)
    return None if row is None else _found(row)


def after(transaction: Transaction, name: str, *, limit: int) -> list[StaffMember]:
    """Return the people whose names follow `name`, in that order."""
    rows = transaction.all(_SQL["staff_after"], after=name, limit=limit)
    return [_found(row).member for row in rows]


def set_locked(transaction: Transaction, *, principal_id: int, locked_at: datetime | None) -> None:
    """Lock a person out, or let them in again."""
    transaction.run(_SQL["set_locked"], principal_id=principal_id, locked_at=locked_at)


def password_hash(transaction: Transaction, *, principal_id: int) -> str | None:
    """Return what a person's password is compared with, None for one who has none."""
    row = transaction.one(_SQL["password_hash"], principal_id=principal_id)
    return None if row is None else str(row[0])


def set_password(
    transaction: Transaction,
    *,
    principal_id: int,
    password_hash: str,
    must_change: bool,
    now: datetime,
) -> None:
    """Record a person's new password, to be changed by themselves if somebody else chose it."""
    transaction.run(
        _SQL["set_password"],
        principal_id=principal_id,
        password_hash=password_hash,
        changed_at=now,
    )
    transaction.run(
        _SQL["set_must_change"], principal_id=principal_id, must_change_password=must_change
    )


def remember(
    transaction: Transaction,
    kind: StaffEvent,
    *,
    now: datetime,
    whom: Found | None,
    actor_id: int | None,
    address: str | None,
) -> None:
    """Record what happened, for ever."""
    transaction.run(
        _SQL["add_event"],
        happened_at=now,
        kind=kind.value,
        principal_id=None if whom is None else whom.principal_id,
        bureau_id=None if whom is None else whom.member.bureau,
        actor_id=actor_id,
        address=address,
    )


def _found(row: Row) -> Found:
    principal_id, name, full_name, role, bureau_id, created_at, locked_at, must_change = row
    member = StaffMember(
        user_name=name,
        full_name=full_name,
        role=role,
        bureau=bureau_id,
        created_at=created_at,
        locked_at=locked_at,
        must_change_password=must_change,
    )
    return Found(principal_id=principal_id, member=member)
