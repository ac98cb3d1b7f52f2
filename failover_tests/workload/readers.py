"""The command line of the session readers; a drill starts it inside the clients' namespace."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from failover_tests import budgets
from failover_tests.workload.clients import connected
from failover_tests.workload.precedence import take_precedence
from failover_tests.workload.sessions import ACCOUNTS_EACH, Record, Session
from failover_tests.workload.wire import Wire

_HTTPS = 443

# A plain traceback: its last line is what the drill shows.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(  # a command line is a list of its options
    *,
    endpoint: Annotated[str, typer.Option(help="The service, e.g. https://10.77.0.100")],
    authority: Annotated[Path, typer.Option(help="The certificate by which it is known.")],
    views: Annotated[Path, typer.Option(help="Where to write one JSON line an answer.")],
    history: Annotated[Path, typer.Option(help="Where to write one JSON line a request.")],
    run: Annotated[str, typer.Option(help="Prefix of every key of this run.")],
    seconds: Annotated[float, typer.Option(min=1)] = 60.0,
    sessions: Annotated[int, typer.Option(min=1)] = budgets.SESSIONS,
    readers: Annotated[int, typer.Option(min=1, help="Of each session.")] = budgets.READERS_EACH,
) -> None:
    """
    Pay and read as several sessions until SIGTERM, or for at most SECONDS.

    The tokens come as a JSON object {role: token} on standard input, never as an argument that
    other users of the machine could read.
    """
    take_precedence()
    roles = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, str])

    async def go() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        loop.call_later(seconds, stopped.set)
        async with connected(endpoint=endpoint, authority=authority, tokens=roles) as client:
            accounts = await client.account_numbers(at_most=sessions * ACCOUNTS_EACH)
        with views.open("wb", buffering=0) as seen, history.open("wb", buffering=0) as kept:
            record = Record(run=run, views=seen, history=kept)
            async with asyncio.TaskGroup() as tasks:
                for session in _sessions(sessions, accounts=accounts, roles=roles, record=record):
                    tasks.create_task(session.pay(_wire(endpoint, authority), stopped))
                    for _ in range(readers):
                        tasks.create_task(session.look(_wire(endpoint, authority), stopped))

    asyncio.run(go())


def _sessions(
    count: int, *, accounts: list[str], roles: dict[str, str], record: Record
) -> Iterator[Session]:
    """Yield `count` sessions, each with accounts of its own to pay for."""
    for number in range(count):
        yield Session(
            number,
            accounts=accounts[number * ACCOUNTS_EACH : (number + 1) * ACCOUNTS_EACH],
            others=accounts,
            roles=roles,
            record=record,
            timeout_s=budgets.CLIENT_TIMEOUT_S,
        )


def _wire(endpoint: str, authority: Path) -> Wire:
    where = urlsplit(endpoint)
    context = ssl.create_default_context(cafile=authority)
    return Wire(where.hostname or "", where.port or _HTTPS, context=context)


if __name__ == "__main__":
    app()
