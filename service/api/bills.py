"""HTTP for bills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.api import answers
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Page, parameters
from service.domain.bill_details import BillDetails, BillPage
from service.usecases.bill_documents import Printing, bill_document
from service.usecases.bills import bill_by_no, bills_of_account


class AccountBills(Resource):
    """`/v1/accounts/{account_no}/bills`"""

    @promises(
        Operation(
            summary="Read an account's bills, newest first; a page at a time.",
            permission="bills.read",
            query=Page,
            answer=BillPage,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        asked = parameters(req.params, Page)
        page = bills_of_account(
            database=req.database,
            caller=req.caller,
            account_no=account_no,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)


class BillByNumber(Resource):
    """`/v1/bills/{bill_no}`"""

    @promises(
        Operation(
            summary="Read a bill with every line, and why it costs what it costs.",
            permission="bills.read",
            answer=BillDetails,
        )
    )
    def on_get(self, req: Request, resp: Response, bill_no: str) -> None:
        """Read."""
        bill = bill_by_no(
            database=req.database, caller=req.caller, bill_no=bill_no, deadline=req.deadline
        )
        answers.found(req, resp, bill)


class BillDocument(Resource):
    """`/v1/bills/{bill_no}/document`"""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        """Keep a printer of this process's own."""
        super().__init__(clock=clock)
        self._printing = Printing()

    @promises(
        Operation(
            summary="Read a bill as its customer gets it on paper: PDF/A, in Chinese.",
            permission="bills.read",
            answer=bytes,
            answer_media_type=answers.PDF,
        )
    )
    def on_get(self, req: Request, resp: Response, bill_no: str) -> None:
        """Read."""
        document = bill_document(
            database=req.database,
            printing=self._printing,
            caller=req.caller,
            bill_no=bill_no,
            deadline=req.deadline,
        )
        answers.printed(req, resp, document, name=f"{bill_no}.pdf")
