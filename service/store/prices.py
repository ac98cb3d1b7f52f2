"""Prices in the database: `catalogue_version` with its `price_item`."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from operator import itemgetter

from service.domain.prices import PriceList
from service.domain.rating import Price
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("prices")


def in_force(transaction: Transaction, *, on: date) -> tuple[PriceList, ...]:
    """Return the price list of each category in force on a day; empty before the oldest one."""
    rows = transaction.all(_SQL["price_lists_on"], on=on)
    return tuple(
        PriceList(*version, prices=tuple(Price(*row[4:]) for row in items))
        for version, items in groupby(rows, key=itemgetter(0, 1, 2, 3))
    )
