"""Bills on paper: one for whoever asks, a month's for the post."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

from gevent import Timeout
from gevent.threadpool import ThreadPool

from service.documents.bill_paper import BillPaper, paper_of
from service.documents.typesetting import Typesetter
from service.domain.bill_details import BillDetails
from service.domain.errors import Busy
from service.domain.months import Month
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import accounts, principals
from service.store import bills as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.principals import known_bureau

# One at a time in a process, a core left for the other requests.
_THREADS = 1
# Waiting for the thread: 14 ms each, the first of a process 130.
_WAITING_MAX = 16
# Bills of a month that are read in one transaction.
_BATCH = 100
_EVERYWHERE = "*"


class PrintersBusy(Busy):
    """More bills are asked for at once than can be typeset."""

    code = "PRINTERS_BUSY"
    hint = "Send the same request again after the seconds in Retry-After."


class Printing:
    """Typesets bills, one at a time, in a thread beside the event loop."""

    def __init__(self) -> None:
        self._typesetter = Typesetter()
        self._threads = ThreadPool(_THREADS)
        self._waiting = 0

    def bill(self, paper: BillPaper, *, made_at: datetime, deadline: float) -> bytes:
        """
        Return a bill as a PDF.

        :raises PrintersBusy: if too many wait for one, or it is not there by the deadline
        """
        if self._waiting >= _WAITING_MAX:
            raise PrintersBusy(f"{self._waiting} others wait for a document")
        self._waiting += 1
        try:
            ready = self._threads.spawn(self._typesetter.bill, paper, made_at=made_at)
            made = cast("bytes", ready.get(timeout=max(0.0, deadline - time.monotonic())))
        except Timeout as late:
            raise PrintersBusy("the document was not ready in time") from late
        finally:
            self._waiting -= 1
        return made


def bill_document(
    *, database: Database, printing: Printing, caller: Caller, bill_no: str, deadline: float
) -> bytes:
    """
    Return a bill as a PDF, as its customer gets it.

    It shows whose it is: a token that is limited to bills is not enough.
    :raises RoleForbidden: if the caller does not see bills, or accounts
    :raises TokenLimited: if the token was limited to one of them
    :raises BillUnknown: if no bill the caller may see has the number
    :raises PrintersBusy: if too many wait for theirs
    """
    check(caller, "bills.read")
    check(caller, "accounts.read")
    bill, paper = database.read(
        lambda transaction: _read(transaction, bill_no), scope=caller.scope, deadline=deadline
    )
    return printing.bill(paper, made_at=bill.issued_at, deadline=deadline)


def documents_of_month(
    *, database: Database, bureau_id: int, month: Month, deadline_s: float
) -> Iterator[tuple[str, bytes]]:
    """
    Yield every bill in force of a bureau's month as a PDF, with its number, by account.

    For whoever prints a month at once, on behalf of the operations staff, who reach every bureau.
    :param deadline_s: how long each batch may wait for the database
    :raises BureauUnknown: if there is no such bureau
    """
    database.read(
        lambda transaction: known_bureau(transaction, bureau_id),
        scope=_EVERYWHERE,
        deadline=time.monotonic() + deadline_s,
    )
    typesetter = Typesetter()
    after: int = 0
    while True:
        batch = database.read(
            partial(_batch, bureau_id=bureau_id, month=month, after=after),
            scope=str(bureau_id),
            deadline=time.monotonic() + deadline_s,
        )
        for bill, paper in batch.papers:
            yield bill.bill_no, typesetter.bill(paper, made_at=bill.issued_at)
        if batch.last is None:
            return
        after = batch.last


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some bills, and the account (by id) after which the others come; None if there are none."""

    papers: list[tuple[BillDetails, BillPaper]]
    last: int | None


def _batch(transaction: Transaction, *, bureau_id: int, month: Month, after: int) -> _Batch:
    found = store.numbers_of_month(
        transaction, bureau_id=bureau_id, month=month, after=after, limit=_BATCH
    )
    papers = [_read(transaction, bill_no) for _, bill_no in found]
    return _Batch(papers, last=found[-1][0] if len(found) == _BATCH else None)


def _read(transaction: Transaction, bill_no: str) -> tuple[BillDetails, BillPaper]:
    bill = store.by_no(transaction, bill_no)
    account = accounts.by_no(transaction, bill.account_no)
    bureau = principals.bureau_name(transaction, bureau_id=account.bureau)
    return bill, paper_of(bill, account, bureau=bureau or str(account.bureau))
