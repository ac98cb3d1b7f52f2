"""What sessions of a client saw of accounts, each answer beside what the session knew before."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from failover_tests.books import Books
from failover_tests.checkers import Findings


class View(msgspec.Struct, frozen=True, array_like=True):
    """
    One answer to a session: what a read showed, or a payment that was acknowledged.

    Views are numbered from 0 in the order in which they were answered; the first `known` of them
    were there before this request was sent. `sent` is the token that went with it, the newest the
    session had been given; `token` is the answer's. `net_fen` is what the account has paid ahead
    less what it owes (of a read), `paid_fen` what was paid (of a payment; 0 for a read).
    """

    session: int
    account_no: str
    known: int
    sent: str | None
    token: str | None
    net_fen: int
    paid_fen: int


Views = Iterable[View]
_DECODER = msgspec.json.Decoder(View)


def read(path: Path) -> Iterator[View]:
    """Yield the views in `path`, one at a time: a million of them need no memory then."""
    with path.open("rb") as lines:
        for line in lines:
            yield _DECODER.decode(line)


class Count:
    """How many views there are in a file that is still being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0
        self._seen = 0

    def now(self) -> int:
        """Return how many were answered so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                written = file.read()
            self._read_to += len(written)
            self._seen += written.count(b"\n")
        return self._seen


def nets_before(books: Books) -> dict[str, int]:
    """Return what each account had paid ahead, less what it owed, before the run's payments."""
    nets_fen = {
        balance.account_no: balance.prepayment_fen - balance.receivable_fen
        for balance in books.balances
    }
    for payment in books.payments:
        nets_fen[payment.account_no] -= payment.amount_fen
    return nets_fen


def checked(views: Views) -> int:
    """Return how many reads were sent with a token."""
    return sum(view.paid_fen == 0 and view.sent is not None for view in views)


def went_back(views: Views, *, nets_fen: Mapping[str, int]) -> Findings:
    """
    Return each read that showed less than its session knew before it was sent (I5).

    A session knows the payments it was told are taken, and what it read itself. Payments only add.
    """
    paid: dict[tuple[int, str], _Steps] = defaultdict(_Steps)
    shown: dict[tuple[int, str], _Steps] = defaultdict(_Steps)
    findings = []
    for number, view in enumerate(views):
        key = view.session, view.account_no
        if view.token is None or (view.sent is not None and view.token < view.sent):
            findings.append(f"view {number} was sent {view.sent}, answered {view.token}")
        if view.paid_fen:
            paid[key].add(number, paid[key].newest + view.paid_fen)
            continue
        told_fen = nets_fen[view.account_no] + paid[key].before(view.known)
        seen_fen = shown[key].before(view.known, default=told_fen)
        if view.net_fen < max(told_fen, seen_fen):
            findings.append(
                f"view {number} showed session {view.session} {view.net_fen} fen of account "
                f"{view.account_no}; it was told of {told_fen} fen, had seen {seen_fen} fen"
            )
        if not shown[key] or view.net_fen > shown[key].newest:
            shown[key].add(number, view.net_fen)
    return findings


class _Steps:
    """A number that only grows, with the number of the view at which each step came."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._values: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._values)

    @property
    def newest(self) -> int:
        return self._values[-1] if self._values else 0

    def add(self, number: int, value: int) -> None:
        self._numbers.append(number)
        self._values.append(value)

    def before(self, number: int, default: int = 0) -> int:
        """Return the value as of the first `number` views."""
        position = bisect_left(self._numbers, number)
        return self._values[position - 1] if position else default
