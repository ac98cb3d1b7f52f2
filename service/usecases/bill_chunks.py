"""What workers do about bill runs: calculate chunk after chunk, issue what was approved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.domain import bills, ledger
from service.domain.bill_bases import Basis, Stand
from service.domain.bill_runs import Chunk, Tally
from service.domain.bill_samples import BillSample, Calculated, chosen, sample
from service.domain.bill_sign_offs import BillChanged, digest
from service.domain.bills import Bill
from service.domain.errors import Refusal
from service.domain.explanations import in_words, reasons
from service.domain.months import Month, business_date
from service.domain.power_factors import Table
from service.domain.prepayments import Lot, LotUse, use_lots
from service.domain.prices import PriceList, in_force_from
from service.domain.reading_checks import ReadingInQuestion
from service.store import bill_chunks as store
from service.store import bill_issues, reading_findings
from service.store import prices as price_store
from service.store.database import Database
from service.store.transaction import Transaction

# The worker bills every bureau; each of its statements names the chunk's.
_EVERYWHERE = "*"
_Failures = list[tuple[int, Refusal]]
_Prices = Mapping[str, Sequence[PriceList]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledChunk:
    """A chunk that was calculated, or issued, with what became of its accounts."""

    chunk: Chunk
    tally: Tally

    @property
    def is_issued(self) -> bool:
        """Whether its bills were issued; they were calculated only, if not."""
        return self.chunk.digests is not None


class ChunkBroken(Exception):
    """A chunk met a fault of a program or of its data, not a refusal; nothing of it was written."""

    def __init__(self, chunk: Chunk) -> None:
        super().__init__(f"chunk {chunk.document_no} of {chunk.month}, bureau {chunk.bureau_id}")
        self.chunk = chunk


def bill_next_chunk(
    *,
    database: Database,
    now: datetime,
    deadline: float,
    passed: Collection[tuple[int, int]] = (),
) -> BilledChunk | None:
    """
    Calculate the next chunk of any run, or issue it if it was approved; None if there is none.

    What is recorded and the chunk's end are one transaction: a chunk that a crash interrupts is as
    if nobody had touched it. An account that cannot be billed is recorded beside its reason and
    keeps no other from its bill.

    :param passed: chunks to leave alone, each by its run and its number
    :raises ChunkBroken: if the chunk cannot be billed at all, now or later
    """
    claimed: Chunk | None = None

    def work(transaction: Transaction) -> BilledChunk | None:
        nonlocal claimed
        claimed = store.claim(transaction, passed=passed)
        if claimed is None:
            return None
        if claimed.digests is None:
            return _calculated(transaction, chunk=claimed, now=now)
        return _issued(transaction, chunk=claimed, digests=claimed.digests, now=now)

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
    """Return since when a run that workers can do something about has waited, at the longest."""
    return database.read(store.oldest_unfinished, scope=_EVERYWHERE, deadline=deadline)


def _calculated(transaction: Transaction, *, chunk: Chunk, now: datetime) -> BilledChunk:
    """Calculate what is to be approved; nothing is owed by it, nobody waits for its accounts."""
    bases = store.bases(transaction, chunk, store.accounts(transaction, chunk))
    prices = _prices(transaction, bases, chunk.month)
    made, failures = _made(bases, month=chunk.month, prices=prices, now=now)
    tally = _tally([each.bill for each in made], failures)
    store.finish_calculation(
        transaction,
        chunk=chunk,
        tally=tally,
        digests=[(each.bill.account_id, digest(each.bill)) for each in made],
        readers={hand for each in made for hand in each.basis.hands},
        samples=_samples(made, prices),
        now=now,
    )
    store.record_failures(transaction, chunk=chunk, failures=failures)
    reading_findings.record(
        transaction, chunk=chunk, questioned=_questioned(bases, failures), now=now
    )
    return BilledChunk(chunk=chunk, tally=tally)


def _issued(
    transaction: Transaction, *, chunk: Chunk, digests: Mapping[int, bytes], now: datetime
) -> BilledChunk:
    """Issue those bills that are still what was approved."""
    store.lock(transaction, chunk, digests.keys())
    bases = store.bases(transaction, chunk, digests.keys())
    prices = _prices(transaction, bases, chunk.month)
    made, refused = _made(bases, month=chunk.month, prices=prices, now=now)
    still = [each for each in made if digests[each.bill.account_id] == digest(each.bill)]
    issued = [each.bill for each in still]
    if issued:
        lots = bill_issues.open_lots(
            transaction,
            bureau_id=chunk.bureau_id,
            account_ids=[bill.account_id for bill in issued],
        )
        uses = _uses(issued, lots)
        bill_issues.issue(
            transaction,
            chunk=chunk,
            bills=issued,
            uses=uses,
            entries=_entries(still, uses, prices, document_no=chunk.document_no),
            now=now,
        )
    failures = _changed(digests.keys() - {bill.account_id for bill in issued}, dict(refused))
    tally = _tally(issued, failures)
    store.record_failures(transaction, chunk=chunk, failures=failures)
    store.finish(transaction, chunk=chunk, tally=tally, now=now)
    return BilledChunk(chunk=chunk, tally=tally)


def _changed(account_ids: Iterable[int], refused: Mapping[int, Refusal]) -> _Failures:
    """Return why accounts (by id) get no bill that was approved."""
    return [
        (
            account_id,
            BillChanged(
                refused[account_id].detail
                if account_id in refused
                else "calculated anew, it is another one"
            ),
        )
        for account_id in sorted(account_ids)
    ]


def _tally(made: Sequence[Bill], failures: _Failures) -> Tally:
    return Tally(
        bills=len(made),
        consumption_kwh=sum(bill.consumption_kwh for bill in made),
        amount_fen=sum(bill.amount_fen for bill in made),
        failed=Counter(refusal.code for _, refusal in failures),
    )


def _samples(made: Sequence[Calculated], prices: _Prices) -> list[tuple[int, BillSample]]:
    documents = {
        each.tariff.version: each.legal_document for lists in prices.values() for each in lists
    }
    found = []
    for each, rules in chosen(made):
        lines = each.bill.lines
        words = in_words(
            lines,
            whys=reasons(lines, documents=documents),
            documents=documents,
            categories=_categories(each.basis, prices),
        )
        found.append((each.bill.account_id, sample(each, rules=rules, lines=words)))
    return found


def _questioned(
    bases: Iterable[Basis], failures: _Failures
) -> list[tuple[int, Stand, ReadingInQuestion]]:
    readings = {basis.account_id: basis.reading for basis in bases}
    return [
        (account_id, reading, refusal)
        for account_id, refusal in failures
        if isinstance(refusal, ReadingInQuestion) and (reading := readings[account_id])
    ]


def _prices(
    transaction: Transaction, bases: Sequence[Basis], month: Month
) -> dict[str, list[PriceList]]:
    """
    Return the prices in force on any day that a bill is about, by category, the oldest first.

    With the tables of power factors that hold in the month, if any account is assessed by one.
    """
    days = [
        business_date(stand.read_at)
        for basis in bases
        for stand in (basis.previous, basis.reading)
        if stand is not None
    ]
    found: dict[str, list[PriceList]] = defaultdict(list)
    if not days:
        return found
    tables: Mapping[int, Table] = {}
    if any(basis.supply and basis.supply.standard for basis in bases):
        tables = price_store.power_factor_tables(transaction, on=month.first_day)
    for prices in price_store.within(transaction, first=min(days), last=max(days)):
        tariff = replace(prices.tariff, tables=tables) if tables else prices.tariff
        found[prices.category].append(replace(prices, tariff=tariff))
    return found


def _made(
    bases: Iterable[Basis], *, month: Month, prices: _Prices, now: datetime
) -> tuple[list[Calculated], _Failures]:
    made: list[Calculated] = []
    failures: _Failures = []
    for basis in bases:
        begins_on = business_date(basis.previous.read_at)
        try:
            bill = bills.issue(
                basis=basis,
                month=month,
                prices=in_force_from(prices.get(basis.category, ()), begins_on),
                of_parts={
                    category: in_force_from(prices.get(category, ()), begins_on)
                    for category in basis.part_categories
                },
                issued_at=now,
            )
        except Refusal as refusal:
            failures.append((basis.account_id, refusal))
        else:
            made.append(Calculated(basis, bill))
    return made, failures


def _categories(basis: Basis, prices: _Prices) -> dict[str, str]:
    """Return the categories of the price lists (by version) that parts of a bill are billed by."""
    return {
        each.tariff.version: category
        for category in basis.part_categories
        for each in prices.get(category, ())
    }


def _uses(issued: Iterable[Bill], lots: dict[int, list[Lot]]) -> dict[int, tuple[LotUse, ...]]:
    return {
        bill.account_id: use_lots(amount_fen=bill.amount_fen, lots=lots[bill.account_id])
        for bill in issued
        if bill.account_id in lots
    }


def _entries(
    issued: Iterable[Calculated],
    uses: dict[int, tuple[LotUse, ...]],
    prices: _Prices,
    *,
    document_no: str,
) -> list[ledger.Entry]:
    return ledger.bills_issued_entries(
        bills=[
            ledger.BillPosting(
                account_id=bill.account_id,
                bill_no=bill.bill_no,
                category=bill.category,
                lines=bill.lines,
                prepaid_fen=sum(use.amount_fen for use in uses.get(bill.account_id, ())),
                categories=_categories(basis, prices),
            )
            for basis, bill in issued
        ],
        document_no=document_no,
    )
