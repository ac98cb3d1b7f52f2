"""
The observer of a drill: it looks at every database host, several times a second.

Patroni is asked from the clients' network, where the observer runs: what it sees is what a client
could. The warden is asked from its host's own network, so that a host that is cut off from
everybody is heard too: whether it believes that it takes writes is what matters then.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Annotated

import aiohttp
import msgspec
import typer

from failover_tests import budgets, samples
from failover_tests.samples import Sample
from ha.identity import Identity

# The kernel's word for "a network namespace" (setns(2)).
_CLONE_NEWNET = 0x40000000

_UNREADABLE = (aiohttp.ClientError, asyncio.TimeoutError, OSError, msgspec.MsgspecError)


# A plain traceback: its last line is what the drill shows.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Watched:
    """
    What one host is asked `every_s`; `judged` makes a sample of each answer, which goes to `out`.

    `shown` is the certificate, which may be renewed meanwhile.
    """

    host: str
    url: str
    session: aiohttp.ClientSession
    shown: Identity
    judged: Callable[..., Sample]
    out: IO[bytes]
    every_s: float


@app.command()
def main(
    urls: Annotated[list[str], typer.Argument(help="db1=https://10.77.0.31:8008/patroni …")],
    identity: Annotated[Path, typer.Option(help="The folder with the certificate to show.")],
    out: Annotated[Path, typer.Option(help="Where to write one JSON line a look.")],
    wardens_out: Annotated[Path, typer.Option(help="The same for what wardens answer.")],
    seconds: Annotated[float, typer.Option(min=1)],
    warden: Annotated[
        list[str], typer.Option(help="db1=/run/netns/…=https://10.77.0.31:8009/status")
    ],
) -> None:
    """Look at each host until SIGTERM, or for at most SECONDS."""
    shown = Identity(identity)

    async def observe() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        with out.open("wb", buffering=0) as file, wardens_out.open("wb", buffering=0) as answers:
            async with AsyncExitStack() as sessions, asyncio.timeout(seconds):
                watched = []
                for host, url in (each.split("=", 1) for each in urls):
                    session = await sessions.enter_async_context(session_in())
                    judged, every_s = samples.judged, budgets.SAMPLE_EVERY_S
                    watched.append(Watched(host, url, session, shown, judged, file, every_s))
                for host, network, url in (each.split("=", 2) for each in warden):
                    session = await sessions.enter_async_context(session_in(Path(network)))
                    judged, every_s = samples.judged_by_warden, budgets.WARDEN_SAMPLE_EVERY_S
                    watched.append(Watched(host, url, session, shown, judged, answers, every_s))
                await asyncio.gather(*(_watch(each, stopped) for each in watched))

    asyncio.run(observe())


def session_in(network: Path | None = None) -> aiohttp.ClientSession:
    """Return a session whose connections are made in a network; None: in the observer's own."""
    made_by = partial(_socket_in, network) if network else None
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=budgets.SAMPLE_TIMEOUT_S),
        connector=aiohttp.TCPConnector(socket_factory=made_by),
    )


def _socket_in(network: Path, address: aiohttp.AddrInfoType) -> socket.socket:
    """
    Return a socket in a network: a socket stays in the one its thread is in when it is made.

    :raises OSError: if the kernel lets nobody in
    """
    with Path("/proc/thread-self/ns/net").open("rb") as own, network.open("rb") as other:
        _enter(other.fileno(), network)
        try:
            made = socket.socket(*address[:3])
        finally:
            _enter(own.fileno(), network)
    made.settimeout(0)  # the loop waits
    return made


def _enter(descriptor: int, network: Path) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(network))


async def _watch(watched: Watched, stopped: asyncio.Event) -> None:
    """Look at one host by itself: a dead one, slow to say nothing, does not delay the others."""
    while not stopped.is_set():
        asked_s = time.monotonic()
        sample = await look(watched, asked_s)
        watched.out.write(msgspec.json.encode(sample) + b"\n")
        rest_s = asked_s + watched.every_s - time.monotonic()
        if rest_s > 0:
            try:
                async with asyncio.timeout(rest_s):
                    await stopped.wait()
            except TimeoutError:
                continue


async def look(watched: Watched, asked_s: float) -> Sample:
    """Return what the host answers, or that it does not in time."""
    try:
        async with watched.session.get(watched.url, ssl=watched.shown.calling()) as response:
            answer = await response.read()
        return watched.judged(watched.host, answer, asked_s=asked_s, seen_s=time.monotonic())
    except _UNREADABLE as error:
        seen_s, name = time.monotonic(), type(error).__name__
        return Sample(host=watched.host, asked_s=asked_s, seen_s=seen_s, error=name)


if __name__ == "__main__":
    app()
