"""Locks on accounts: whatever changes what one owes holds its row until the transaction ends."""

from __future__ import annotations

from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("account_locks")


def lock(transaction: Transaction, account_no: str) -> None:
    """
    Lock an account; travels with the next statement, which sees what is younger than the lock.

    An account that is not there, or of another bureau, is none of the lock's business.
    """
    transaction.later(_SQL["lock_account"], account_no=account_no)
