"""Payments: money received against an account, used for its bills."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from service.domain.errors import Conflict, Forbidden, Invalid, Missing

# A hall counter; every other channel's money arrives later, through a bank.
HALL_CHANNEL = "hall"
_PAYMENT_NO = re.compile(r"(?P<date>[0-9]{8})[0-9]{12}", re.ASCII)
AMOUNT_MAX_FEN = 100_000_000_00
"""One payment of more than 100 million yuan is a typing error, not a payment."""


class AmountNotPositive(Invalid):
    """A payment must bring money."""

    code = "AMOUNT_NOT_POSITIVE"
    hint = "Send amount_fen as a whole number of fen above zero; money back is a refund."


class AmountTooLarge(Invalid):
    """A payment is larger than any plausible one."""

    code = "AMOUNT_TOO_LARGE"
    hint = "amount_fen counts fen: 100 fen are one yuan."


class ChannelForbidden(Forbidden):
    """A caller spoke for a channel that is not its own."""

    code = "CHANNEL_FORBIDDEN"
    hint = "A hall clerk takes payments of channel 'hall'; a channel takes those of any other."


class SerialUsed(Conflict):
    """The channel's serial already names another payment of the same business date."""

    code = "CHANNEL_SERIAL_USED"
    hint = "Look the payment up; send a fresh serial for a new one."


class PaymentUnknown(Missing):
    """No payment has this number."""

    code = "PAYMENT_UNKNOWN"
    hint = "Check the number printed on the receipt: 20 digits, the first eight are the date."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrder:
    """What a channel asks: take this much for this account."""

    account_no: str
    amount_fen: int
    channel: str
    channel_serial: str


@dataclass(frozen=True, slots=True)
class OpenBill:
    """A bill with something still owed on it."""

    bill_no: str
    open_fen: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Money of a payment used for a bill."""

    bill_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceipt:
    """A payment as taken; immutable, corrected only by a reversal."""

    payment_no: str
    account_no: str
    amount_fen: int
    channel: str
    channel_serial: str
    business_date: date
    received_at: datetime
    allocations: tuple[Allocation, ...]
    prepayment_fen: int


def checked(order: PaymentOrder, *, role: str) -> PaymentOrder:
    """
    Return `order` if its amount can be a payment, and its channel can be that of `role`.

    :raises AmountNotPositive: if it is zero or below
    :raises AmountTooLarge: if it is above `AMOUNT_MAX_FEN`
    :raises ChannelForbidden: if a hall clerk speaks for a bank, or a bank for the hall
    """
    if order.amount_fen <= 0:
        raise AmountNotPositive(f"amount_fen is {order.amount_fen}")
    if order.amount_fen > AMOUNT_MAX_FEN:
        raise AmountTooLarge(f"amount_fen is {order.amount_fen}, more than {AMOUNT_MAX_FEN}")
    if (order.channel == HALL_CHANNEL) != (role == "hall_clerk"):
        raise ChannelForbidden(f"a {role} does not take payments of channel {order.channel}")
    return order


def allocate(
    *, amount_fen: int, open_bills: tuple[OpenBill, ...]
) -> tuple[tuple[Allocation, ...], int]:
    """
    Return which bills `amount_fen` pays, the oldest first, beside what is left as prepayment.

    The last bill reached may be paid in part.
    Source: domain rules 2.18, allocation order (oldest due bill first; rest to prepayment).

    :param open_bills: sorted oldest first
    """
    left_fen = amount_fen
    allocations = []
    for bill in open_bills:
        if left_fen == 0:
            break
        used_fen = min(left_fen, bill.open_fen)
        allocations.append(Allocation(bill.bill_no, used_fen))
        left_fen -= used_fen
    return tuple(allocations), left_fen


def date_inside(payment_no: str) -> date:
    """
    Return the business date that a payment's number begins with; the number need not be taken.

    :raises PaymentUnknown: if it cannot be the number of a payment
    """
    match = _PAYMENT_NO.fullmatch(payment_no)
    try:
        return date.fromisoformat(match["date"] if match else "")
    except ValueError as error:
        raise PaymentUnknown(f"no payment {payment_no[:40]!r}") from error
