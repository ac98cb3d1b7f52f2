"""What the database holds after a drill: the truth that the clients' history is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from failover_tests.statements import statement

# Some megabytes of JSON at a time.
_PAGE = 20_000


class Queried(Protocol):
    """A lab, as far as this module needs it: SQL as `postgres` on the primary."""

    def query(self, sql: str) -> list[dict[str, object]]:
        """Return the rows of one statement."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """One payment as the database holds it."""

    channel_serial: str
    payment_no: str
    account_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A payment of which not all was allocated, or not all booked."""

    payment_no: str
    amount_fen: int
    allocated_fen: int
    booked_fen: int


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """The balances of one account, each as kept (open bills, lots) and as its entries sum up."""

    account_no: str
    receivable_fen: int
    receivable_entries_fen: int
    prepayment_fen: int
    prepayment_entries_fen: int


@dataclass(frozen=True, slots=True)
class BillSum:
    """A bill whose lines do not sum up to its amount."""

    bill_no: str
    amount_fen: int
    lines_fen: int


@dataclass(frozen=True, slots=True)
class JournalSum:
    """A journal with the sum of its entries, which must be zero."""

    journal_id: int
    reference: str
    sum_fen: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is of everything, so that a check of nothing cannot look like a pass."""

    payments: int
    journals: int
    accounts: int
    bills: int


@dataclass(frozen=True, slots=True)
class Switch:
    """The end of a timeline: where in the WAL the next one forked off."""

    timeline: int
    lsn: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How much the database holds, and on which timeline."""

    totals: Totals
    timeline: int


@dataclass(frozen=True, slots=True)
class Books:
    """Everything a drill judges by; payments of its own run only, all else of the whole ledger."""

    standing: Standing
    payments: tuple[Recorded, ...]
    unexplained: tuple[Unexplained, ...]
    unbalanced: tuple[JournalSum, ...]
    balances: tuple[AccountBalance, ...]
    bills_wrong: tuple[BillSum, ...]
    switches: tuple[Switch, ...]


def standing(lab: Queried) -> Standing:
    """Return how much the database holds now, and on which timeline."""
    row = lab.query(statement("totals"))[0]
    timeline = lab.query(statement("timeline_history"))[0]["timeline"]
    totals = Totals(**{column: _int(value) for column, value in row.items()})
    return Standing(totals=totals, timeline=_int(timeline))


def read(lab: Queried, *, run: str) -> Books:
    """
    Return the books after the drill whose payments have serials that begin with `run` and a dash.

    Only what is wrong is read of the whole ledger; of the run, every payment.
    """
    assert run.isalnum(), "goes into a statement as a literal"
    return Books(
        standing=standing(lab),
        payments=tuple(_payments(lab, run)),
        unexplained=tuple(
            Unexplained(
                str(row["payment_no"]),
                *(_int(row[name]) for name in ("amount_fen", "allocated_fen", "booked_fen")),
            )
            for row in lab.query(statement("unexplained_payments").replace("%RUN%", run))
        ),
        unbalanced=tuple(
            JournalSum(_int(row["journal_id"]), str(row["reference"]), _int(row["sum_fen"]))
            for row in lab.query(statement("unbalanced_journals"))
        ),
        balances=tuple(_balance(row) for row in lab.query(statement("balances"))),
        bills_wrong=tuple(
            BillSum(str(row["bill_no"]), _int(row["amount_fen"]), _int(row["lines_fen"]))
            for row in lab.query(statement("wrong_bills"))
        ),
        switches=parse_switches(str(lab.query(statement("timeline_history"))[0]["history"] or "")),
    )


def _payments(lab: Queried, run: str) -> Iterator[Recorded]:
    """Yield the run's payments page by page: an hour of load holds 360,000 of them."""
    serial, number = f"{run}-", ""
    while True:
        page = statement("payments").replace("%RUN%", run).replace("%PAGE%", str(_PAGE))
        rows = lab.query(page.replace("%SERIAL%", serial).replace("%NUMBER%", number))
        yield from map(_recorded, rows)
        if len(rows) < _PAGE:
            return
        serial, number = str(rows[-1]["channel_serial"]), str(rows[-1]["payment_no"])


def parse_switches(history: str) -> tuple[Switch, ...]:
    """
    Return the switches of a timeline history file, oldest first.

    Source: PostgreSQL, readTimeLineHistory() in timeline.c: "<timeline> <tab> <hi>/<lo> <reason>".
    """
    switches = []
    for line in history.splitlines():
        if line.strip() and not line.startswith("#"):
            timeline, location = line.split()[:2]
            high, low = location.split("/")
            switches.append(Switch(int(timeline), (int(high, 16) << 32) + int(low, 16)))
    return tuple(switches)


def _int(value: object) -> int:
    return int(str(value))


def _recorded(row: Mapping[str, object]) -> Recorded:
    return Recorded(
        channel_serial=str(row["channel_serial"]),
        payment_no=str(row["payment_no"]),
        account_no=str(row["account_no"]),
        amount_fen=_int(row["amount_fen"]),
    )


def _balance(row: Mapping[str, object]) -> AccountBalance:
    return AccountBalance(
        account_no=str(row["account_no"]),
        receivable_fen=_int(row["receivable_fen"]),
        receivable_entries_fen=_int(row["receivable_entries_fen"]),
        prepayment_fen=_int(row["prepayment_fen"]),
        prepayment_entries_fen=_int(row["prepayment_entries_fen"]),
    )
