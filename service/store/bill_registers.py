"""Registers of a bill in the database: what its meters showed, as was known when it was issued."""

from __future__ import annotations

from service.domain.bill_details import PeriodOfBill, RegisterOfBill, RemovedMeter
from service.domain.metered import RegisterSpan, demand_kw
from service.domain.meters import Register, Span
from service.domain.registers import grows, is_period, unit_of
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("bills")


def removed_meters(
    transaction: Transaction, account_no: str, bill: Row, *, sign: int
) -> tuple[RemovedMeter, ...]:
    """Return the meters that were exchanged in the time of a bill; `sign` is -1 of a mirror."""
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


def other_registers(
    transaction: Transaction, account_no: str, bill: Row, *, sign: int
) -> tuple[tuple[PeriodOfBill, ...], tuple[RegisterOfBill, ...]]:
    """Return what registers of periods showed, and others beside; `sign` is -1 of a mirror."""
    rows = transaction.all(
        _SQL["registers_of_bill"],
        account_no=account_no,
        previous_read_at=bill[5],
        read_at=bill[7],
        issued_at=bill[3],
    )
    return (
        tuple(_period(row, sign=sign) for row in rows if is_period(row[1])),
        tuple(_register(row, sign=sign) for row in rows if not is_period(row[1])),
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
