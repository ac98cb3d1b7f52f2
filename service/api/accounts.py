"""HTTP for accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from service.api import answers
from service.api.bodies import NDJSON, UNREADABLE, read_lines
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.trials import RegisterName
from service.api.validation import Moment, PageSize, Text, parameters
from service.domain.account_imports import ImportLine, LineMalformed
from service.domain.accounts import Account, AccountFilter, AccountPage
from service.domain.new_accounts import NewAccount
from service.usecases.accounts import account_by_no, import_accounts, search_accounts

_EXAMPLE = {
    "name": "李明",
    "phone": "13999990001",
    "address": "人民路 1 号 1-101",
    "category": "residential",
    "opened_on": "2026-01-01",
    "bureau": 1,
    "meter": {
        "asset_no": "M0000000001",
        "digits": 6,
        "decimals": 2,
        "multiplier": "1",
        "installed_at": "2026-01-01T09:00:00+08:00",
        "initial_register": "0",
    },
}


class MeterSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A meter to begin with, as it stood at one moment.

    `installed_at` is when it showed `initial_register`: bills count from there. For a meter that
    has hung for years, send the moment of the reading that the old system billed last. `periods`
    names its other registers (periods of the day, reactive, demand), each with what it showed.
    """

    asset_no: str
    digits: int
    decimals: int
    multiplier: str
    installed_at: Moment
    initial_register: str
    periods: dict[RegisterName, str] = {}


class AccountSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an import; without an `account_no` the account is given one."""

    name: str
    phone: str
    address: str
    category: str
    opened_on: date
    bureau: int
    meter: MeterSent
    account_no: str | None = None


class LineAccepted(msgspec.Struct, frozen=True, tag_field="status", tag="accepted"):
    """A line that became an account with its meter."""

    line: int
    account_no: str


class LineRefused(msgspec.Struct, frozen=True, tag_field="status", tag="refused"):
    """A line that left nothing behind."""

    line: int
    code: str
    detail: str
    hint: str


class ImportAnswered(msgspec.Struct, frozen=True):
    """What became of an import, with a result for every line, in its order."""

    accepted: int
    refused: int
    results: list[LineAccepted | LineRefused]


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for; all that is given must hold."""

    number: Text | None = None
    name: Text | None = None
    phone: Text | None = None
    address: Text | None = None
    limit: PageSize = 50
    cursor: Text | None = None


class AccountImports(Resource):
    """`/v1/account-imports`"""

    @promises(
        Operation(
            summary="Import accounts, a line each; every line is accepted or refused by itself.",
            permission="accounts.import",
            body=AccountSent,
            body_media_type=NDJSON,
            example=_EXAMPLE,
            answer=ImportAnswered,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Import accounts."""
        once, lines = read_lines(req)
        answer = import_accounts(
            database=req.database,
            caller=req.caller,
            once=once,
            lines=list(numbered(lines)),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Accounts(Resource):
    """`/v1/accounts`"""

    @promises(
        Operation(
            summary="Look accounts up by number, name, phone or address; a page at a time.",
            permission="accounts.read",
            query=Search,
            answer=AccountPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """Search."""
        asked = parameters(req.params, Search)
        page = search_accounts(
            database=req.database,
            caller=req.caller,
            wanted=msgspec.convert(asked, AccountFilter, from_attributes=True),
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)


class AccountByNumber(Resource):
    """`/v1/accounts/{account_no}`"""

    @promises(
        Operation(
            summary="Read an account with its balance and its meter.",
            permission="accounts.read",
            answer=Account,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        account = account_by_no(
            database=req.database,
            caller=req.caller,
            account_no=account_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, account)


_decode = msgspec.json.Decoder(AccountSent).decode


def numbered(lines: Iterable[bytes]) -> Iterator[ImportLine]:
    """Yield the accounts on `lines`, counted from 1, with a refusal for each that is none."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield ImportLine(number, _account(line))


def _account(line: bytes) -> NewAccount | LineMalformed:
    try:
        return msgspec.convert(_decode(line), NewAccount, from_attributes=True)
    except UNREADABLE as error:
        return LineMalformed(str(error))
