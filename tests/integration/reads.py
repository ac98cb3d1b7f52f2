"""Sessions on real replicas, with what tests must know of where a read was answered."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.domain.consistency import Position
from service.store import queries
from service.store.database import Database
from service.store.metrics import READS
from service.store.positions import lsn_of
from service.store.sessions import Session

NOTE = queries.statement("test", "note", "INSERT INTO public.note (text) VALUES (%(text)s)")
NOTES = queries.statement("test", "notes", "SELECT text FROM public.note ORDER BY text")
IN_RECOVERY = queries.statement("test", "in_recovery", "SELECT pg_is_in_recovery()")
MAKE_NOTES = """
DROP TABLE IF EXISTS public.note; CREATE TABLE public.note (text text PRIMARY KEY);
GRANT ALL ON public.note TO evergrid_api
"""


def soon(s: float = 20.0) -> float:
    return time.monotonic() + s


@contextmanager
def running(server: type, **options: Any) -> Iterator[Any]:
    """A server of its own, thrown away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="evergrid-test-"))
    made = server(folder, **options)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def database(primary: Any, replica: Any, *, connections_max: int = 4) -> Database:
    """The database as the API reaches it, with one replica; either may be a port."""
    return Database(
        dsn=_dsn(primary),
        replica_dsn=_dsn(replica) + " options='-c default_transaction_read_only=on'",
        connections_max=connections_max,
    )


def _dsn(where: Any) -> str:
    port = where if isinstance(where, int) else where.port
    return f"host=127.0.0.1 port={port} user=evergrid_api dbname=evergrid connect_timeout=5"


def write(at: Database, text: str) -> Position:
    """Write a note; return the token of the answer."""
    session = Session(at)
    session.transaction(lambda t: t.run(NOTE, text=text), scope="1", deadline=soon())
    assert session.seen is not None
    return session.seen


def notes(
    at: Database, *, after: Position | None = None, deadline: float | None = None
) -> tuple[list[str], Position]:
    """Read the notes; return them with the token of the answer."""
    session = Session(at, after=after)
    rows = session.read(lambda t: t.all(NOTES), scope="1", deadline=deadline or soon())
    assert session.seen is not None
    return [row[0] for row in rows], session.seen


def answered(read: Callable[[], Any]) -> tuple[Any, tuple[str, str]]:
    """Return what `read` returns, with what answered it and why."""
    before = _counts()
    result = read()
    found = [labels for labels, count in _counts().items() if count > before.get(labels, 0)]
    assert len(found) == 1, found
    return result, found[0]


def _counts() -> dict[tuple[str, str], float]:
    [family] = READS.collect()
    return {
        (sample.labels["answered_by"], sample.labels["reason"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def until(is_so: Callable[[], Any], *, within_s: float = 20.0) -> None:
    """Wait for a condition."""
    deadline = soon(within_s)
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def replayed(server: Any) -> int:
    """Where a replica stands."""
    return lsn_of(server.superuser("SELECT pg_last_wal_replay_lsn()")[0][0])


def catches_up(replica: Any, primary: Any) -> None:
    """Wait until a replica has all that its primary has flushed."""
    flushed = lsn_of(primary.superuser("SELECT pg_current_wal_flush_lsn()")[0][0])
    until(lambda: replayed(replica) >= flushed)
