"""Statements: what moved an account's balance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account owes, beside what it has paid ahead."""

    receivable_fen: int
    prepayment_fen: int


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement: above zero a debit (the customer owes more), below zero a credit."""

    accounting_date: date
    event: str
    document_no: str
    code: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """Movements newest first, with the balance as it stands now."""

    account_no: str
    balance: Balance
    items: tuple[StatementEntry, ...]
    next_cursor: str | None
