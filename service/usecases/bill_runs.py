"""What the utility does to bill a month: start a run, bill it chunk by chunk, watch it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from service.domain import bill_runs, bills, ledger
from service.domain.bill_runs import BillRun, BillRunUnknown, Chunk, Tally
from service.domain.bills import Basis, Bill, Stand
from service.domain.errors import Refusal
from service.domain.idempotency import Answer, Once
from service.domain.months import Month, business_date
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.prepayments import Lot, LotUse, use_lots
from service.domain.prices import PriceList
from service.domain.principals import Caller
from service.domain.reading_checks import ReadingInQuestion
from service.domain.reading_sections import SectionUnknown
from service.store import bill_issues, reading_findings, reading_sections
from service.store import bill_runs as store
from service.store import prices as price_store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.bureaus import check_bureau
from service.usecases.once import answer_once

# The worker bills every bureau; each of its statements names the chunk's.
_EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledChunk:
    """A chunk that was billed, with what became of its accounts."""

    chunk: Chunk
    tally: Tally


class ChunkBroken(Exception):
    """A chunk met a fault of a program or of its data, not a refusal; nothing of it was written."""

    def __init__(self, chunk: Chunk) -> None:
        super().__init__(f"chunk {chunk.document_no} of {chunk.month}, bureau {chunk.bureau_id}")
        self.chunk = chunk


def start_bill_run(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    month: Month,
    bureau_id: int,
    section_no: int | None = None,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Start billing the accounts of a bureau, or of one section of it; workers do the rest.

    :raises RoleForbidden: if the caller does not start bill runs
    :raises MonthNotClosed: if the month is not over
    :raises BureauUnknown: if there is no such bureau, or the caller belongs to another
    :raises SectionUnknown: if the bureau has no section of this number
    :raises BillRunUnfinished: if the month is being billed already
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_runs.start")
    bill_runs.check_closed(month=month, now=now)

    def work(transaction: Transaction) -> Answer:
        check_bureau(transaction, caller=caller, bureau_id=bureau_id)
        _check_section(transaction, section_no, bureau_id=bureau_id, month=month)
        bill_run_id = store.start(
            transaction,
            bureau_id=bureau_id,
            section_no=section_no,
            month=month,
            principal_id=caller.principal_id,
            now=now,
        )
        body = msgspec.json.encode(store.by_id(transaction, bill_run_id))
        where = {"Location": f"/v1/bill-runs/{bill_run_id}"}
        return Answer(status=202, body=body, headers=where)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def bill_run_by_id(
    *, database: Database, caller: Caller, bill_run_id: int, deadline: float
) -> BillRun:
    """
    Return how far a run has come.

    :raises RoleForbidden: if the caller does not see bill runs
    :raises BillRunUnknown: if no run the caller may see has this number
    """
    check(caller, "bill_runs.read")
    number = known_number(bill_run_id, BillRunUnknown)
    return database.read(
        lambda transaction: store.by_id(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def bill_next_chunk(
    *,
    database: Database,
    now: datetime,
    deadline: float,
    passed: Collection[tuple[int, int]] = (),
) -> BilledChunk | None:
    """
    Bill the next chunk of any unfinished run; None if there is none to be had.

    Bills, journal and the chunk's end are one transaction: a chunk that a crash interrupts is as
    if nobody had touched it. An account that cannot be billed is recorded beside its reason and
    keeps no other from its bill.

    :param passed: chunks to leave alone, each by its run and its number
    :raises ChunkBroken: if the chunk cannot be billed at all, now or later
    """
    claimed: Chunk | None = None

    def work(transaction: Transaction) -> BilledChunk | None:
        nonlocal claimed
        claimed = store.claim(transaction, passed=passed)
        return None if claimed is None else _billed(transaction, chunk=claimed, now=now)

    try:
        return database.transaction(work, scope=_EVERYWHERE, deadline=deadline)
    except Refusal:
        raise
    except Exception as fault:
        if claimed is None:
            raise
        # Which fault it is does not matter here: the worker goes on with the other chunks.
        raise ChunkBroken(claimed) from fault


def oldest_unfinished_run(*, database: Database, deadline: float) -> datetime | None:
    """Return when the oldest run that still has accounts to bill was asked for."""
    return database.read(store.oldest_unfinished, scope=_EVERYWHERE, deadline=deadline)


def _check_section(
    transaction: Transaction, section_no: int | None, *, bureau_id: int, month: Month
) -> None:
    if section_no is None:
        return
    number = known_number(section_no, SectionUnknown)
    # Its route stays as it is until the run is recorded, which keeps it so.
    reading_sections.lock_routes(transaction, bureau_id=bureau_id)
    if reading_sections.by_no(transaction, number, month=month).bureau != bureau_id:
        raise SectionUnknown(f"no section {number} in bureau {bureau_id}")


def _billed(transaction: Transaction, *, chunk: Chunk, now: datetime) -> BilledChunk:
    bases = store.bases(transaction, chunk)
    issued, failures = _issued(
        bases, month=chunk.month, prices=_prices(transaction, bases), now=now
    )
    lots = bill_issues.open_lots(
        transaction,
        bureau_id=chunk.bureau_id,
        account_ids=[bill.account_id for bill in issued],
    )
    uses = _uses(issued, lots)
    if issued:
        bill_issues.issue(
            transaction,
            chunk=chunk,
            bills=issued,
            uses=uses,
            entries=_entries(issued, uses, document_no=chunk.document_no),
            now=now,
        )
    tally = Tally(
        billed=len(issued),
        amount_fen=sum(bill.amount_fen for bill in issued),
        failed=Counter(refusal.code for _, refusal in failures),
    )
    store.finish(transaction, chunk=chunk, tally=tally, failures=failures, now=now)
    reading_findings.record(
        transaction, chunk=chunk, questioned=_questioned(bases, failures), now=now
    )
    return BilledChunk(chunk=chunk, tally=tally)


def _questioned(
    bases: Iterable[Basis], failures: Iterable[tuple[int, Refusal]]
) -> list[tuple[int, Stand, ReadingInQuestion]]:
    readings = {basis.account_id: basis.reading for basis in bases}
    return [
        (account_id, reading, refusal)
        for account_id, refusal in failures
        if isinstance(refusal, ReadingInQuestion) and (reading := readings[account_id])
    ]


def _prices(transaction: Transaction, bases: Iterable[Basis]) -> dict[str, list[PriceList]]:
    """Return the prices in force on any day that a bill is about, by category, the oldest first."""
    days = [
        business_date(stand.read_at)
        for basis in bases
        for stand in (basis.previous, basis.reading)
        if stand is not None
    ]
    found: dict[str, list[PriceList]] = defaultdict(list)
    if days:
        for prices in price_store.within(transaction, first=min(days), last=max(days)):
            found[prices.category].append(prices)
    return found


def _issued(
    bases: Iterable[Basis],
    *,
    month: Month,
    prices: Mapping[str, Sequence[PriceList]],
    now: datetime,
) -> tuple[list[Bill], list[tuple[int, Refusal]]]:
    issued, failures = [], []
    for basis in bases:
        try:
            bill = bills.issue(
                basis=basis,
                month=month,
                prices=_since(prices.get(basis.category, ()), basis.previous.read_at),
                issued_at=now,
            )
        except Refusal as refusal:
            failures.append((basis.account_id, refusal))
        else:
            issued.append(bill)
    return issued, failures


def _since(prices: Sequence[PriceList], moment: datetime) -> Sequence[PriceList]:
    """Leave out what another price list had taken the place of by then."""
    day = business_date(moment)
    ended = sum(each.valid_from <= day for each in prices[1:])
    return prices[ended:]


def _uses(issued: Iterable[Bill], lots: dict[int, list[Lot]]) -> dict[int, tuple[LotUse, ...]]:
    return {
        bill.account_id: use_lots(amount_fen=bill.amount_fen, lots=lots[bill.account_id])
        for bill in issued
        if bill.account_id in lots
    }


def _entries(
    issued: Iterable[Bill], uses: dict[int, tuple[LotUse, ...]], *, document_no: str
) -> list[ledger.Entry]:
    return ledger.bills_issued_entries(
        bills=[
            ledger.BillPosting(
                account_id=bill.account_id,
                bill_no=bill.bill_no,
                category=bill.category,
                lines=bill.lines,
                prepaid_fen=sum(use.amount_fen for use in uses.get(bill.account_id, ())),
            )
            for bill in issued
        ],
        document_no=document_no,
    )
