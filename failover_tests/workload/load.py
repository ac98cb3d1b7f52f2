"""Sending the planned requests, each at its time, each with its outcome on record."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import IO

import aiohttp
import msgspec

from failover_tests.history import Kind, Request
from failover_tests.workload.arrivals import Arrival
from failover_tests.workload.clients import Answer, Client, error_class

# A retrying client gives up by its timeout, at the latest by this count.
_ATTEMPTS_MAX = 20
_PAUSE_FIRST_S = 0.1
_PAUSE_LONGEST_S = 1.0

# What a second attempt may mend: the service asks for one by 503, a broken connection by breaking.
_UNAVAILABLE = 503

_BROKEN = (aiohttp.ClientError, asyncio.TimeoutError, OSError, msgspec.MsgspecError)


@dataclass(frozen=True, slots=True)
class Load:
    """One run of load: who sends, for which accounts, under which prefix of keys."""

    client: Client
    run: str
    accounts: list[str]
    out: IO[bytes]
    _: KW_ONLY
    timeout_s: float
    is_retrying: bool

    async def send(self, arrivals: Iterable[Arrival], *, stopped: asyncio.Event) -> None:
        """Start every request at its time until `stopped`, then wait for the last answers."""
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            for after_s, number, kind in arrivals:
                due_s = began_s + after_s
                await asyncio.sleep(due_s - time.monotonic())
                if stopped.is_set():
                    break
                requests.create_task(self._request(kind, number, due_s))

    async def _request(self, kind: Kind, number: int, due_s: float) -> None:
        key = f"{self.run}-{kind[0]}{number}"
        account_no = self.accounts[number % len(self.accounts)]
        amount_fen = 100 + number % 9_900 if kind == "payment" else 0

        def attempt(*, afresh: bool) -> Awaitable[Answer]:
            if kind == "read":
                return self.client.read(account_no=account_no, afresh=afresh)
            return self.client.pay(
                account_no=account_no, amount_fen=amount_fen, key=key, afresh=afresh
            )

        sent_s, sent_unix_s = time.monotonic(), time.time()
        answer, attempts = await self._answer(attempt, give_up_s=sent_s + self.timeout_s)
        request = Request(
            kind=kind,
            key=key,
            account_no=account_no,
            amount_fen=amount_fen,
            due_s=due_s,
            sent_s=sent_s,
            sent_unix_s=sent_unix_s,
            done_s=time.monotonic(),
            attempts=attempts,
            status=answer.status,
            payment_no=answer.payment_no,
            error=answer.error,
            retry_after_s=answer.retry_after_s,
            net_fen=answer.net_fen,
        )
        self.out.write(msgspec.json.encode(request) + b"\n")

    async def _answer(
        self, attempt: Callable[..., Awaitable[Answer]], *, give_up_s: float
    ) -> tuple[Answer, int]:
        attempts_max = _ATTEMPTS_MAX if self.is_retrying else 1
        answer, has_broken = Answer(error="NeverSent"), False
        for attempts in range(1, attempts_max + 1):
            try:
                async with asyncio.timeout(give_up_s - time.monotonic()):
                    answer = await attempt(afresh=has_broken)
            except _BROKEN as error:
                answer, has_broken = Answer(error=error_class(error)), True
            if answer.status not in (None, _UNAVAILABLE) or time.monotonic() >= give_up_s:
                break
            if attempts < attempts_max:
                await asyncio.sleep(_pause_s(attempts))
        return answer, attempts


def _pause_s(attempts: int) -> float:
    longest = min(_PAUSE_LONGEST_S, _PAUSE_FIRST_S * 2.0 ** (attempts - 1))
    return longest * random.uniform(0.5, 1.0)  # jitter, not a secret
