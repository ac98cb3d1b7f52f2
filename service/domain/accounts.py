"""Accounts: who is supplied, where, through which meter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from service.domain.account_numbers import has_check_digit
from service.domain.errors import Invalid, Missing
from service.domain.statements import Balance

PAGE_MAX = 100
"""A person reads no longer list; a program asks for the next page."""
SEARCH_LENGTH_MIN = 2
"""A name or an address is looked for by two characters or more: one finds half the town."""


class AccountUnknown(Missing):
    """No account that the caller may see has this number."""

    code = "ACCOUNT_UNKNOWN"
    hint = "Check the number printed on the bill; accounts of another bureau are not shown."


def known_no(account_no: str) -> str:
    """
    Return `account_no` if an account can have it.

    :raises AccountUnknown: if its check digit says that nobody can
    """
    if not has_check_digit(account_no):
        raise AccountUnknown(f"account is {account_no[:40]!r}, which is no account number")
    return account_no


class SearchTooWide(Invalid):
    """A search must say enough to find somebody."""

    code = "SEARCH_TOO_WIDE"
    hint = (
        "Give at least one of number, name, phone and address; "
        f"of name and address at least {SEARCH_LENGTH_MIN} characters."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A running meter with what it showed last; decimal numbers are text, as they are answered."""

    asset_no: str
    digits: int
    decimals: int
    multiplier: str
    installed_at: datetime
    initial_register: str
    last_read_at: datetime
    last_register: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it is answered; one that was closed has no meter."""

    account_no: str
    bureau: int
    name: str
    phone: str
    address: str
    category: str
    opened_on: date
    balance: Balance
    meter: Meter | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """Some of the accounts found, by their number; `next_cursor` is None on the last page."""

    items: tuple[Account, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """
    What to look for; what is None does not matter, the rest must all hold.

    `number` is how the account number begins, `phone` the whole of it; `name` and `address` are any
    part of theirs, or their beginning if only two characters are given, in either case.
    """

    number: str | None
    name: str | None
    phone: str | None
    address: str | None


def check_width(wanted: AccountFilter) -> None:
    """
    Let a search pass that will find few accounts.

    :raises SearchTooWide: if it names nothing, or too short a part of a name or an address
    """
    named = [text for text in (wanted.name, wanted.address) if text is not None]
    if any(len(text.strip()) < SEARCH_LENGTH_MIN for text in named):
        raise SearchTooWide("name or address is too short")
    if not (named or wanted.number or wanted.phone):
        raise SearchTooWide("nothing to look for")
