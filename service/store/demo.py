"""What is in the database of the demo already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from service.domain.registers import Counted
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("demo")


@dataclass(frozen=True, slots=True)
class DemoMeter:
    """A meter of the demo with what it showed last, also of each period that it counts by."""

    asset_no: str
    account_no: str
    read_at: datetime
    register: Decimal
    periods: Mapping[Counted, Decimal]


def meters(transaction: Transaction, *, bureau_id: int, prefix: str) -> list[DemoMeter]:
    """Return a bureau's meters of the demo, by asset number."""
    rows = transaction.all(_SQL["demo_meters"], bureau_id=bureau_id, prefix=prefix)
    return [
        DemoMeter(
            asset_no=row[0],
            account_no=row[1],
            read_at=row[2],
            register=row[3],
            periods={period: Decimal(shown) for period, shown in (row[4] or {}).items()},
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Unrouted:
    """How many sections a bureau has, which of its accounts no route has ever led to."""

    sections: int
    account_nos: list[str]


def unrouted(transaction: Transaction, *, bureau_id: int) -> Unrouted:
    """Return a bureau's accounts that are on no route, the oldest first."""
    counted = transaction.one(_SQL["count_sections"], bureau_id=bureau_id)
    assert counted is not None, "a count has one row"
    rows = transaction.all(_SQL["unrouted_accounts"], bureau_id=bureau_id)
    return Unrouted(counted[0], [account_no for (account_no,) in rows])


def unsupplied(transaction: Transaction, *, bureau_id: int) -> list[tuple[str, bool]]:
    """Return a bureau's accounts of two parts that have no equipment; of each, if it has terms."""
    rows = transaction.all(_SQL["unsupplied_accounts"], bureau_id=bureau_id)
    return [(account_no, has_terms) for account_no, has_terms in rows]


def has_token(transaction: Transaction, *, principal_id: int, now: datetime) -> bool:
    """Test if a principal has a living token."""
    return transaction.one(_SQL["living_token"], principal_id=principal_id, now=now) is not None
