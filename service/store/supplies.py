"""Supplies in the database: `supply_term`, with the `equipment` of accounts, append-only."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from service.domain.months import Month
from service.domain.supplies import Agreed, Installed, Supply
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("supplies")


def of_accounts(
    transaction: Transaction, *, bureau_id: int, account_ids: Sequence[int], month: Month
) -> dict[int, Supply]:
    """Return how accounts (by id) are supplied in a month; without those that have no terms."""
    if not account_ids:
        return {}
    rows = transaction.all(
        _SQL["supplies_of_accounts"],
        bureau_id=bureau_id,
        account_ids=list(account_ids),
        month=month.first_day,
    )
    return {row[0]: _supply(row) for row in rows}


def _supply(row: Row) -> Supply:
    agreed, standard, is_metered_low, load_shape, line_loss, equipment = row[1:]
    return Supply(
        agreed=msgspec.convert(agreed, tuple[Agreed, ...]),
        standard=standard,
        is_metered_low=is_metered_low,
        load_shape=load_shape,
        line_loss=line_loss,
        equipment=msgspec.convert(equipment or (), tuple[Installed, ...]),
    )
