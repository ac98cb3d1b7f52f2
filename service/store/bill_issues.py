"""The issue of bills in the database: many at once, by COPY, with all that follows from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from service.domain.bill_runs import Chunk
from service.domain.bills import Bill
from service.domain.calculations import Line
from service.domain.ledger import Entry
from service.domain.months import business_date
from service.domain.prepayments import Lot, LotUse
from service.domain.prices import yuan_text
from service.store import copy_text, queries
from service.store.transaction import Transaction

_SQL = queries.load("bill_issues")
_KEY = ("month", "bureau_id", "account_id", "serial")
_BILL = (
    *_KEY, "bill_no", "bill_run_id", "catalogue_version_id", "previous_read_at",
    "previous_register", "read_at", "register", "multiplier", "consumption_kwh", "amount_fen",
    "issued_at", "due_on", "power_factor", "lost_kwh", "reactive_kvarh",
)  # fmt: skip
_LINE = (
    *_KEY, "position", "component", "period", "tier", "quantity_kwh", "quantity", "unit",
    "price_yuan_per_kwh", "amount_fen", "is_levy", "catalogue_version_id", "days",
)  # fmt: skip
_RECEIVABLE = (*_KEY, "bill_no", "due_on", "amount_fen", "open_fen")
_ALLOCATION = (
    "allocated_on", "bureau_id", "account_id", "payment_no", "bill_no", "amount_fen",
    "is_from_prepayment", "allocated_at",
)  # fmt: skip
_ENTRY = (
    "accounting_date", "journal_id", "position", "bureau_id", "code", "account_id", "document_no",
    "amount_fen",
)  # fmt: skip


def open_lots(
    transaction: Transaction, *, bureau_id: int, account_ids: Sequence[int]
) -> dict[int, list[Lot]]:
    """Return what accounts have paid ahead, by account, the older business date first."""
    lots = defaultdict(list)
    for account_id, payment_no, open_fen in transaction.all(
        _SQL["open_lots"],
        bureau_id=bureau_id,
        account_ids=list(account_ids),
    ):
        lots[account_id].append(Lot(payment_no, open_fen))
    return lots


def issue(
    transaction: Transaction,
    *,
    chunk: Chunk,
    bills: Sequence[Bill],
    uses: Mapping[int, Sequence[LotUse]],
    entries: Sequence[Entry],
    now: datetime,
) -> None:
    """
    Record the bills of a chunk, with the prepayments `uses` (by account) and their journal.

    A second bill of an account for the month, unless the first is cancelled, breaks the primary
    key: two programs give both the same serial.
    """
    month, bureau_id = chunk.month.first_day, chunk.bureau_id
    keyed = [((month, bureau_id, bill.account_id, bill.serial), bill) for bill in bills]
    _copy(transaction, "evergrid.bill", _BILL, (
        (*key, bill.bill_no, chunk.bill_run_id, bill.catalogue_version_id, bill.previous.read_at,
         bill.previous.register, bill.reading.read_at, bill.reading.register, bill.multiplier,
         bill.consumption_kwh, bill.amount_fen, bill.issued_at, bill.due_on, bill.power_factor,
         bill.lost_kwh, bill.reactive_kvarh)
        for key, bill in keyed
    ))  # fmt: skip
    _copy(transaction, "evergrid.bill_line", _LINE, (
        (*key, position, line.component, line.period, line.tier, *_quantities(line), line.unit,
         yuan_text(line.price), line.amount_fen, line.is_levy, line.version, line.days)
        for key, bill in keyed
        for position, line in enumerate(bill.lines, start=1)
    ))  # fmt: skip
    _copy(transaction, "evergrid.receivable", _RECEIVABLE, (
        (*key, bill.bill_no, bill.due_on, bill.amount_fen,
         bill.amount_fen - sum(use.amount_fen for use in uses.get(bill.account_id, ())))
        for key, bill in keyed
    ))  # fmt: skip
    _use_lots(transaction, bureau_id=bureau_id, bills=bills, uses=uses, now=now)
    if entries:
        _post(transaction, chunk=chunk, entries=entries, now=now)


def _quantities(line: Line) -> tuple[int | Decimal, int | Decimal | None]:
    """Return the energy of a line, and what else it is about."""
    return (line.quantity, None) if line.unit == "kWh" else (0, line.quantity)


def _copy(
    transaction: Transaction,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[object, ...]],
) -> None:
    transaction.copy(table, columns, copy_text.lines(rows))


def _use_lots(
    transaction: Transaction,
    *,
    bureau_id: int,
    bills: Sequence[Bill],
    uses: Mapping[int, Sequence[LotUse]],
    now: datetime,
) -> None:
    used = [(bill, use) for bill in bills for use in uses.get(bill.account_id, ())]
    if not used:
        return
    transaction.run(
        _SQL["use_lots"],
        bureau_id=bureau_id,
        account_ids=[bill.account_id for bill, _ in used],
        payment_nos=[use.payment_no for _, use in used],
        amounts_fen=[use.amount_fen for _, use in used],
    )
    today = business_date(now)
    _copy(transaction, "evergrid.allocation", _ALLOCATION, (
        (today, bureau_id, bill.account_id, use.payment_no, bill.bill_no, use.amount_fen, True, now)
        for bill, use in used
    ))  # fmt: skip


def _post(
    transaction: Transaction, *, chunk: Chunk, entries: Sequence[Entry], now: datetime
) -> None:
    today = business_date(now)
    opened = transaction.one(
        _SQL["open_journal"],
        accounting_date=today,
        bureau_id=chunk.bureau_id,
        reference=chunk.document_no,
        posted_at=now,
    )
    assert opened is not None, "an INSERT of one row returns it"
    _copy(transaction, "evergrid.ledger_entry", _ENTRY, (
        (today, opened[0], position, chunk.bureau_id, *entry)
        for position, entry in enumerate(entries, start=1)
    ))  # fmt: skip
