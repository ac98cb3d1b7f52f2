"""Ledger: the double-entry journals of what happens to customers' money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from service.domain import vat
from service.domain.calculations import Line
from service.domain.payments import HALL_CHANNEL, Allocation
from service.domain.prepayments import Settled

CASH = "1001"
IN_TRANSIT = "1012"
RECEIVABLE = "1122.01"
PREPAYMENT = "2203"
OUTPUT_VAT = "2221"
SALES = {
    "residential": "6001.01",
    "residential_tou": "6001.01",
    "residential_collective": "6001.01",
    "commercial": "6001.02",
    "agricultural": "6001.03",
    "industrial": "6001.04",
}
LEVIES = {
    "rural_grid_loan": "2241.01",
    "water_conservancy_fund": "2241.02",
    "renewable_energy_surcharge": "2241.03",
    "reservoir_resettlement": "2241.04",
    "local_reservoir_resettlement": "2241.05",
}


class Entry(NamedTuple):
    """
    One side of a posting: debits are positive, credits negative, none is zero.

    `account_id` is set where a customer's balance moves (receivable, prepayment). A tuple, because
    a bill run makes one a bill and more.
    """

    code: str
    account_id: int | None
    document_no: str
    amount_fen: int


class BillPosting(NamedTuple):
    """
    What the ledger needs to know of a bill that is being issued.

    `prepaid_fen` is how much of it prepayments pay at once; below zero what it gives back, which
    becomes a prepayment. `categories` of those price lists, by their version, that are of another
    category than the bill.
    """

    account_id: int
    bill_no: str
    category: str
    lines: Sequence[Line]
    prepaid_fen: int
    categories: Mapping[str, str] = MappingProxyType({})


def payment_entries(
    *,
    channel: str,
    account_id: int,
    payment_no: str,
    paid: Iterable[Allocation],
    prepayment_fen: int,
) -> list[Entry]:
    """
    Return the balanced journal of a payment: money in, bills paid, the rest kept as prepayment.

    Cash of a counter is in hand at once, that of every other
    channel is in transit until the channel settles.

    Source: domain rule 2.19 (counter cash / POS / app received).
    """
    used = [Entry(RECEIVABLE, account_id, bill.bill_no, -bill.amount_fen) for bill in paid]
    if prepayment_fen:
        used.append(Entry(PREPAYMENT, account_id, payment_no, -prepayment_fen))
    received_fen = -sum(entry.amount_fen for entry in used)
    money = CASH if channel == HALL_CHANNEL else IN_TRANSIT
    return [Entry(money, None, payment_no, received_fen), *used]


def bills_issued_entries(*, bills: Iterable[BillPosting], document_no: str) -> list[Entry]:
    """
    Return the balanced journal of bills issued together, and of the prepayments used for them.

    Each bill is debited to its customer; what it credits (sales, VAT, levies) is folded into one
    entry a code under `document_no`, so that a batch of any size touches few general-ledger rows.
    Bills of nothing leave no entry.

    Source: domain rule 2.19 (bill issued, prepayment applied).
    """
    entries = []
    folded: Counter[str] = Counter()
    for bill in bills:
        _fold_credits(folded, bill)
        entries += _customer_entries(bill)
    entries += [
        Entry(code, None, document_no, -amount_fen)
        for code, amount_fen in sorted(folded.items())
        if amount_fen
    ]
    return entries


def bill_cancelled_entries(mirror: BillPosting) -> list[Entry]:
    """
    Return the balanced journal of a bill's mirror: what its issue posted, with opposite signs.

    `mirror` has the lines of the mirror; its `prepaid_fen`, below zero, is what was paid of the
    bill and is the customer's prepayment from now on.

    Source: domain rule 2.19 (bill cancelled).
    """
    return bills_issued_entries(bills=[mirror], document_no=mirror.bill_no)


def settled_entries(uses: Iterable[Settled], *, account_id: int) -> list[Entry]:
    """
    Return what it does to the books that money which was paid ahead pays open bills.

    Source: domain rule 2.19 (prepayment applied).
    """
    return [
        Entry(code, account_id, use.bill_no, sign * use.amount_fen)
        for use in uses
        for code, sign in ((PREPAYMENT, 1), (RECEIVABLE, -1))
    ]


def _customer_entries(bill: BillPosting) -> list[Entry]:
    gross_fen = sum(line.amount_fen for line in bill.lines)
    entries = []
    if gross_fen:
        entries.append(Entry(RECEIVABLE, bill.account_id, bill.bill_no, gross_fen))
    if bill.prepaid_fen:
        entries.append(Entry(PREPAYMENT, bill.account_id, bill.bill_no, bill.prepaid_fen))
        entries.append(Entry(RECEIVABLE, bill.account_id, bill.bill_no, -bill.prepaid_fen))
    return entries


def _fold_credits(folded: Counter[str], bill: BillPosting) -> None:
    """
    Add what `bill` credits to `folded`, by code.

    The tax is that of the whole bill: sales of its own category are what those of others leave.
    """
    sales_fen = 0
    others: Counter[str] = Counter()
    for line in bill.lines:
        if line.is_levy:
            folded[LEVIES[line.component]] += line.amount_fen
            continue
        sales_fen += line.amount_fen
        if line.version in bill.categories:
            others[bill.categories[line.version]] += line.amount_fen
    left_fen = sales_fen - vat.contained_fen(gross_fen=sales_fen)
    folded[OUTPUT_VAT] += sales_fen - left_fen
    for category, gross_fen in others.items():
        net_fen = gross_fen - vat.contained_fen(gross_fen=gross_fen)
        folded[SALES[category]] += net_fen
        left_fen -= net_fen
    folded[SALES[bill.category]] += left_fen
