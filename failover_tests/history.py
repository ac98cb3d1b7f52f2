"""The history of a drill: every request a client sent, with what it was answered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

Kind = Literal["payment", "read"]

_ANSWERED = {"payment": 201, "read": 200}
_UNAVAILABLE = 503


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """
    One logical request, however often its client sent it.

    Times in `…_s` are readings of the machine's monotonic clock, which all its processes share;
    `sent_unix_s` is the wall clock when it was first sent. Latency counts from `due_s`, when the
    plan wanted it sent: a client that falls behind does not flatter the service.

    `retry_after_s` is there if the answer was a problem that says why, and when to ask again.
    `net_fen` is what a read showed of its account: prepayment less what is owed.
    """

    kind: Kind
    key: str
    account_no: str
    amount_fen: int
    due_s: float
    sent_s: float
    sent_unix_s: float
    done_s: float
    attempts: int
    status: int | None
    payment_no: str | None
    error: str | None
    retry_after_s: int | None = None
    net_fen: int | None = None

    @property
    def is_answered(self) -> bool:
        """Tell if the client got the right answer to what it asked."""
        return self.error is None and self.status == _ANSWERED[self.kind]

    @property
    def is_refused_with_reason(self) -> bool:
        """Tell if the client was told that the service is away, why, and when to ask again."""
        return self.status == _UNAVAILABLE and self.retry_after_s is not None

    @property
    def latency_s(self) -> float:
        """Return how long the client waited, from when the request was due."""
        return self.done_s - self.due_s


History = tuple[Request, ...]

_DECODER = msgspec.json.Decoder(Request)


def acknowledged(history: Iterable[Request]) -> list[Request]:
    """Return the payments that were answered as taken, in the order of their answers."""
    taken = [request for request in history if request.kind == "payment" and request.is_answered]
    return sorted(taken, key=lambda request: request.done_s)


def decode(lines: Iterable[bytes]) -> History:
    """Return the requests of these JSON lines, in their order."""
    return tuple(_DECODER.decode(line) for line in lines)


def read(path: Path) -> History:
    """Return the history in `path`."""
    with path.open("rb") as lines:
        return decode(lines)


class Tail:
    """A history that is still being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0

    def fresh(self) -> History:
        """Return what was finished since the last call; a line not written out yet comes later."""
        if not self._path.exists():
            return ()
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            written = file.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return decode(whole.splitlines())
