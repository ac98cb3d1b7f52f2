"""The smallest work that proves the database does its own."""

from __future__ import annotations

from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("readiness")


def read(transaction: Transaction) -> None:
    """Read from a table of ours."""
    transaction.one(_SQL["read_something"])


def write(transaction: Transaction) -> None:
    """Begin a transaction that writes."""
    transaction.one(_SQL["write_something"])
