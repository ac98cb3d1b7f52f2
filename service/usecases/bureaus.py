"""Whose bureau something is done in."""

from __future__ import annotations

from service.domain.bureaus import BureauUnknown
from service.domain.principals import Caller
from service.store.transaction import Transaction
from service.usecases.principals import known_bureau

_BUREAU_MAX = 99


def check_bureau(transaction: Transaction, *, caller: Caller, bureau_id: int) -> None:
    """
    Let a bureau pass that there is, and that the caller does not stand outside of.

    :raises BureauUnknown: if there is none, or the caller belongs to another
    """
    is_own = caller.bureau_id in (None, bureau_id) and 0 < bureau_id <= _BUREAU_MAX
    if not is_own:
        raise BureauUnknown(f"no bureau {bureau_id}")
    known_bureau(transaction, bureau_id)
