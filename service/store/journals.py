"""Journals in the database: what an event does to the books, posted whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from service.domain.ledger import Entry
from service.domain.months import business_date
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("journals")


def post(
    transaction: Transaction,
    *,
    bureau_id: int,
    event: Literal["bill_cancelled", "energy_corrected"],
    reference: str,
    entries: Sequence[Entry],
    now: datetime,
) -> None:
    """Post the journal of an event that `reference` names; none without entries."""
    if not entries:
        return
    transaction.run(
        _SQL["post"],
        accounting_date=business_date(now),
        bureau_id=bureau_id,
        event=event,
        reference=reference,
        posted_at=now,
        codes=[entry.code for entry in entries],
        account_ids=[entry.account_id for entry in entries],
        document_nos=[entry.document_no for entry in entries],
        amounts_fen=[entry.amount_fen for entry in entries],
    )
