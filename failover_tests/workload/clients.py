"""An HTTP client as a bank's or a hall's is: keep-alive, TCP keepalive, its own timeout."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from failover_tests.workload.tokens import TOKEN_HEADER, ConsistencyTokens

# A host that dies with our request in its memory never answers. Probes find that in 4 s, where
# Linux's defaults need two hours (the service's docs ask every client for this).
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 3))

# Below the edge's 60 s: the client, not the edge, closes a connection that is idle, so none is
# closed at the moment it is used.
_IDLE_CONNECTION_S = 50.0

# An authority is announced days before it signs; in a drill, seconds.
_BELIEVED_EVERY_S = 1.0

# One page of GET /v1/accounts when looking for accounts to pay for.
_PAGE = 100


# How the numbers of a demo bureau's accounts begin: the sequence they are drawn from starts there.
_DEMO_NUMBERS = "1"


class _Taken(msgspec.Struct):
    payment_no: str
    account_no: str
    amount_fen: int


class _Balance(msgspec.Struct):
    receivable_fen: int
    prepayment_fen: int


class _Account(msgspec.Struct):
    account_no: str
    balance: _Balance


class _Page(msgspec.Struct):
    items: list[_Account]
    next_cursor: str | None = None


class _Problem(msgspec.Struct):
    """What a refusal must say (RFC 9457): `code` for programs, `detail` for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What one attempt came to: a status, or the class of the error that stood in for it.

    `retry_after_s` is there if a problem said why, and when to ask again; `net_fen` is what a read
    showed of the account.
    """

    status: int | None = None
    payment_no: str | None = None
    error: str | None = None
    retry_after_s: int | None = None
    net_fen: int | None = None


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _keepalive_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


class Client:
    """
    Calls one endpoint on behalf of a hall and a payment channel.

    Whoever calls `afresh` does so over a connection of its own: behind one that broke, all others
    that are kept have broken too (each cost a repeated payment another attempt, five in all).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        anew: aiohttp.ClientSession,
        *,
        endpoint: str,
        tokens: Mapping[str, str],
    ) -> None:
        self._session = session
        self._anew = anew
        self._endpoint = endpoint
        self._hall = {"Authorization": f"Bearer {tokens['hall_clerk']}"}
        self._channel = {
            "Authorization": f"Bearer {tokens['channel']}",
            "Content-Type": "application/json",
        }
        self._tokens = ConsistencyTokens()

    async def pay(
        self, *, account_no: str, amount_fen: int, key: str, afresh: bool = False
    ) -> Answer:
        """Send one payment; an answer that is about another payment is an error."""
        body = msgspec.json.encode(
            {
                "account_no": account_no,
                "amount_fen": amount_fen,
                "channel": "bank",
                "channel_serial": key,
            }
        )
        headers = {**self._channel, "Idempotency-Key": key}
        reply = await self._call("POST", "/v1/payments", headers=headers, body=body, afresh=afresh)
        if reply.status != 201:  # noqa: PLR2004  # HTTP's number for "created"
            return _refused(reply)
        self._tokens.keep(account_no, reply.headers.get(TOKEN_HEADER))
        taken = msgspec.json.decode(reply.body, type=_Taken)
        if (taken.account_no, taken.amount_fen) != (account_no, amount_fen):
            return Answer(status=reply.status, payment_no=taken.payment_no, error="WrongAnswer")
        return Answer(status=reply.status, payment_no=taken.payment_no)

    async def read(self, *, account_no: str, afresh: bool = False) -> Answer:
        """Read one account; an answer about another account is an error."""
        headers = {**self._hall, **self._tokens.headers(account_no)}
        path = f"/v1/accounts/{account_no}"
        reply = await self._call("GET", path, headers=headers, afresh=afresh)
        if reply.status != 200:  # noqa: PLR2004  # HTTP's number for "here it is"
            return _refused(reply)
        account = msgspec.json.decode(reply.body, type=_Account)
        if account.account_no != account_no:
            return Answer(status=reply.status, error="WrongAnswer")
        net_fen = account.balance.prepayment_fen - account.balance.receivable_fen
        return Answer(status=reply.status, net_fen=net_fen)

    async def open_connections(self, count: int) -> None:
        """
        Open connections that are kept for whoever needs one next.

        By a caller that the edge knows already: it would take so many unknown ones for guesses.
        """
        asked = (self._call("GET", "/live", headers=self._hall) for _ in range(count))
        await asyncio.gather(*asked)

    async def account_numbers(self, *, at_most: int) -> list[str]:
        """Return the numbers of the first accounts of the hall's bureau."""
        found: list[str] = []
        cursor = ""
        while len(found) < at_most:
            path = f"/v1/accounts?number={_DEMO_NUMBERS}&limit={_PAGE}{cursor}"
            reply = await self._call("GET", path, headers=self._hall)
            if reply.status != 200:  # noqa: PLR2004  # as above
                raise RuntimeError(f"GET {path} answered {reply.status}: {reply.body[:300]!r}")
            page = msgspec.json.decode(reply.body, type=_Page)
            found.extend(account.account_no for account in page.items)
            if page.next_cursor is None:
                break
            cursor = f"&cursor={page.next_cursor}"
        return found[:at_most]

    async def _call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        afresh: bool = False,
    ) -> _Reply:
        url = self._endpoint + path
        session = self._anew if afresh else self._session
        async with session.request(method, url, headers=headers, data=body) as response:
            return _Reply(response.status, response.headers, await response.read())


