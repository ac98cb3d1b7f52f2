"""What is in the database of the demo already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("demo")


@dataclass(frozen=True, slots=True)
class DemoMeter:
    """A meter of the demo with what it showed last."""

    asset_no: str
    account_no: str
    read_at: datetime
    register: Decimal


def meters(transaction: Transaction, *, bureau_id: int, prefix: str) -> list[DemoMeter]:
    """Return a bureau's meters of the demo, by asset number."""
    rows = transaction.all(_SQL["demo_meters"], bureau_id=bureau_id, prefix=prefix)
    return [DemoMeter(*row) for row in rows]


def has_token(transaction: Transaction, *, principal_id: int, now: datetime) -> bool:
    """Test if a principal has a living token."""
    return transaction.one(_SQL["living_token"], principal_id=principal_id, now=now) is not None
