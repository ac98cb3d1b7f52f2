"""Chunks of bill runs in the database, as workers see them: claimed, calculated, issued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import msgspec

from service.domain.bill_bases import Basis, Stand
from service.domain.bill_runs import Chunk, Tally
from service.domain.bill_samples import BillSample
from service.domain.errors import Refusal
from service.domain.metered import RegisterSpan, demand_kw
from service.domain.meters import Register, Span
from service.domain.months import Month
from service.domain.new_accounts import HOMES
from service.domain.reading_checks import BILLS_COMPARED, Use
from service.domain.two_part import TWO_PART
from service.store import apportionments, queries, supplies, year_tiers
from service.store.transaction import Row, Transaction

_SQL = queries.load("bill_chunks")


def claim(transaction: Transaction, *, passed: Collection[tuple[int, int]]) -> Chunk | None:
    """
    Claim the next chunk until the transaction ends; None if there is none to be had.

    :param passed: chunks to leave alone, each by its run and its number
    """
    found = transaction.one(
        _SQL["claim_chunk"],
        passed_runs=[bill_run_id for bill_run_id, _ in passed],
        passed_chunks=[chunk for _, chunk in passed],
    )
    if found is None:
        return None
    *_, calculated_at, account_ids, digests = found
    return Chunk(
        bill_run_id=found[0],
        chunk=found[1],
        bureau_id=found[2],
        section_no=found[3],
        month=Month.of(found[4]),
        first_account_id=found[5],
        last_account_id=found[6],
        digests=dict(zip(account_ids, map(bytes, digests), strict=True)) if calculated_at else None,
    )


def accounts(transaction: Transaction, chunk: Chunk) -> list[int]:
    """Return those accounts (by id) of a chunk that have no bill in force for its month."""
    rows = transaction.all(
        _SQL["accounts_of_chunk"],
        bureau_id=chunk.bureau_id,
        section_no=chunk.section_no,
        first_account_id=chunk.first_account_id,
        last_account_id=chunk.last_account_id,
        month=chunk.month.first_day,
    )
    return [account_id for (account_id,) in rows]


def lock(transaction: Transaction, chunk: Chunk, account_ids: Collection[int]) -> None:
    """Lock accounts (by id) of a chunk: no payment, no other bill comes in between."""
    transaction.all(_SQL["lock_accounts"], bureau_id=chunk.bureau_id, account_ids=list(account_ids))


def bases(transaction: Transaction, chunk: Chunk, account_ids: Collection[int]) -> list[Basis]:
    """
    Return what to bill accounts (by id) of a chunk on, in their order.

    Without those that have a bill in force.
    """
    rows = transaction.all(
        _SQL["bases_of_chunk"],
        bureau_id=chunk.bureau_id,
        account_ids=list(account_ids),
        month=chunk.month.first_day,
        year_starts=chunk.month.first_day.replace(month=1),
        next_month=chunk.month.next.first_day,
        starts_at=chunk.month.starts_at,
        ends_at=chunk.month.ends_at,
    )
    return _with_the_rest(transaction, chunk, [_basis(row) for row in rows])


def _with_the_rest(transaction: Transaction, chunk: Chunk, found: Sequence[Basis]) -> list[Basis]:
    """Return bases with what few accounts have: other registers, terms of supply, parts."""
    others = _others(transaction, chunk, found)
    two_part = [basis for basis in found if basis.category in TWO_PART]
    demands = _demands(transaction, chunk, two_part)
    supplied = supplies.of_accounts(
        transaction,
        bureau_id=chunk.bureau_id,
        account_ids=[basis.account_id for basis in two_part],
        month=chunk.month,
    )
    parts = apportionments.of_accounts(
        transaction,
        bureau_id=chunk.bureau_id,
        account_ids=[basis.account_id for basis in found if basis.category not in HOMES],
        month=chunk.month,
    )
    years = year_tiers.of_accounts(
        transaction,
        bureau_id=chunk.bureau_id,
        account_ids=[basis.account_id for basis in found if basis.category in HOMES],
        month=chunk.month,
    )
    have_more = others.keys() | supplied.keys() | parts.keys() | years.keys()
    return [
        replace(
            basis,
            others=others.get(basis.account_id, ()),
            demands=demands.get(basis.account_id, {}),
            supply=supplied.get(basis.account_id),
            parts=parts.get(basis.account_id),
            year=years.get(basis.account_id),
        )
        if basis.account_id in have_more
        else basis
        for basis in found
    ]


def _times(chunk: Chunk, bases: Iterable[Basis]) -> dict[str, object]:
    """Return from when to when each of these bills is, as far as it has a reading."""
    read = [(each, each.reading) for each in bases if each.reading is not None]
    return {
        "bureau_id": chunk.bureau_id,
        "account_ids": [basis.account_id for basis, _ in read],
        "previous_read_at": [basis.previous.read_at for basis, _ in read],
        "read_at": [reading.read_at for _, reading in read],
    }


def _demands(
    transaction: Transaction, chunk: Chunk, bases: Sequence[Basis]
) -> dict[int, dict[Month, Decimal]]:
    """Return the highest demand of each month of a bill, of accounts (by id) that have any."""
    found: dict[int, dict[Month, Decimal]] = defaultdict(dict)
    first = {basis.account_id: basis.first_month for basis in bases}
    if bases:
        rows = transaction.all(_SQL["demands_of_accounts"], **_times(chunk, bases))
        for account_id, month, multiplier, register in rows:
            # One that was read after its month was billed is the next month's: nobody paid for it.
            of_account, read_in = found[account_id], max(Month.parse(month), first[account_id])
            kw = demand_kw(register=register, multiplier=multiplier)
            of_account[read_in] = max(kw, of_account.get(read_in, kw))
    return found


def _others(
    transaction: Transaction, chunk: Chunk, bases: Iterable[Basis]
) -> dict[int, tuple[RegisterSpan | None, ...]]:
    """Return what other registers showed for bills, of accounts (by id) that have any."""
    rows = transaction.all(_SQL["spans_of_registers"], **_times(chunk, bases))
    found: dict[int, tuple[RegisterSpan | None, ...]] = {}
    for account_id, counted, digits, decimals, multiplier, start, end, roll_overs in rows:
        span = None
        if end is not None:
            shape = Register(digits, decimals)
            span = RegisterSpan(
                counted,
                Span(
                    shape=shape,
                    multiplier=multiplier,
                    start=start,
                    end=end,
                    roll_overs=roll_overs,
                ),
            )
        found[account_id] = (*found.get(account_id, ()), span)
    return found


def finish_calculation(
    transaction: Transaction,
    *,
    chunk: Chunk,
    tally: Tally,
    digests: Sequence[tuple[int, bytes]],
    readers: Collection[int],
    samples: Sequence[tuple[int, BillSample]],
    now: datetime,
) -> None:
    """
    Record what the bills of a chunk come to.

    :param digests: what each bill says, by account (its id)
    :param readers: who had a hand in the readings they rest on
    :param samples: those that somebody is to look at, by account (its id)
    """
    transaction.run(
        _SQL["record_samples"],
        bill_run_id=chunk.bill_run_id,
        bureau_id=chunk.bureau_id,
        account_ids=[account_id for account_id, _ in samples],
        samples=[msgspec.json.encode(sample).decode() for _, sample in samples],
    )
    transaction.run(
        _SQL["finish_calculation"],
        bill_run_id=chunk.bill_run_id,
        chunk=chunk.chunk,
        calculated_at=now,
        calculated=tally.bills,
        calculated_kwh=tally.consumption_kwh,
        calculated_fen=tally.amount_fen,
        failed=sum(tally.failed.values()),
        account_ids=[account_id for account_id, _ in digests],
        digests=[digest for _, digest in digests],
        readers=sorted(readers),
    )


def finish(transaction: Transaction, *, chunk: Chunk, tally: Tally, now: datetime) -> None:
    """Record that the bills of a chunk are issued."""
    transaction.run(
        _SQL["finish_chunk"],
        bill_run_id=chunk.bill_run_id,
        chunk=chunk.chunk,
        done_at=now,
        billed=tally.bills,
        failed=sum(tally.failed.values()),
        amount_fen=tally.amount_fen,
    )


def record_failures(
    transaction: Transaction, *, chunk: Chunk, failures: Sequence[tuple[int, Refusal]]
) -> None:
    """Record which accounts (by id) of a chunk could not be billed, and why."""
    if failures:
        transaction.run(
            _SQL["record_failures"],
            bill_run_id=chunk.bill_run_id,
            bureau_id=chunk.bureau_id,
            account_ids=[account_id for account_id, _ in failures],
            codes=[refusal.code for _, refusal in failures],
            details=[refusal.detail for _, refusal in failures],
        )


def oldest_unfinished(transaction: Transaction) -> datetime | None:
    """Return since when a run that workers can do something about has waited, at the longest."""
    found = transaction.one(_SQL["oldest_unfinished"])
    return found[0] if found else None


def _basis(row: Row) -> Basis:
    last_billed: date | None = row[9]
    return Basis(
        account_id=row[0],
        account_no=row[1],
        category=row[2],
        opened_on=row[3],
        digits=row[4],
        decimals=row[5],
        multiplier=row[6],
        previous=Stand(row[7], row[8]),
        last_billed=Month.of(last_billed) if last_billed else None,
        reading=Stand(row[10], row[11]) if row[10] else None,
        roll_overs=row[12],
        before_kwh=row[13],
        persons=row[14] or 1,
        subsidy=row[15] or "none",
        serial=row[16],
        used_before=Use(row[18], row[19]) if row[17] == BILLS_COMPARED else None,
        accepted=frozenset(_accepted(each) for each in row[20] or ()),
        estimated_kwh=row[21],
        removed=tuple(map(_span, row[22] or ())),
        hands=frozenset(row[23] or ()),
        closed_in=Month.of(row[24]) if row[24] else None,
    )


def _span(texts: Sequence[str]) -> Span:
    digits, decimals, multiplier, start, end, roll_overs = texts
    return Span(
        shape=Register(int(digits), int(decimals)),
        multiplier=Decimal(multiplier),
        start=Decimal(start),
        end=Decimal(end),
        roll_overs=int(roll_overs),
    )


def _accepted(text: str) -> tuple[str, int]:
    code, _, kwh = text.partition(" ")
    return code, int(kwh)
