"""Settlements in the database: what is paid ahead pays what is owed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from service.domain.months import business_date
from service.domain.payments import OpenBill
from service.domain.prepayments import Settled, settled
from service.store import bill_issues, queries
from service.store.transaction import Transaction

_SQL = queries.load("settlements")


def settle(
    transaction: Transaction,
    *,
    bureau_id: int,
    account_id: int,
    now: datetime,
    first: Collection[str] = (),
) -> tuple[Settled, ...]:
    """
    Pay what a locked account owes by what it has paid ahead; return what paid which bill.

    :param first: the bills (by number) that are paid before all others; then the first due
    """
    lots = bill_issues.open_lots(transaction, bureau_id=bureau_id, account_ids=[account_id])
    rows = transaction.all(_SQL["due"], bureau_id=bureau_id, account_id=account_id)
    due = [OpenBill(bill_no, open_fen) for bill_no, open_fen in rows]
    due.sort(key=lambda bill: bill.bill_no not in first)
    uses = settled(lots=lots.get(account_id, ()), due=due)
    if uses:
        transaction.run(
            _SQL["settle"],
            bureau_id=bureau_id,
            account_id=account_id,
            payment_nos=[use.payment_no for use in uses],
            bill_nos=[use.bill_no for use in uses],
            amounts_fen=[use.amount_fen for use in uses],
            allocated_on=business_date(now),
            allocated_at=now,
        )
    return uses
