"""Prices in the database: `catalogue_version` with its `price_item`."""

from __future__ import annotations

from datetime import date
from itertools import groupby

from service.domain.prices import PriceList
from service.domain.rating import Price
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("prices")


def in_force(transaction: Transaction, *, on: date) -> tuple[PriceList, ...]:
    """Return the price list of each category in force on a day; empty before the oldest one."""
    rows = transaction.all(_SQL["price_lists_on"], on=on)
    return tuple(_price_list(list(items)) for _, items in groupby(rows, key=lambda row: row[0]))


def _price_list(rows: list[Row]) -> PriceList:
    catalogue_version_id, category, legal_document, valid_from = rows[0][:4]
    return PriceList(
        catalogue_version_id=catalogue_version_id,
        category=category,
        legal_document=legal_document,
        valid_from=valid_from,
        prices=tuple(Price(*row[4:]) for row in rows),
    )
