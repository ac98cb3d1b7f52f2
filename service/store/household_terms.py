"""Household terms in the database: `household_term`, append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain.accounts import AccountUnknown
from service.domain.household_terms import (
    HouseholdTerm,
    RecordedTerm,
    RecordedTerms,
    Standing,
    has_free_energy,
    has_wider_tiers,
)
from service.domain.months import Month
from service.store import account_locks, queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("household_terms")


@dataclass(frozen=True, slots=True)
class Held:
    """An account that is locked until the transaction ends, with what a new term is judged by."""

    bureau_id: int
    account_id: int
    standing: Standing


def hold(transaction: Transaction, account_no: str) -> Held:
    """
    Lock an account; return what a new term of it is judged by.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account_locks.lock(transaction, account_no)
    found = transaction.one(_SQL["standing"], account_no=account_no)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    bureau_id, account_id, category, newest_billed, begun = found
    standing = Standing(
        category=category,
        newest_billed=Month.of(newest_billed) if newest_billed else None,
        begun=frozenset(map(Month.of, begun)),
    )
    return Held(bureau_id, account_id, standing)


def add(
    transaction: Transaction,
    *,
    held: Held,
    term: HouseholdTerm,
    month: Month,
    principal_id: int,
    now: datetime,
) -> None:
    """Record a term of a held account."""
    transaction.run(
        _SQL["add_term"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        from_month=month.first_day,
        persons=term.persons,
        subsidy=term.subsidy,
        document_no=term.document_no,
        principal_id=principal_id,
        recorded_at=now,
    )


def of_account(transaction: Transaction, account_no: str) -> RecordedTerms:
    """
    Return every term of an account, the newest first.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if account is None:
        raise AccountUnknown(f"no account {account_no}")
    names = {"bureau_id": account[0], "account_id": account[1]}
    rows = transaction.all(_SQL["terms_of_account"], **names)
    return RecordedTerms(account_no=account_no, items=tuple(map(_term, rows)))


def _term(row: Row) -> RecordedTerm:
    from_month, persons, subsidy, document_no, recorded_by, recorded_at = row
    return RecordedTerm(
        from_month=str(Month.of(from_month)),
        persons=persons,
        subsidy=subsidy,
        document_no=document_no,
        has_wider_tiers=has_wider_tiers(persons),
        has_free_energy=has_free_energy(subsidy),
        recorded_by=recorded_by,
        recorded_at=recorded_at,
    )
