"""The command line of the load client; a drill starts it inside the clients' namespace."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from failover_tests import budgets
from failover_tests.workload.arrivals import planned
from failover_tests.workload.clients import connected
from failover_tests.workload.load import Load
from failover_tests.workload.precedence import take_precedence

# Files beside the connections: the interpreter's own, with room to spare.
_OTHER_FILES = 200

# Halls, banks, seats of the call centre keep their connection. A crowd that opened its own as it
# comes would have this machine do the clients' half of hundreds of handshakes, a host just lost.
# (1,000 of them took a quarter of the processors for eight seconds before each fault.)
_SEATS = 400

# Enough that two payments seldom wait for the same account's lock.
_ACCOUNTS_MAX = 1_000


# A plain traceback: its last line is what the drill shows.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(  # a command line is a list of its options
    *,
    endpoint: Annotated[str, typer.Option(help="The service, e.g. https://10.77.0.100")],
    authority: Annotated[Path, typer.Option(help="The certificate by which it is known.")],
    history: Annotated[Path, typer.Option(help="Where to write one JSON line a request.")],
    run: Annotated[str, typer.Option(help="Prefix of every key of this run.")],
    seconds: Annotated[float, typer.Option(min=1)] = 60.0,
    payments_per_s: Annotated[float, typer.Option(min=0.1)] = budgets.PAYMENTS_PER_S,
    reads_per_s: Annotated[float, typer.Option(min=0.1)] = budgets.READS_PER_S,
    timeout_s: Annotated[float, typer.Option(min=0.1)] = budgets.CLIENT_TIMEOUT_S,
    retry: Annotated[
        bool, typer.Option(help="Retry with the same key, as clients should.")
    ] = False,
) -> None:
    """
    Send payments and reads at fixed times until SIGTERM, or for at most SECONDS.

    The tokens come as a JSON object {role: token} on standard input, never as an argument that
    other users of the machine could read.
    """
    take_precedence()
    tokens = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, str])
    _allow_open_files(int((payments_per_s + reads_per_s) * timeout_s) + _OTHER_FILES)

    arrivals = planned(payments_per_s=payments_per_s, reads_per_s=reads_per_s, seconds=seconds)

    async def send() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        async with connected(endpoint=endpoint, authority=authority, tokens=tokens) as client:
            async with asyncio.timeout(timeout_s):
                accounts = await client.account_numbers(at_most=_ACCOUNTS_MAX)
                await client.open_connections(_SEATS)
            # Unbuffered: the drill reads along to see what clients see.
            with history.open("wb", buffering=0) as out:
                load = Load(client, run, accounts, out, timeout_s=timeout_s, is_retrying=retry)
                await load.send(arrivals, stopped=stopped)

    asyncio.run(send())


def _allow_open_files(wanted: int) -> None:
    """Make room for a connection per unanswered request: all that fall due within one timeout."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"{wanted} open files are needed, the limit is {hard}: raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    app()
