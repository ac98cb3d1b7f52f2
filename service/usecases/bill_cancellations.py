"""How a bill is cancelled: one asks for it, another approves; the mirror takes all of it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from service.domain import ledger
from service.domain.bill_cancellations import (
    BillCancellation,
    CancellationPage,
    CancellationUnknown,
    check_approval,
    check_request,
    check_undecided,
    mirrored,
)
from service.domain.idempotency import Answer, Once
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import bill_cancellations as store
from service.store import bills, journals, settlements
from service.store.bill_cancellations import Held
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def request_cancellation(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    bill_no: str,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Ask for a bill's cancellation.

    :raises RoleForbidden: if the caller does not ask for cancellations
    :raises BillUnknown: if no bill the caller may see has the number
    :raises BillNotInForce: if it was cancelled, or is a mirror
    :raises BillNotNewest: if a later month of the account is billed
    :raises CancellationPending: if a request for it waits for a decision
    :raises BillCorrected: if corrections of energy that are in force rest on it
    :raises CancelledTooOften: if its month has no number left for another bill
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_cancellations.request")

    def work(transaction: Transaction) -> Answer:
        held = store.hold(transaction, bill_no)
        check_request(held.standing)
        cancellation_no = store.add(transaction, held)
        store.record(
            transaction,
            cancellation_no=cancellation_no,
            step="requested",
            principal_id=caller.principal_id,
            reason=reason,
            now=now,
        )
        where = {"Location": f"/v1/bill-cancellations/{cancellation_no}"}
        return _told(transaction, cancellation_no, status=201, headers=where)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def approve_cancellation(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    cancellation_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Approve a cancellation; the mirror bill, the books, the customer's money follow at once.

    What was paid of the bill is paid ahead then, which pays whatever else is owed.

    :raises RoleForbidden: if the caller does not decide about cancellations
    :raises CancellationUnknown: if no cancellation the caller may see has the number
    :raises CancellationDecided: if it was approved or rejected
    :raises OwnCancellation: if the caller asked for it
    :raises AmountForHeadOffice: if the bill is over too much for the caller
    :raises BillNotNewest: if a later month of the account was billed meanwhile
    :raises BillCorrected: if corrections of energy that are in force rest on it
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_cancellations.decide")

    def work(transaction: Transaction) -> Answer:
        cancellation, held = _held(transaction, cancellation_no)
        check_approval(cancellation, held.standing, by=caller)
        mirror_no, paid_fen = store.cancel(
            transaction,
            cancellation_no=cancellation_no,
            principal_id=caller.principal_id,
            now=now,
        )
        _book(transaction, held, mirror_no=mirror_no, paid_fen=paid_fen, now=now)
        return _told(transaction, cancellation_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def reject_cancellation(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    cancellation_no: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Reject a cancellation, for a reason; whoever asked for it withdraws it so.

    :raises RoleForbidden: if the caller does not decide about cancellations
    :raises CancellationUnknown: if no cancellation the caller may see has the number
    :raises CancellationDecided: if it was approved or rejected
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_cancellations.decide")

    def work(transaction: Transaction) -> Answer:
        cancellation, _ = _held(transaction, cancellation_no)
        check_undecided(cancellation)
        store.record(
            transaction,
            cancellation_no=cancellation_no,
            step="rejected",
            principal_id=caller.principal_id,
            reason=reason,
            now=now,
        )
        return _told(transaction, cancellation_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def cancellation_by_no(
    *, database: Database, caller: Caller, cancellation_no: int, deadline: float
) -> BillCancellation:
    """
    Return a cancellation with every step it has taken.

    :raises RoleForbidden: if the caller does not see cancellations
    :raises CancellationUnknown: if no cancellation the caller may see has the number
    """
    check(caller, "bill_cancellations.read")
    number = known_number(cancellation_no, CancellationUnknown)
    return database.read(
        lambda transaction: store.by_no(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def list_cancellations(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> CancellationPage:
    """
    Return a page of cancellations, the newest first.

    :raises RoleForbidden: if the caller does not see cancellations
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "bill_cancellations.read")
    return database.read(
        lambda transaction: store.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )


def _held(transaction: Transaction, cancellation_no: int) -> tuple[BillCancellation, Held]:
    """Lock the account a cancellation is about; return both as they are then."""
    bill_no = store.by_no(transaction, known_number(cancellation_no, CancellationUnknown)).bill_no
    held = store.hold(transaction, bill_no)
    return store.by_no(transaction, cancellation_no), held


def _book(
    transaction: Transaction, held: Held, *, mirror_no: str, paid_fen: int, now: datetime
) -> None:
    """Pay what else is owed by what was paid of the bill; post it with the mirror."""
    uses = settlements.settle(
        transaction, bureau_id=held.bureau_id, account_id=held.account_id, now=now
    )
    mirror = ledger.BillPosting(
        account_id=held.account_id,
        bill_no=mirror_no,
        category=held.category,
        lines=mirrored(bills.lines_of_bill(transaction, held.standing.bill_no)),
        prepaid_fen=-paid_fen,
        categories=bills.categories_of_bill(transaction, held.standing.bill_no),
    )
    journals.post(
        transaction,
        bureau_id=held.bureau_id,
        event="bill_cancelled",
        reference=mirror_no,
        entries=[
            *ledger.bill_cancelled_entries(mirror),
            *ledger.settled_entries(uses, account_id=held.account_id),
        ],
        now=now,
    )


def _told(
    transaction: Transaction,
    cancellation_no: int,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    body = msgspec.json.encode(store.by_no(transaction, cancellation_no))
    return Answer(status=status, body=body, headers=dict(headers))
