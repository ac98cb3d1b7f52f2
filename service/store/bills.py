"""Bills in the database, read: one with every line, or an account's, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial

from service.domain import cursors
from service.domain.accounts import AccountUnknown
from service.domain.bill_cancellations import mirrored
from service.domain.bill_details import (
    BillDetails,
    BillLine,
    BillPage,
    BillSummary,
    TwoPartOfBill,
)
from service.domain.bill_numbers import BillUnknown, bill_number, parts_of_number
from service.domain.calculations import Line
from service.domain.explanations import in_words, reasons
from service.domain.months import Month
from service.domain.power_factors import in_hundredths
from service.domain.tariffs import Unit
from service.domain.tou import Period
from service.store import queries
from service.store.bill_registers import other_registers, removed_meters
from service.store.transaction import Row, Transaction

_SQL = queries.load("bills")
_COLUMNS = (
    "consumption_kwh", "amount_fen", "open_fen", "issued_at", "due_on", "previous_read_at",
    "previous_register", "read_at", "register", "multiplier", "legal_document",
)  # fmt: skip
_AFTER_ALL = (date.max.isoformat(), 0)


def by_no(transaction: Transaction, bill_no: str) -> BillDetails:
    """
    Return the bill with this number, with every line and why it is there.

    :raises BillUnknown: if no bill the caller may see has it
    """
    month, account_no, _ = parts_of_number(bill_no)
    found, rows = _row(transaction, bill_no), _lines(transaction, bill_no)
    cancels, cancelled_by, is_estimated, settles_estimate, asset_no = found[11:16]
    corrects, correction_no, corrections, *two_part = found[16:]
    sign, is_correction = 1 if cancels is None else -1, corrects is not None
    # A correction is about energy, whatever its meters showed at both ends.
    asked = (transaction, account_no, found)
    periods, registers = ((), ()) if is_correction else other_registers(*asked, sign=sign)
    number = partial(bill_number, month=month, account_no=account_no)
    return BillDetails(
        bill_no=bill_no,
        account_no=account_no,
        month=str(month),
        **dict(zip(_COLUMNS, found, strict=False)),
        asset_no=asset_no,
        removed_meters=() if is_correction else removed_meters(*asked, sign=sign),
        periods=periods,
        registers=registers,
        two_part=_two_part(*two_part),
        cancels_bill_no=number(serial=cancels) if cancels else None,
        cancelled_by_bill_no=number(serial=cancelled_by) if cancelled_by else None,
        energy_correction_no=correction_no,
        corrects_bill_no=number(serial=corrects) if corrects else None,
        corrected_by_bill_nos=tuple(number(serial=each) for each in corrections),
        is_estimated=is_estimated and not is_correction,
        settles_estimate=settles_estimate and not is_estimated and not is_correction,
        lines=_explained(rows, found),
    )


def _row(transaction: Transaction, bill_no: str) -> Row:
    month, account_no, _ = parts_of_number(bill_no)
    names = {"bill_no": bill_no, "account_no": account_no, "month": month.first_day}
    found = transaction.one(_SQL["bill_by_no"], **names)
    if found is None:
        raise BillUnknown(f"no bill {bill_no}")
    return found


def _two_part(factor: int | None, lost_kwh: int, reactive_kvarh: int) -> TwoPartOfBill | None:
    if factor is None and not lost_kwh and not reactive_kvarh:
        return None
    return TwoPartOfBill(
        lost_kwh=lost_kwh,
        reactive_kvarh=reactive_kvarh,
        power_factor=None if factor is None else in_hundredths(factor),
    )


def lines_of_bill(transaction: Transaction, bill_no: str) -> list[Line]:
    """Return the lines of a bill; none if the caller may see no such bill."""
    return [_line(*row[:-2]) for row in _lines(transaction, bill_no)]


def categories_of_bill(transaction: Transaction, bill_no: str) -> dict[str, str]:
    """Return the categories of a bill's price lists (by version) that are not its account's."""
    return _categories(_lines(transaction, bill_no))


def _lines(transaction: Transaction, bill_no: str) -> list[Row]:
    month, account_no, serial = parts_of_number(bill_no)
    return transaction.all(
        _SQL["lines_of_bill"], account_no=account_no, month=month.first_day, serial=serial
    )


def numbers_of_month(
    transaction: Transaction, *, bureau_id: int, month: Month, after: int, limit: int
) -> list[tuple[int, str]]:
    """Return up to `limit` bills in force of a bureau's month, each by account (its id), number."""
    rows = transaction.all(
        _SQL["numbers_of_month"],
        bureau_id=bureau_id,
        month=month.first_day,
        after_id=after,
        limit=limit,
    )
    return [(account_id, bill_no) for account_id, bill_no in rows]


def page(transaction: Transaction, *, account_no: str, limit: int, cursor: str | None) -> BillPage:
    """
    Return up to `limit` bills of an account, newest first, from `cursor` on.

    :raises AccountUnknown: if no account the caller may see has this number
    :raises CursorBroken: if the cursor is not one of this list
    """
    before = cursors.decode(cursor, date, int) if cursor else _AFTER_ALL
    account = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if account is None:
        raise AccountUnknown(f"no account {account_no}")
    rows = transaction.all(
        _SQL["bills_of_account"],
        bureau_id=account[0],
        account_id=account[1],
        before_month=before[0],
        before_serial=before[1],
        limit=limit + 1,
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return BillPage(
        account_no=account_no,
        items=tuple(
            BillSummary(
                bill_no=row[0],
                month=str(Month.of(row[1])),
                consumption_kwh=row[2],
                amount_fen=row[3],
                open_fen=row[4],
                issued_at=row[5],
                due_on=row[6],
                is_in_force=row[7],
                is_correction=row[8],
            )
            for row in rows[:limit]
        ),
        next_cursor=cursors.encode((last[1].isoformat(), last[9])) if last else None,
    )


def _explained(rows: Sequence[Row], bill: Row) -> tuple[BillLine, ...]:
    is_mirror, is_correction = bill[11] is not None, bill[16] is not None
    is_estimated = bill[13] and not is_correction
    mark = ("taken back: " if is_mirror else "") + ("estimated: " if is_estimated else "")
    lines = [_line(*row[:-2]) for row in rows]
    documents = {line.version: row[-2] for line, row in zip(lines, rows, strict=True)}
    told = mirrored(lines) if is_mirror else lines
    whys = reasons(told, documents=documents, begins_at_first_tier=not is_correction)
    return in_words(
        lines,
        whys=(f"{mark}{why}" for why in whys),
        documents=documents,
        categories=_categories(rows),
    )


def _categories(rows: Sequence[Row]) -> dict[str, str]:
    return {row[-4]: row[-1] for row in rows if row[-1] is not None}


def _line(
    component: str,
    period: Period | None,
    tier: int | None,
    quantity: Decimal,
    unit: Unit,
    price: int,
    amount_fen: int,
    is_levy: bool,  # noqa: FBT001  a column of the row, in its place
    version: str,
    days: int | None,
) -> Line:
    return Line(
        portion=0,
        component=component,
        period=period,
        tier=tier,
        quantity=int(quantity) if quantity == int(quantity) else quantity.normalize(),
        unit=unit,
        price=price,
        amount_fen=amount_fen,
        is_levy=is_levy,
        is_in_base=not is_levy,
        version=version,
        days=days,
    )
