"""Partitions of the tables that are cut by month: made before anything needs them."""

from __future__ import annotations

from service.domain.months import Month
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("partitions")


def make(transaction: Transaction, *, first: Month, months: int) -> int:
    """Make what is missing of the partitions of `months` months from `first` on; count it."""
    transaction.run(_SQL["lock_making"])
    made = transaction.one(_SQL["make_partitions"], first_day=first.first_day, months=months)
    assert made is not None, "an aggregate has one row"
    count: int = made[0]
    return count
