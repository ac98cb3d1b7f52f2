"""Payments in the database, with the bills they paid, the lots they left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from service.domain.accounts import AccountUnknown
from service.domain.ledger import Entry
from service.domain.payments import (
    Allocation,
    OpenBill,
    PaymentReceipt,
    PaymentUnknown,
    SerialUsed,
)
from service.store import account_locks, queries
from service.store.transaction import Transaction

_SQL = queries.load("payments")


@dataclass(frozen=True, slots=True)
class Payable:
    """An account held for a payment: a fresh number for it, the open bills oldest first."""

    account_id: int
    bureau_id: int
    payment_no: str
    open_bills: tuple[OpenBill, ...]


def hold(transaction: Transaction, *, account_no: str, business_date: date) -> Payable:
    """
    Lock an account until the transaction ends; return what a payment needs to know of it.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account_locks.lock(transaction, account_no)
    found = transaction.one(_SQL["payable"], account_no=account_no)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    account_id, bureau_id, number, bill_nos, open_fens = found
    bills = tuple(OpenBill(*bill) for bill in zip(bill_nos, open_fens, strict=True))
    return Payable(account_id, bureau_id, f"{business_date:%Y%m%d}{number:012}", bills)


def record(
    transaction: Transaction,
    *,
    receipt: PaymentReceipt,
    entries: Sequence[Entry],
    held: Payable,
    principal_id: int,
) -> None:
    """
    Record a payment with all that follows from it, in one statement that travels with the commit.

    :raises SerialUsed: there, if the channel used the serial before on this business date
    """
    transaction.on_conflict(
        "channel_serial",
        SerialUsed(
            f"serial {receipt.channel_serial} of {receipt.channel} is taken on "
            f"{receipt.business_date}"
        ),
    )
    transaction.later(
        _SQL["record_payment"],
        business_date=receipt.business_date,
        payment_no=receipt.payment_no,
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        amount_fen=receipt.amount_fen,
        channel=receipt.channel,
        channel_serial=receipt.channel_serial,
        principal_id=principal_id,
        received_at=receipt.received_at,
        bill_nos=[allocation.bill_no for allocation in receipt.allocations],
        bill_fens=[allocation.amount_fen for allocation in receipt.allocations],
        prepayment_fen=receipt.prepayment_fen,
        codes=[entry.code for entry in entries],
        account_ids=[entry.account_id for entry in entries],
        document_nos=[entry.document_no for entry in entries],
        amounts_fen=[entry.amount_fen for entry in entries],
    )


def by_no(transaction: Transaction, payment_no: str, business_date: date) -> PaymentReceipt:
    """
    Return the payment with this number.

    :raises PaymentUnknown: if no payment the caller may see has it
    """
    names = {"payment_no": payment_no, "business_date": business_date}
    found = transaction.one(_SQL["payment_by_no"], **names)
    if found is None:
        raise PaymentUnknown(f"no payment {payment_no}")
    account_no, amount_fen, channel, channel_serial, dated, received_at, prepayment_fen = found
    used: list[tuple[str, int]] = transaction.all(_SQL["allocations_of_payment"], **names)
    return PaymentReceipt(
        payment_no=payment_no,
        account_no=account_no,
        amount_fen=amount_fen,
        channel=channel,
        channel_serial=channel_serial,
        business_date=dated,
        received_at=received_at,
        allocations=tuple(Allocation(*use) for use in used),
        prepayment_fen=prepayment_fen,
    )
