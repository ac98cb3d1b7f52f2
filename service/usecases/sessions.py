"""What a person does with the session they are in: renew it, end it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from service.domain import access_tokens, sign_ins
from service.domain.access_tokens import Keys
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.sign_ins import Renewed, SessionOver, StaffEvent
from service.store import sign_ins as store
from service.store import staff
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once

_EVERYWHERE = "*"
# A failed sign-in counts for a day; who asks about a session older than this asks the events.
_FAILURES_KEPT, _SESSIONS_KEPT = timedelta(days=2), timedelta(days=90)


def renew(
    *, database: Database, caller: Caller, keys: Keys, now: datetime, deadline: float
) -> Renewed:
    """
    Return the next access token of the session that `caller` is in; it ends when it would anyway.

    Nothing is written, so it may be repeated.
    :raises SessionMissing: if the caller is a program
    :raises SessionOver: if the session is over
    """
    check(caller, "sessions.renew")
    session_id = sign_ins.own_session(caller)
    session = database.read_for_money(
        lambda transaction: store.session(transaction, session_id=session_id),
        scope=_EVERYWHERE,
        deadline=deadline,
    )
    sign_ins.caller_of(session, now=now)
    if session is None:
        raise SessionOver("the session is over")
    token, expires_at = access_tokens.signed(
        session_id=session_id, now=now, ends_at=session.ends_at, keys=keys
    )
    return Renewed(access_token=token, expires_at=expires_at, session_ends_at=session.ends_at)


def sign_out(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    address: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    End the session that `caller` is in.

    Each API process may still let its token pass until it asks again, seconds later.
    :raises SessionMissing: if the caller is a program
    """
    check(caller, "sessions.end")
    session_id = sign_ins.own_session(caller)

    def work(transaction: Transaction) -> Answer:
        store.end(transaction, session_id=session_id, now=now)
        staff.remember(
            transaction,
            StaffEvent.SIGNED_OUT,
            now=now,
            whom=staff.by_name(transaction, name=caller.name),
            actor_id=caller.principal_id,
            address=address,
        )
        ended = sign_ins.SignedOut(user_name=caller.name, ended_at=now)
        return Answer(status=200, body=msgspec.json.encode(ended))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def forget_old_sign_ins(*, database: Database, now: datetime, deadline: float) -> int:
    """Forget failures that no longer count, sessions long over; return how many."""
    return database.transaction(
        lambda transaction: store.forget(
            transaction, failed_before=now - _FAILURES_KEPT, ended_before=now - _SESSIONS_KEPT
        ),
        scope=_EVERYWHERE,
        deadline=deadline,
    )
