"""What the utility does with money it receives."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain import ledger, payments
from service.domain.accounts import known_no
from service.domain.idempotency import Answer, Once
from service.domain.months import business_date
from service.domain.payments import PaymentOrder, PaymentReceipt
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.statements import StatementPage
from service.store import payments as store
from service.store import statements
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def take_payment(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    order: PaymentOrder,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Take a payment: the oldest bills first, the rest as prepayment, booked in the same transaction.

    :raises RoleForbidden: if the caller does not take payments
    :raises ChannelForbidden: if the caller may not speak for the channel
    :raises AmountNotPositive: if there is no money in it
    :raises AmountTooLarge: if there cannot be this much in it
    :raises AccountUnknown: if no account the caller may see has the number
    :raises SerialUsed: if the channel's serial names another payment of the day
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "payments.take")
    payments.checked(order, role=caller.role)

    def work(transaction: Transaction) -> Answer:
        receipt = _taken(transaction, caller=caller, order=order, now=now)
        return Answer(
            status=201,
            body=msgspec.json.encode(receipt),
            headers={"Location": f"/v1/payments/{receipt.payment_no}"},
        )

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def payment_by_no(
    *, database: Database, caller: Caller, payment_no: str, deadline: float
) -> PaymentReceipt:
    """
    Return one payment.

    :raises RoleForbidden: if the caller does not see payments
    :raises PaymentUnknown: if no payment the caller may see has the number
    """
    check(caller, "payments.read")
    dated = payments.date_inside(payment_no)
    # Who asks for a payment asks if the money has come, to take it again if not.
    return database.read_for_money(
        lambda transaction: store.by_no(transaction, payment_no, dated),
        scope=caller.scope,
        deadline=deadline,
    )


def statement_of_account(
    *,
    database: Database,
    caller: Caller,
    account_no: str,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> StatementPage:
    """
    Return what moved an account's balance, newest first, with the balance now.

    :raises RoleForbidden: if the caller does not see statements
    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "statements.read")
    return database.read(
        lambda transaction: statements.page(
            transaction, account_no=known_no(account_no), limit=limit, cursor=cursor
        ),
        scope=caller.scope,
        deadline=deadline,
    )


def _taken(
    transaction: Transaction, *, caller: Caller, order: PaymentOrder, now: datetime
) -> PaymentReceipt:
    dated = business_date(now)
    held = store.hold(transaction, account_no=known_no(order.account_no), business_date=dated)
    allocations, prepayment_fen = payments.allocate(
        amount_fen=order.amount_fen, open_bills=held.open_bills
    )
    receipt = PaymentReceipt(
        payment_no=held.payment_no,
        account_no=order.account_no,
        amount_fen=order.amount_fen,
        channel=order.channel,
        channel_serial=order.channel_serial,
        business_date=dated,
        received_at=now,
        allocations=allocations,
        prepayment_fen=prepayment_fen,
    )
    entries = ledger.payment_entries(
        channel=order.channel,
        account_id=held.account_id,
        payment_no=held.payment_no,
        paid=allocations,
        prepayment_fen=prepayment_fen,
    )
    store.record(
        transaction,
        receipt=receipt,
        entries=entries,
        held=held,
        principal_id=caller.principal_id,
    )
    return receipt
