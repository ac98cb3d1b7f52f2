"""`python -m tests.fuzz`: send as many cases as asked for, on several cores; say what broke."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from service.store.database import Database
from tests import conftest
from tests.fuzz import processes, worlds
from tests.fuzz.runs import Tally
from tests.integration import issuers

_CHUNK = 1_000  # Seconds of work: often enough to see it going, seldom enough to cost nothing.
_console = Console(stderr=True)


def main() -> int:
    """Run; return 1 if anything broke."""
    asked = _arguments()
    numbers = range(asked.first, asked.first + asked.cases)
    total, began = Tally(), time.monotonic()
    with (
        _world() as (dsn, world),
        ProcessPoolExecutor(
            asked.processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=partial(processes.begin, dsn, world, asked.seed),
        ) as pool,
    ):
        for tally in pool.map(processes.run, _chunks(numbers)):
            total.add(tally)
            seconds, broken = time.monotonic() - began, total.faults.total()
            said = f"{total.cases} cases in {seconds:.0f} s, {broken} broke something"
            _console.print(said, end="\r")
    _report(total)
    return 1 if total.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same cases")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _chunks(numbers: range) -> list[range]:
    return [numbers[n : n + _CHUNK] for n in range(0, len(numbers), _CHUNK)]


@contextmanager
def _world() -> Iterator[tuple[str, worlds.World]]:
    """Make a world in a database of its own; give the database's address with it."""
    with conftest.running() as server, issuers.running() as issuer:
        conftest.fill(server)
        databases = {
            role: Database(dsn=server.dsn(f"evergrid_{role}"), connections_max=2)
            for role in ("api", "worker", "owner")
        }
        means = worlds.Means(
            server=server,
            database=databases["api"],
            worker_database=databases["worker"],
            owner_database=databases["owner"],
            caller=conftest.Callers(server),
            once=conftest.make_once,
            now=conftest.NOW,
        )
        world = worlds.made(means, issuer)
        for database in databases.values():
            database.close()
        yield server.dsn("evergrid_api"), world


def _report(total: Tally) -> None:
    """Say what came of each operation, then what broke."""
    _console.print()
    by_operation: dict[str, list[str]] = {}
    for (operation, status), count in sorted(total.statuses.items()):
        by_operation.setdefault(operation, []).append(f"{status}: {count}")
    for operation, counts in by_operation.items():
        sys.stdout.write(f"{operation:45} {', '.join(counts)}\n")
    for fault, count in total.faults.most_common():
        sys.stdout.write(f"{count} × {fault}\n")
    sys.stdout.write("\n\n".join(total.shown) + "\n")


if __name__ == "__main__":
    sys.exit(main())