def _refused(reply: _Reply) -> Answer:
    """Return what a refusal came to; its reason counts only in the form that clients can read."""
    unexplained = Answer(status=reply.status, error=f"Status{reply.status}")
    if not reply.headers.get("Content-Type", "").startswith("application/problem+json"):
        return unexplained
    try:
        problem = msgspec.json.decode(reply.body, type=_Problem)
    except msgspec.MsgspecError:
        return unexplained
    after = reply.headers.get("Retry-After", "")
    return Answer(
        status=reply.status,
        error=problem.code,
        retry_after_s=int(after) if after.isdecimal() and problem.detail else None,
    )


@asynccontextmanager
async def connected(
    *, endpoint: str, tokens: Mapping[str, str], authority: Path | None = None
) -> AsyncIterator[Client]:
    """
    Lend a client; its connections are unbounded, as those of many separate callers are.

    The endpoint is known by a certificate that `authority` signed (by default: that the machine
    trusts). Whoever calls bounds the time of a call: a retry shares the time of the first attempt.
    """
    context = ssl.create_default_context(cafile=authority)
    # aiohttp silently repeats a GET whose connection broke; a drill counts every broken one.
    async with (
        _session(context, keeps_s=_IDLE_CONNECTION_S) as session,
        _session(context, keeps_s=None) as anew,
    ):
        session._retry_connection = anew._retry_connection = False  # noqa: SLF001
        learning = asyncio.create_task(_keep_believing(context, authority))
        try:
            yield Client(session, anew, endpoint=endpoint, tokens=tokens)
        finally:
            learning.cancel()


def _session(context: ssl.SSLContext, *, keeps_s: float | None) -> aiohttp.ClientSession:
    """Return a session that keeps each connection for so long, or uses it once."""
    connector = (
        aiohttp.TCPConnector(
            limit=0, socket_factory=_keepalive_socket, ssl=context, keepalive_timeout=keeps_s
        )
        if keeps_s
        else aiohttp.TCPConnector(
            limit=0, socket_factory=_keepalive_socket, ssl=context, force_close=True
        )
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=["User-Agent", "Accept"],
    )


async def _keep_believing(context: ssl.SSLContext, authority: Path | None) -> None:
    """Believe whoever else is announced in the file meanwhile, as a client is told to."""
    while authority is not None:
        await asyncio.sleep(_BELIEVED_EVERY_S)
        context.load_verify_locations(cafile=authority)


def error_class(error: BaseException) -> str:
    """Return the short name under which an error is counted."""
    if isinstance(error, asyncio.TimeoutError):
        return "ClientTimeout"
    return type(error).__name__
