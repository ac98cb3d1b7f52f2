"""How a reading is put right: one asks for it, another approves; bills follow by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from service.domain.accounts import known_no
from service.domain.correction_details import (
    CorrectionPage,
    CorrectionUnknown,
    ReadingCorrection,
    ReadingPage,
)
from service.domain.idempotency import Answer, Once
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.reading_corrections import (
    CorrectionOrder,
    check_approval,
    check_request,
    check_still,
    check_undecided,
)
from service.store import reading_corrections as store
from service.store.database import Database
from service.store.reading_corrections import Held
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def request_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    order: CorrectionOrder,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Ask for a reading's correction.

    :raises RoleForbidden: if the caller does not ask for corrections
    :raises AccountUnknown: if no account can have the number
    :raises ReadingUnknown: if no reading the caller may see was taken then
    :raises CorrectionPending: if a request for it waits for a decision
    :raises Refusal: whatever `check_request` refuses
    :raises ReadingBilled: if a bill in force rests on it
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_corrections.request")

    def work(transaction: Transaction) -> Answer:
        held = store.hold(transaction, known_no(order.account_no), order.read_at)
        corrected = check_request(held.standing, order)
        correction_no = store.add(
            transaction, held, corrected, is_confirmed=order.is_roll_over_confirmed
        )
        store.record(
            transaction,
            correction_no=correction_no,
            step="requested",
            principal_id=caller.principal_id,
            reason=order.reason,
            now=now,
        )
        where = {"Location": f"/v1/reading-corrections/{correction_no}"}
        return _told(transaction, correction_no, status=201, headers=where)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def approve_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    correction_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Approve a correction; from now on the reading says what it should have.

    :raises RoleForbidden: if the caller does not decide about corrections
    :raises CorrectionUnknown: if no correction the caller may see has the number
    :raises CorrectionDecided: if it was approved or rejected
    :raises OwnCorrection: if the caller asked for it
    :raises Refusal: whatever `check_still` refuses: a neighbour was corrected meanwhile, or billed
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_corrections.decide")

    def work(transaction: Transaction) -> Answer:
        correction, held = _held(transaction, correction_no)
        check_approval(correction, by=caller)
        check_still(correction, held.standing)
        store.correct(
            transaction,
            correction_no=correction_no,
            principal_id=caller.principal_id,
            now=now,
        )
        return _told(transaction, correction_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def reject_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    correction_no: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Reject a correction, for a reason; whoever asked for it withdraws it so.

    :raises RoleForbidden: if the caller does not decide about corrections
    :raises CorrectionUnknown: if no correction the caller may see has the number
    :raises CorrectionDecided: if it was approved or rejected
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_corrections.decide")

    def work(transaction: Transaction) -> Answer:
        correction, _ = _held(transaction, correction_no)
        check_undecided(correction)
        store.record(
            transaction,
            correction_no=correction_no,
            step="rejected",
            principal_id=caller.principal_id,
            reason=reason,
            now=now,
        )
        return _told(transaction, correction_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def correction_by_no(
    *, database: Database, caller: Caller, correction_no: int, deadline: float
) -> ReadingCorrection:
    """
    Return a correction with every step it has taken.

    :raises RoleForbidden: if the caller does not see corrections
    :raises CorrectionUnknown: if no correction the caller may see has the number
    """
    check(caller, "reading_corrections.read")
    number = known_number(correction_no, CorrectionUnknown)
    return database.read(
        lambda transaction: store.by_no(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def list_corrections(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> CorrectionPage:
    """
    Return a page of corrections, the newest first.

    :raises RoleForbidden: if the caller does not see corrections
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "reading_corrections.read")
    return database.read(
        lambda transaction: store.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )


def readings_of_account(
    *,
    database: Database,
    caller: Caller,
    account_no: str,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> ReadingPage:
    """
    Return a page of an account's readings as they are in force, the newest first.

    :raises RoleForbidden: if the caller does not see readings
    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "readings.read")
    return database.read(
        lambda transaction: store.readings_page(
            transaction, known_no(account_no), limit=limit, cursor=cursor
        ),
        scope=caller.scope,
        deadline=deadline,
    )


def _held(transaction: Transaction, correction_no: int) -> tuple[ReadingCorrection, Held]:
    """Lock the account a correction is about; return both as they are then."""
    asked = store.by_no(transaction, known_number(correction_no, CorrectionUnknown))
    held = store.hold(transaction, asked.account_no, asked.read_at)
    return store.by_no(transaction, correction_no), held


def _told(
    transaction: Transaction,
    correction_no: int,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    body = msgspec.json.encode(store.by_no(transaction, correction_no))
    return Answer(status=status, body=body, headers=dict(headers))
