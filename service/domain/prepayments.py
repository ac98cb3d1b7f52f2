"""Prepayments: what payments left over, used for later bills."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from service.domain.payments import OpenBill


class Lot(NamedTuple):
    """What is left of the overpayment that `payment_no` brought."""

    payment_no: str
    open_fen: int


class LotUse(NamedTuple):
    """How much of a lot pays a bill, above zero."""

    payment_no: str
    amount_fen: int


class Settled(NamedTuple):
    """How much of a lot pays a bill that is open, above zero."""

    payment_no: str
    bill_no: str
    amount_fen: int


def use_lots(*, amount_fen: int, lots: Iterable[Lot]) -> tuple[LotUse, ...]:
    """
    Return which lots pay how much of a bill over `amount_fen`, the first lot first.

    The last lot used may keep a rest; together they never pay more than the bill.
    Source: domain rule 2.18 (rest to prepayment), first in, first out.

    :param lots: sorted oldest first
    """
    uses = []
    due_fen = amount_fen
    for payment_no, open_fen in lots:
        if due_fen <= 0:
            break
        used_fen = min(due_fen, open_fen)
        uses.append(LotUse(payment_no, used_fen))
        due_fen -= used_fen
    return tuple(uses)


def settled(*, lots: Iterable[Lot], due: Iterable[OpenBill]) -> tuple[Settled, ...]:
    """
    Return which lots pay how much of which open bills, the oldest of both first.

    Source: domain rule 2.18 (oldest due bill first), first in, first out.

    :param lots: sorted oldest first, as `due` is
    """
    found = []
    left = list(lots)
    for bill in due:
        uses = use_lots(amount_fen=bill.open_fen, lots=left)
        found += [Settled(use.payment_no, bill.bill_no, use.amount_fen) for use in uses]
        used = {use.payment_no: use.amount_fen for use in uses}
        rests = [Lot(lot.payment_no, lot.open_fen - used.get(lot.payment_no, 0)) for lot in left]
        left = [lot for lot in rests if lot.open_fen]
    return tuple(found)
