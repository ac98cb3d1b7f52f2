"""What the business does with accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec

from service.domain import account_imports, account_numbers, cursors
from service.domain.account_imports import ImportContended, ImportLine, Taken
from service.domain.accounts import (
    Account,
    AccountFilter,
    AccountPage,
    check_width,
    known_no,
)
from service.domain.idempotency import Answer, Once
from service.domain.new_accounts import NewAccount, Terms
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import accounts as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once

# How many drawn numbers each attempt at an import passes over. The first attempt finds all that is
# taken, the second should succeed; the later ones leave behind a utility's worth of old numbers.
_PASSED_OVER = (0, 0, 10_000, 1_000_000)


class _SomeTaken(Exception):
    """Numbers of an import turned out to be taken, so that all of the attempt must be undone."""

    def __init__(self, taken: Taken) -> None:
        super().__init__(taken)
        self.taken = taken


def import_accounts(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    lines: Sequence[ImportLine],
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Import accounts, each wholly or not at all, and answer what became of every line.

    Only writing tells which numbers other bureaus have taken, and what is written of a line cannot
    be taken back alone: so an attempt that meets taken numbers is undone, and the next leaves those
    lines out.

    :raises RoleForbidden: if the caller does not import accounts
    :raises ImportLengthRefused: if there are no lines, or too many
    :raises ImportContended: if others keep taking numbers of the file meanwhile
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "accounts.import")
    account_imports.check_length(lines)
    taken = Taken()
    for passed_over in _PASSED_OVER:
        work = partial(
            _imported, caller=caller, lines=lines, taken=taken, passed_over=passed_over, now=now
        )
        try:
            return answer_once(
                database, caller=caller, once=once, now=now, deadline=deadline, work=work
            )
        except _SomeTaken as attempt:
            taken |= attempt.taken
    raise ImportContended(f"numbers were taken in {len(_PASSED_OVER)} attempts")


def account_by_no(
    *, database: Database, caller: Caller, account_no: str, deadline: float
) -> Account:
    """
    Return one account.

    :raises RoleForbidden: if the caller does not see accounts
    :raises AccountUnknown: if no account the caller may see has the number
    """
    check(caller, "accounts.read")
    return database.read(
        lambda transaction: store.by_no(transaction, known_no(account_no)),
        scope=caller.scope,
        deadline=deadline,
    )


def search_accounts(
    *,
    database: Database,
    caller: Caller,
    wanted: AccountFilter,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> AccountPage:
    """
    Return a page of the accounts that match, in the order of their numbers.

    :raises RoleForbidden: if the caller does not see accounts
    :raises SearchTooWide: if the search says too little
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "accounts.read")
    check_width(wanted)
    (after,) = cursors.decode(cursor, str) if cursor else ("",)
    items = database.read(
        lambda transaction: store.found(transaction, wanted, after=after, limit=limit + 1),
        scope=caller.scope,
        deadline=deadline,
    )
    if len(items) <= limit:
        return AccountPage(items=items, next_cursor=None)
    last = items[limit - 1].account_no
    return AccountPage(items=items[:limit], next_cursor=cursors.encode((last,)))


def _imported(
    transaction: Transaction,
    *,
    caller: Caller,
    lines: Sequence[ImportLine],
    taken: Taken,
    passed_over: int,
    now: datetime,
) -> Answer:
    bureaus = store.bureaus(transaction)
    if caller.bureau_id is not None:
        bureaus &= {caller.bureau_id}
    accounts, refusals = account_imports.sort_out(
        lines, terms=Terms(bureaus=bureaus, now=now), taken=taken
    )
    account_nos = _numbers(transaction, accounts, passed_over=passed_over)
    met = store.begin(
        transaction,
        accounts=((account_nos[line], account) for line, account in accounts.items()),
        now=now,
    )
    if met:
        raise _SomeTaken(met)
    told = account_imports.report(lines, account_nos=account_nos, refusals=refusals)
    return Answer(status=200, body=msgspec.json.encode(told))


def _numbers(
    transaction: Transaction, accounts: Mapping[int, NewAccount], *, passed_over: int
) -> dict[int, str]:
    """Return the number of each account by line: its own, or one that no other line brought."""
    brought = {account.account_no for account in accounts.values()} - {None}
    wanted = sum(account.account_no is None for account in accounts.values())
    # Drawn in reserve: as many as could be refused. Numbers are not scarce, round trips are.
    numbers = store.draw_numbers(
        transaction, wanted=wanted + len(brought) if wanted else 0, passed_over=passed_over
    )
    drawn = (no for no in map(account_numbers.account_no, numbers) if no not in brought)
    return {line: account.account_no or next(drawn) for line, account in accounts.items()}
