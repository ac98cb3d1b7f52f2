"""Accounts in the database: `account`, each with its `meter`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.domain.account_imports import Taken
from service.domain.accounts import Account, AccountFilter, AccountUnknown, Meter
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.new_accounts import NewAccount
from service.domain.statements import Balance
from service.store import queries
from service.store.readings import REGISTER_RULES
from service.store.transaction import Transaction

_SQL = queries.load("accounts")
_NUMBER_LENGTH = 10
_TRIGRAM_LENGTH = 3  # The indexes on names and addresses hold pieces of this length.


def bureaus(transaction: Transaction) -> frozenset[int]:
    """Return the number of every bureau of the utility."""
    return frozenset(bureau_id for (bureau_id,) in transaction.all(_SQL["bureaus"]))


def draw_numbers(transaction: Transaction, *, wanted: int, passed_over: int) -> list[int]:
    """
    Return numbers for `wanted` new accounts that were never drawn before.

    They may be taken nevertheless, by accounts that brought their number along: then draw again and
    pass over more of them, because imported numbers follow each other.
    """
    if not wanted:
        return []
    rows = transaction.all(_SQL["draw_numbers"], wanted=wanted, passed_over=passed_over)
    return [number for (number,) in rows]


def begin(
    transaction: Transaction, *, accounts: Iterable[tuple[str, NewAccount]], now: datetime
) -> Taken:
    """
    Begin accounts under numbers, each with its meter; return which of their numbers were taken.

    If any was, the transaction holds accounts without a meter: undo it.
    :raises UpgradeUnderWay: of a register, or of a category, that some program knows nothing of yet
    """
    rows = [_row(account_no, account) for account_no, account in accounts]
    if not rows:
        return Taken()
    under_way = UpgradeUnderWay("the release is not whole yet")
    for rule in (*REGISTER_RULES, "account_category_check"):
        transaction.on_conflict(rule, under_way)
    halves = transaction.all(
        _SQL["begin_accounts"], accounts=msgspec.json.encode(rows).decode(), now=now
    )
    return Taken(
        account_nos=frozenset(number for number, _, has_begun in halves if not has_begun),
        asset_nos=frozenset(asset for _, asset, has_begun in halves if has_begun),
    )


def by_no(transaction: Transaction, account_no: str) -> Account:
    """
    Return one account.

    :raises AccountUnknown: if the transaction sees none with this number
    """
    row = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if row is None:
        raise AccountUnknown(f"account is {account_no!r}")
    return _account(row)


def found(
    transaction: Transaction, wanted: AccountFilter, *, after: str, limit: int
) -> tuple[Account, ...]:
    """Return at most `limit` accounts that match, with numbers behind `after`, in their order."""
    numbers = _numbers(transaction, wanted, after=after, limit=limit)
    if not numbers:
        return ()
    rows = transaction.all(_SQL["accounts_by_no"], account_nos=numbers)
    return tuple(_account(row) for row in rows)


def _numbers(
    transaction: Transaction, wanted: AccountFilter, *, after: str, limit: int
) -> list[str]:
    rows = transaction.all(
        _SQL["accounts_found"],
        name_like=_like(wanted.name),
        address_like=_like(wanted.address),
        phone=wanted.phone,
        number_first=wanted.number and wanted.number.ljust(_NUMBER_LENGTH, "0"),
        number_last=wanted.number and wanted.number.ljust(_NUMBER_LENGTH, "9"),
        after=after,
        limit=limit,
    )
    return [number for (number,) in rows]


def _like(part: str | None) -> str | None:
    """
    Return the pattern of texts that contain `part`, in which nothing is a wildcard.

    Of texts that begin with it, if it is too short for a trigram: those of a beginning are shorter.
    """
    if part is None:
        return None
    literal = part.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{literal}%" if len(part.strip()) >= _TRIGRAM_LENGTH else f"{literal}%"


def _row(account_no: str, account: NewAccount) -> dict[str, object]:
    return {
        "account_no": account_no,
        "name": account.name,
        "phone": account.phone,
        "address": account.address,
        "category": account.category,
        "opened_on": account.opened_on,
        "bureau_id": account.bureau,
        "asset_no": account.meter.asset_no,
        "digits": account.meter.digits,
        "decimals": account.meter.decimals,
        "multiplier": account.meter.multiplier,
        # PostgreSQL reads no offset of 16 h or more, which RFC 3339 allows.
        "installed_at": account.meter.installed_at.astimezone(UTC),
        "initial_register": account.meter.initial_register,
        "periods": account.meter.periods,
    }


def _account(row: Sequence[Any]) -> Account:
    number, bureau, name, phone, address, category, opened_on, receivable, prepayment = row[:9]
    asset_no, digits, decimals, multiplier, installed_at, initial, read_at, register = row[9:17]
    return Account(
        account_no=number,
        bureau=bureau,
        name=name,
        phone=phone,
        address=address,
        category=category,
        opened_on=opened_on,
        balance=Balance(receivable, prepayment),
        meter=None
        if asset_no is None
        else Meter(
            asset_no=asset_no,
            digits=digits,
            decimals=decimals,
            multiplier=multiplier,
            installed_at=installed_at,
            initial_register=initial,
            last_read_at=read_at,
            last_register=register,
        ),
        closed_at=row[17],
    )
