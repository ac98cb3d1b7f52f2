"""Sign-ins in the database: sessions, beside the attempts that failed."""

from __future__ import annotations

from datetime import datetime

from service.domain.lockouts import Failures
from service.domain.principals import Caller
from service.domain.sign_ins import UNCHANGED_ONLY, Session
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("sign_ins")


def begin(
    transaction: Transaction,
    *,
    session_id: str,
    principal_id: int,
    began_at: datetime,
    ends_at: datetime,
    is_by_issuer: bool,
) -> Session:
    """Begin a session, or find the one that the same sign-in began before; return it."""
    transaction.run(
        _SQL["begin_session"],
        session_id=session_id,
        principal_id=principal_id,
        began_at=began_at,
        ends_at=ends_at,
        is_by_issuer=is_by_issuer,
    )
    found = session(transaction, session_id=session_id)
    assert found is not None, "it was recorded a moment ago"
    return found


def session(transaction: Transaction, *, session_id: str) -> Session | None:
    """Return a session, or None if it was never begun, or long ago."""
    row = transaction.one(_SQL["session"], session_id=session_id)
    if row is None:
        return None
    principal_id, name, role, bureau_id, must_change, began_at, ends_at, ended_at, is_locked = row
    caller = Caller(
        principal_id=principal_id,
        name=name,
        role=role,
        bureau_id=bureau_id,
        limited_to=UNCHANGED_ONLY if must_change else None,
        session_id=session_id,
    )
    return Session(
        caller=caller, began_at=began_at, ends_at=ends_at, ended_at=ended_at, is_locked=is_locked
    )


def end(transaction: Transaction, *, session_id: str, now: datetime) -> None:
    """End a session; one that is over stays as it ended."""
    transaction.run(_SQL["end_session"], session_id=session_id, ended_at=now)


def end_all(
    transaction: Transaction, *, principal_id: int, now: datetime, but: str | None = None
) -> None:
    """End every session of a person, except `but`."""
    transaction.run(_SQL["end_sessions_of"], principal_id=principal_id, but=but or "", ended_at=now)


def hold(transaction: Transaction, *, subject: bytes, now: datetime) -> Failures:
    """Return the failures of a name or an address; nobody else counts them until we have."""
    transaction.run(_SQL["meet_subject"], subject=subject, now=now)
    row = transaction.one(_SQL["hold_subject"], subject=subject)
    assert row is not None, "it was recorded a moment ago"
    failures, last_failed_at, refused_until = row
    return Failures(failures=failures, last_failed_at=last_failed_at, refused_until=refused_until)


def count(transaction: Transaction, *, subject: bytes, counted: Failures) -> None:
    """Record the attempts of a name or an address."""
    transaction.run(
        _SQL["count_attempt"],
        subject=subject,
        failures=counted.failures,
        last_failed_at=counted.last_failed_at,
        refused_until=counted.refused_until,
    )


def forgive(transaction: Transaction, *, user: bytes, address: bytes | None = None) -> None:
    """Forget the failures in a name; of an address only the attempt that did not fail."""
    transaction.run(_SQL["forgive"], subject=user)
    if address is not None:
        transaction.run(_SQL["forgive_one"], subject=address)


def forget(transaction: Transaction, *, failed_before: datetime, ended_before: datetime) -> int:
    """Forget what no sign-in asks for any more; return how many rows it was."""
    failures = transaction.run(_SQL["forget_failures"], before=failed_before)
    return failures + transaction.run(_SQL["forget_sessions"], before=ended_before)
