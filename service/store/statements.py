"""The books of one account, read: what moved its balance, what the balance is."""

from __future__ import annotations

from datetime import date

from service.domain import cursors
from service.domain.accounts import AccountUnknown
from service.domain.statements import Balance, StatementEntry, StatementPage
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("statements")
_AFTER_ALL = (date.max, 0, 0)


def page(
    transaction: Transaction, *, account_no: str, limit: int, cursor: str | None
) -> StatementPage:
    """
    Return up to `limit` movements, newest first, from `cursor` on.

    :raises AccountUnknown: if no account the caller may see has this number
    :raises CursorBroken: if the cursor is not one of this list
    """
    before = cursors.decode(cursor, date, int, int) if cursor else _AFTER_ALL
    balance = balance_of(transaction, account_no)
    rows = transaction.all(
        _SQL["entries_of_account"],
        account_no=account_no,
        before_date=before[0],
        before_journal=before[1],
        before_position=before[2],
        limit=limit + 1,
    )
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return StatementPage(
        account_no=account_no,
        balance=balance,
        items=tuple(StatementEntry(row[0], row[3], row[4], row[5], row[6]) for row in rows[:limit]),
        next_cursor=cursors.encode(last[:3]) if last else None,
    )


def balance_of(transaction: Transaction, account_no: str) -> Balance:
    """
    Return the balance of an account.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    found = transaction.one(_SQL["balance_of_account"], account_no=account_no)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    return Balance(*found)
