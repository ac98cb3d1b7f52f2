"""Prices in the database: `catalogue_version` with its `price_item`."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import groupby

import msgspec

from service.domain.calendars import Calendar
from service.domain.power_factors import Table
from service.domain.prices import PriceList
from service.domain.tariffs import Price, Tariff
from service.domain.tiers import Scheme
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("prices")
_VERSION_COLUMNS = 10


def in_force(transaction: Transaction, *, on: date) -> tuple[PriceList, ...]:
    """Return the price list of each category in force on a day; empty before the oldest one."""
    return within(transaction, first=on, last=on)


def within(transaction: Transaction, *, first: date, last: date) -> tuple[PriceList, ...]:
    """Return the price lists in force on any of these days, each category's oldest first."""
    rows = transaction.all(_SQL["price_lists_within"], first=first, last=last)
    return tuple(_price_list(list(items)) for _, items in groupby(rows, key=lambda row: row[0]))


def power_factor_tables(transaction: Transaction, *, on: date) -> dict[int, Table]:
    """Return the power-factor tables in force on a day, by standard, in hundredths."""
    tables: dict[int, dict[int, int]] = defaultdict(dict)
    for standard, power_factor, percent in transaction.all(_SQL["power_factor_tables"], on=on):
        tables[standard][power_factor] = percent
    return dict(tables)


def _price_list(rows: list[Row]) -> PriceList:
    version_id, category, legal_document, valid_from, limits_kwh, *rules = rows[0]
    has_year_tiers, extension_kwh, extension, free_kwh, calendar = rules[: _VERSION_COLUMNS - 5]
    scheme = Scheme(
        is_annual=has_year_tiers,
        limits_kwh=tuple(limits_kwh),
        extension_kwh=extension_kwh,
        extension=extension,
    )
    return PriceList(
        catalogue_version_id=version_id,
        category=category,
        legal_document=legal_document,
        valid_from=valid_from,
        tariff=Tariff(
            version=str(version_id),
            prices=tuple(Price(*row[_VERSION_COLUMNS:]) for row in rows),
            scheme=scheme if limits_kwh else None,
            free_kwh=free_kwh,
            tables={},
        ),
        calendar=msgspec.convert(calendar, Calendar) if calendar else None,
    )
