"""The observer of a drill: it looks at every database host, several times a second."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import IO, Annotated

import aiohttp
import msgspec
import typer

from failover_tests import budgets
from failover_tests.samples import Sample, judged
from ha.identity import Identity

_UNREADABLE = (aiohttp.ClientError, asyncio.TimeoutError, OSError, msgspec.MsgspecError)


# A plain traceback: its last line is what the drill shows.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    urls: Annotated[list[str], typer.Argument(help="db1=https://10.77.0.31:8008 …")],
    identity: Annotated[Path, typer.Option(help="The folder with the certificate to show.")],
    out: Annotated[Path, typer.Option(help="Where to write one JSON line a look.")],
    seconds: Annotated[float, typer.Option(min=1)],
) -> None:
    """Look at each host until SIGTERM, or for at most SECONDS."""
    hosts = dict(url.split("=", 1) for url in urls)
    shown = Identity(identity)

    async def observe() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        timeout = aiohttp.ClientTimeout(total=budgets.SAMPLE_TIMEOUT_S)
        with out.open("wb", buffering=0) as file:
            async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.timeout(seconds):
                looks = (partial(_look, session, shown, host, url) for host, url in hosts.items())
                await asyncio.gather(*(_watch(look, file, stopped) for look in looks))

    asyncio.run(observe())


async def _watch(
    look: Callable[[float], Awaitable[Sample]], out: IO[bytes], stopped: asyncio.Event
) -> None:
    """Look at one host by itself: a dead one, slow to say nothing, does not delay the others."""
    while not stopped.is_set():
        asked_s = time.monotonic()
        sample = await look(asked_s)
        out.write(msgspec.json.encode(sample) + b"\n")
        rest_s = asked_s + budgets.SAMPLE_EVERY_S - time.monotonic()
        if rest_s > 0:
            try:
                async with asyncio.timeout(rest_s):
                    await stopped.wait()
            except TimeoutError:
                continue


async def _look(
    session: aiohttp.ClientSession, shown: Identity, host: str, url: str, asked_s: float
) -> Sample:
    try:
        async with session.get(f"{url}/patroni", ssl=shown.calling()) as response:
            status = await response.read()
        return judged(host, status, asked_s=asked_s, seen_s=time.monotonic())
    except _UNREADABLE as error:
        seen_s = time.monotonic()
        return Sample(host=host, asked_s=asked_s, seen_s=seen_s, error=type(error).__name__)


if __name__ == "__main__":
    app()
