"""Account imports: what becomes of each line of a file of new accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from service.domain.errors import Busy, Conflict, Invalid, Refusal
from service.domain.new_accounts import NewAccount, Terms, judge

LINES_MAX = 10_000
"""One transaction's worth: about a second of writing, well inside a request's deadline."""


class ImportLengthRefused(Invalid):
    """An import has lines, and not more than one transaction should hold."""

    code = "IMPORT_LENGTH_REFUSED"
    hint = f"Send 1 to {LINES_MAX} accounts at a time, one JSON object a line."


class ImportContended(Busy):
    """Others took the numbers or the meters of this file while it was being imported."""

    code = "IMPORT_CONTENDED"
    hint = "Send the same file again; nothing of it was imported."


class LineMalformed(Invalid):
    """A line is not one account in JSON."""

    code = "LINE_MALFORMED"
    hint = "Send one JSON object a line, with the documented fields and no others."


class AccountNumberTaken(Conflict):
    """One account number names one account."""

    code = "ACCOUNT_NUMBER_TAKEN"
    hint = "Look the number up, or leave account_no out to be given a free one."


class AssetTaken(Conflict):
    """One meter hangs at one account."""

    code = "ASSET_TAKEN"
    hint = "Check the asset number of the meter; it may hang at an account of another bureau."


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line by its number, from 1, as it was read: an account, or why it is none."""

    line: int
    content: NewAccount | Refusal


@dataclass(frozen=True, slots=True)
class Taken:
    """Numbers that accounts and meters of any bureau have already."""

    account_nos: frozenset[str] = field(default_factory=frozenset)
    asset_nos: frozenset[str] = field(default_factory=frozenset)

    def __or__(self, other: Taken) -> Taken:
        """Return what is taken in either."""
        return Taken(self.account_nos | other.account_nos, self.asset_nos | other.asset_nos)

    def __bool__(self) -> bool:
        """Test if anything is taken."""
        return bool(self.account_nos or self.asset_nos)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccepted:
    """What its sender is told of a line that became an account with its meter."""

    line: int
    status: Literal["accepted"] = "accepted"
    account_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRefused:
    """What its sender is told of a line that left nothing behind."""

    line: int
    status: Literal["refused"] = "refused"
    code: str
    detail: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file, with a result for every line, in its order."""

    accepted: int
    refused: int
    results: tuple[LineAccepted | LineRefused, ...]


def check_length(lines: Sequence[ImportLine]) -> None:
    """
    Let a file pass that one transaction can hold.

    :raises ImportLengthRefused: if it has no line, or more than `LINES_MAX`
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise ImportLengthRefused(f"the import has {len(lines)} lines")


def sort_out(
    lines: Iterable[ImportLine], *, terms: Terms, taken: Taken
) -> tuple[dict[int, NewAccount], dict[int, Refusal]]:
    """
    Return the accounts that may begin, beside the refusals of all others, both by line.

    A number or a meter that stands in the file twice is refused the second time, whatever became of
    the first: the result of a line must not depend on what else the file's sender corrects.
    """
    accounts: dict[int, NewAccount] = {}
    refusals: dict[int, Refusal] = {}
    first_lines: dict[str, int] = {}
    for line in lines:
        try:
            account = _read(line)
            _judge_repetition(account, line.line, first_lines)
            judge(account, terms)
            _judge_taken(account, taken)
        except Refusal as refusal:
            refusals[line.line] = refusal
        else:
            accounts[line.line] = account
    return accounts, refusals


def report(
    lines: Iterable[ImportLine],
    *,
    account_nos: Mapping[int, str],
    refusals: Mapping[int, Refusal],
) -> ImportReport:
    """Return what became of `lines`, each of which is either in `account_nos` or in `refusals`."""
    return ImportReport(
        accepted=len(account_nos),
        refused=len(refusals),
        results=tuple(
            LineAccepted(line=line.line, account_no=account_nos[line.line])
            if line.line in account_nos
            else _refused(line.line, refusals[line.line])
            for line in lines
        ),
    )


def _refused(line: int, refusal: Refusal) -> LineRefused:
    return LineRefused(line=line, code=refusal.code, detail=refusal.detail, hint=refusal.hint)


def _read(line: ImportLine) -> NewAccount:
    if isinstance(line.content, Refusal):
        raise line.content
    return line.content


def _judge_repetition(account: NewAccount, line: int, first_lines: dict[str, int]) -> None:
    asset = f"asset {account.meter.asset_no}"
    asset_line = first_lines.setdefault(asset, line)
    if account.account_no is not None:
        number = f"account {account.account_no}"
        number_line = first_lines.setdefault(number, line)
        if number_line != line:
            raise AccountNumberTaken(f"{number} stands in line {number_line} already")
    if asset_line != line:
        raise AssetTaken(f"{asset} stands in line {asset_line} already")


def _judge_taken(account: NewAccount, taken: Taken) -> None:
    if account.account_no in taken.account_nos:
        raise AccountNumberTaken(f"account {account.account_no} exists already")
    if account.meter.asset_no in taken.asset_nos:
        raise AssetTaken(f"asset {account.meter.asset_no} hangs at an account already")
