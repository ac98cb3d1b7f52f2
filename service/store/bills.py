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
    PeriodOfBill,
    RegisterOfBill,
    RemovedMeter,
    TwoPartOfBill,
)
from service.domain.bill_numbers import BillUnknown, bill_number, parts_of_number
from service.domain.calculations import Line
from service.domain.explanations import in_words, reasons
from service.domain.metered import RegisterSpan, demand_kw
from service.domain.meters import Register, Span
from service.domain.months import Month
from service.domain.power_factors import in_hundredths
from service.domain.registers import grows, is_period, unit_of
from service.domain.tariffs import Unit
from service.domain.tou import Period
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("bills")
_AFTER_ALL = (date.max.isoformat(), 0)


def by_no(transaction: Transaction, bill_no: str) -> BillDetails:
    """
    Return the bill with this number, with every line and why it is there.

    :raises BillUnknown: if no bill the caller may see has it
    """
    month, account_no, serial = parts_of_number(bill_no)
    found, rows = _row(transaction, bill_no), _lines(transaction, bill_no)
    cancels_serial, is_in_force, is_estimated, settles_estimate, asset_no = found[11:16]
    is_mirror = cancels_serial is not None
    sign = -1 if is_mirror else 1
    registers = _registers(transaction, account_no, found)
    number = partial(bill_number, month=month, account_no=account_no)
    return BillDetails(
        bill_no=bill_no,
        account_no=account_no,
        month=str(month),
        consumption_kwh=found[0],
        amount_fen=found[1],
        open_fen=found[2],
        issued_at=found[3],
        due_on=found[4],
        asset_no=asset_no,
        previous_read_at=found[5],
        previous_register=found[6],
        read_at=found[7],
        register=found[8],
        multiplier=found[9],
        removed_meters=_removed_meters(transaction, account_no, found, sign=sign),
        periods=tuple(_period(row, sign=sign) for row in registers if is_period(row[1])),
        registers=tuple(_register(row, sign=sign) for row in registers if not is_period(row[1])),
        two_part=_two_part(*found[16:]),
        legal_document=found[10],
        cancels_bill_no=number(serial=cancels_serial) if is_mirror else None,
        # Only the newest bill of a month is ever in force: its mirror has the serial after it.
        cancelled_by_bill_no=None if is_in_force or is_mirror else number(serial=serial + 1),
        is_estimated=is_estimated,
        settles_estimate=settles_estimate and not is_estimated,
        lines=_explained(rows, is_mirror=is_mirror, is_estimated=is_estimated),
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
            )
            for row in rows[:limit]
        ),
        next_cursor=cursors.encode((last[1].isoformat(), last[8])) if last else None,
    )


def _removed_meters(
    transaction: Transaction, account_no: str, bill: Row, *, sign: int
) -> tuple[RemovedMeter, ...]:
    rows = transaction.all(
        _SQL["removed_meters_of_bill"],
        account_no=account_no,
        previous_read_at=bill[5],
        read_at=bill[7],
        issued_at=bill[3],
    )
    return tuple(_removed_meter(row, sign=sign) for row in rows)


def _removed_meter(row: Row, *, sign: int) -> RemovedMeter:
    asset_no, removed_at, digits, decimals, multiplier, start, end, roll_overs = row
    span = Span(
        shape=Register(digits, decimals),
        multiplier=multiplier,
        start=start,
        end=end,
        roll_overs=roll_overs,
    )
    return RemovedMeter(
        asset_no=asset_no,
        removed_at=removed_at,
        start_register=start,
        final_register=end,
        multiplier=multiplier,
        consumption_kwh=sign * span.kwh,
    )


def _registers(transaction: Transaction, account_no: str, bill: Row) -> list[Row]:
    return transaction.all(
        _SQL["registers_of_bill"],
        account_no=account_no,
        previous_read_at=bill[5],
        read_at=bill[7],
        issued_at=bill[3],
    )


def _span(row: Row) -> RegisterSpan:
    _, counted, digits, decimals, multiplier, start, end, roll_overs = row
    span = Span(
        shape=Register(digits, decimals),
        multiplier=multiplier,
        start=start,
        end=end,
        roll_overs=roll_overs,
    )
    return RegisterSpan(counted, span)


def _period(row: Row, *, sign: int) -> PeriodOfBill:
    period, span = _span(row)
    assert is_period(period), "the others are told by `_register`"
    return PeriodOfBill(
        asset_no=row[0],
        period=period,
        previous_register=span.start,
        register=span.end,
        consumption_kwh=sign * span.kwh,
    )


def _register(row: Row, *, sign: int) -> RegisterOfBill:
    counted, span = _span(row)
    demand = demand_kw(register=span.end, multiplier=span.multiplier)
    return RegisterOfBill(
        asset_no=row[0],
        counted=counted,
        previous_register=span.start,
        register=span.end,
        quantity=str(sign * span.kwh) if grows(counted) else str(demand),
        unit=unit_of(counted),
    )


def _explained(rows: Sequence[Row], *, is_mirror: bool, is_estimated: bool) -> tuple[BillLine, ...]:
    mark = ("taken back: " if is_mirror else "") + ("estimated: " if is_estimated else "")
    lines = [_line(*row[:-2]) for row in rows]
    documents = {line.version: row[-2] for line, row in zip(lines, rows, strict=True)}
    whys = reasons(mirrored(lines) if is_mirror else lines, documents=documents)
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
