"""What the utility does so that the next months find their place in the database."""

from __future__ import annotations

from datetime import datetime

from service.domain.months import Month
from service.store import partitions as store
from service.store.database import Database

_MONTHS_AHEAD = 12  # A year's warning, should making them fail for ever.


def make_partitions_ahead(*, database: Database, now: datetime, deadline: float) -> int:
    """Make the partitions of this month and of the year ahead; return how many were missing."""
    this_month = Month.at(now)
    return database.transaction(
        lambda transaction: store.make(transaction, first=this_month, months=_MONTHS_AHEAD + 1),
        scope="*",
        deadline=deadline,
    )
