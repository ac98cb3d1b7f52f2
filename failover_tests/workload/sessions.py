"""Clients that read what they have just paid, each with the newest token it was given."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

import msgspec

from failover_tests.history import Kind, Request
from failover_tests.views import View
from failover_tests.workload.wire import Broken, Reply, Wire

# A session reads mostly what it paid last: where going back would show.
_LAST_PAID_SHARE = 0.5
_PAY_EVERY_S = 0.5
ACCOUNTS_EACH = 3
# Every so many reads are kept as a request too, for the figures of the report.
_SAMPLED = 20
_RETRY_S = 0.1
_ANSWERED = {"payment": 201, "read": 200}
_UNAVAILABLE = 503


class _Balance(msgspec.Struct):
    receivable_fen: int
    prepayment_fen: int


class _Account(msgspec.Struct):
    balance: _Balance


_DECODER = msgspec.json.Decoder(_Account)


class Record:
    """What all sessions saw, in the order of their answers; `run` begins every key."""

    def __init__(self, *, run: str, views: IO[bytes], history: IO[bytes]) -> None:
        self.run = run
        self.known = 0
        self._views = views
        self._history = history

    def see(self, view: View) -> None:
        """Write down one more view."""
        self._views.write(msgspec.json.encode(view) + b"\n")
        self.known += 1

    def keep(self, request: Request) -> None:
        """Write down a request."""
        self._history.write(msgspec.json.encode(request) + b"\n")


class _Question(NamedTuple):
    """One request, as it is recorded, then as it is sent."""

    kind: Kind
    key: str
    account_no: str
    amount_fen: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Session:
    """One client with some accounts: it pays, while several of its readers look at accounts."""

    def __init__(
        self,
        number: int,
        *,
        accounts: Sequence[str],
        others: Sequence[str],
        roles: Mapping[str, str],
        record: Record,
        timeout_s: float,
    ) -> None:
        self._number = number
        self._accounts = accounts
        self._others = others
        self._roles = roles
        self._record = record
        self._timeout_s = timeout_s
        self._random = random.Random(number)
        self._token: str | None = None
        self._last_paid = accounts[0]
        self._sent = 0

    async def pay(self, wire: Wire, stopped: asyncio.Event) -> None:
        """Pay again and again until `stopped`."""
        while not stopped.is_set():
            self._sent += 1
            key = f"{self._record.run}-s{self._number}-p{self._sent}"
            account_no = self._random.choice(self._accounts)
            amount_fen = self._random.randint(1, 500)
            known, sent = self._record.known, self._token
            reply = await self._asked(wire, self._payment(key, account_no, amount_fen))
            if reply is not None:
                self._learn(reply.token)
                self._last_paid = account_no
                view = View(
                    self._number, account_no, known, sent, reply.token, 0, paid_fen=amount_fen
                )
                self._record.see(view)
            await asyncio.sleep(_PAY_EVERY_S * self._random.uniform(0.5, 1.5))

    async def look(self, wire: Wire, stopped: asyncio.Event) -> None:
        """Read again and again until `stopped`."""
        while not stopped.is_set():
            is_own = self._random.random() < _LAST_PAID_SHARE
            account_no = self._last_paid if is_own else self._random.choice(self._others)
            self._sent += 1
            key = f"{self._record.run}-s{self._number}-r{self._sent}"
            known, sent = self._record.known, self._token
            reply = await self._asked(wire, self._read(key, account_no, sent))
            if reply is None:
                continue
            balance = _DECODER.decode(reply.body).balance
            self._learn(reply.token)
            net_fen = balance.prepayment_fen - balance.receivable_fen
            view = View(self._number, account_no, known, sent, reply.token, net_fen, paid_fen=0)
            self._record.see(view)

    def _learn(self, token: str | None) -> None:
        """Keep the greatest token, as the service's documentation asks its clients to."""
        if token is not None and token > (self._token or ""):
            self._token = token

    async def _asked(self, wire: Wire, asked: _Question) -> Reply | None:
        """Ask until there is an answer; keep what became of it, of a read that succeeds seldom."""
        began_s, began_unix_s = time.monotonic(), time.time()
        reply, attempts, error = await self._answered(wire, asked, began_s + self._timeout_s)
        is_answered = reply is not None and reply.status == _ANSWERED[asked.kind]
        is_plain = asked.kind == "read" and is_answered and attempts == 1
        if not is_plain or self._sent % _SAMPLED == 0:
            self._record.keep(
                Request(
                    kind=asked.kind,
                    key=asked.key,
                    account_no=asked.account_no,
                    amount_fen=asked.amount_fen,
                    due_s=began_s,
                    sent_s=began_s,
                    sent_unix_s=began_unix_s,
                    done_s=time.monotonic(),
                    attempts=attempts,
                    status=None if reply is None else reply.status,
                    payment_no=_payment_no(reply),
                    error=None if is_answered else error,
                )
            )
        return reply if is_answered else None

    async def _answered(
        self, wire: Wire, asked: _Question, give_up_s: float
    ) -> tuple[Reply | None, int, str]:
        """Return the last reply, after how many attempts, or the error that stood in for it."""
        reply, attempts, error = None, 0, "NeverSent"
        while attempts == 0 or time.monotonic() < give_up_s:
            attempts += 1
            try:
                async with asyncio.timeout(give_up_s - time.monotonic()):
                    reply = await wire.call(
                        asked.method, asked.path, headers=asked.headers, body=asked.body
                    )
            except (Broken, TimeoutError) as broken:
                reply, error = None, type(broken).__name__
            else:
                error = f"Status{reply.status}"
                if reply.status != _UNAVAILABLE:
                    break
            await asyncio.sleep(_RETRY_S)
        return reply, attempts, error

    def _payment(self, key: str, account_no: str, amount_fen: int) -> _Question:
        body = {
            "account_no": account_no,
            "amount_fen": amount_fen,
            "channel": "bank",
            "channel_serial": key,
        }
        headers = {
            "Authorization": f"Bearer {self._roles['channel']}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        return _Question(
            "payment", key, account_no, amount_fen,
            "POST", "/v1/payments", headers, msgspec.json.encode(body),
        )  # fmt: skip

    def _read(self, key: str, account_no: str, token: str | None) -> _Question:
        headers = {"Authorization": f"Bearer {self._roles['hall_clerk']}"}
        if token is not None:
            headers["Consistency-Token"] = token
        path = f"/v1/accounts/{account_no}"
        return _Question("read", key, account_no, 0, "GET", path, headers, b"")


def _payment_no(reply: Reply | None) -> str | None:
    if reply is None or reply.status != _ANSWERED["payment"]:
        return None
    return str(msgspec.json.decode(reply.body)["payment_no"])
