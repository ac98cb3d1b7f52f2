"""Prepayments: what payments left over, used for later bills."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Lot(NamedTuple):
    """What is left of the overpayment that `payment_no` brought."""

    payment_no: str
    open_fen: int


class LotUse(NamedTuple):
    """How much of a lot pays a bill, above zero."""

    payment_no: str
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
