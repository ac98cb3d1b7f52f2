"""Energy corrections in the database, read: one with its calculation, or many in a list."""

from __future__ import annotations

from service.domain import cursors
from service.domain.energy_corrections import (
    CorrectedBill,
    EnergyCorrection,
    EnergyCorrectionEvent,
    EnergyCorrectionPage,
    EnergyCorrectionSummary,
    EnergyCorrectionUnknown,
)
from service.domain.explanations import in_words, reasons
from service.store import correction_lines, queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("energy_corrections")
_AFTER_ALL = 2**63 - 1


def by_no(transaction: Transaction, correction_no: int) -> EnergyCorrection:
    """
    Return a correction with its calculation and its steps.

    :raises EnergyCorrectionUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(_SQL["correction_by_no"], correction_no=correction_no)
    if found is None:
        raise EnergyCorrectionUnknown(f"no energy correction {correction_no}")
    account_no, cause, fact, since, counts_from, until, calculation, *sums, reverses, taken_by = (
        found
    )
    rows = transaction.all(_SQL["bills_of_correction"], correction_no=correction_no)
    steps = transaction.all(_SQL["events_of_correction"], correction_no=correction_no)
    bills = tuple(map(_bill, rows))
    events = tuple(
        EnergyCorrectionEvent(step=step, done_by=by, happened_at=at, reason=reason)
        for step, by, at, reason in steps
    )
    return EnergyCorrection(
        energy_correction_no=correction_no,
        state=events[-1].step,
        account_no=account_no,
        cause=cause,
        fact=fact,
        since=since,
        counts_from=counts_from,
        until=until,
        calculation=calculation,
        base_kwh=sums[0],
        kwh=sums[1],
        amount_fen=sum(bill.amount_fen for bill in bills),
        reverses_no=reverses,
        reversed_by_no=taken_by,
        bills=bills,
        events=events,
    )


def asked_lines(transaction: Transaction, correction_no: int) -> list[tuple[str, str]]:
    """Return what a correction was asked for: each bill's number, its lines as they are kept."""
    rows = transaction.all(_SQL["bills_of_correction"], correction_no=correction_no)
    return [(row[0], correction_lines.to_text(correction_lines.from_text(row[6]))) for row in rows]


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> EnergyCorrectionPage:
    """
    Return up to `limit` corrections, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else _AFTER_ALL
    rows = transaction.all(_SQL["corrections_before"], before_no=before_no, limit=limit + 1)
    is_more = len(rows) > limit
    return EnergyCorrectionPage(
        items=[
            EnergyCorrectionSummary(
                energy_correction_no=number,
                state=state,
                account_no=account_no,
                cause=cause,
                kwh=kwh,
                amount_fen=amount_fen,
            )
            for number, state, account_no, cause, kwh, amount_fen in rows[:limit]
        ],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def _bill(row: Row) -> CorrectedBill:
    bill_no, days, base_kwh, kwh, amount_fen, correction_bill_no, text, documents = row
    lines = correction_lines.from_text(text)
    whys = reasons(lines, documents=documents, begins_at_first_tier=False)
    return CorrectedBill(
        bill_no=bill_no,
        days=days,
        base_kwh=base_kwh,
        kwh=kwh,
        amount_fen=amount_fen,
        correction_bill_no=correction_bill_no,
        lines=in_words(lines, whys=whys, documents=documents),
    )
