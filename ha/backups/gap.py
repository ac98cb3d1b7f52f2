"""Gap: archives what a lost primary could not any more, from the replica that took its place."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from ha.backups.pgbackrest import Pgbackrest, PgbackrestFailed
from ha.statements import statement

_LOG = logging.getLogger("gap")

# A promotion takes a second; replaying what was received before it, some more.
PROMOTED_S = 120.0
ASK_EVERY_S = 1.0
# The archive may be away for hours; Patroni ends us when another host is to lead.
TRY_EVERY_S = 30.0

_SOCKET_FOLDER = "/run/evergrid/postgresql"
_PG_WAL = Path("/var/lib/evergrid/postgresql/data/pg_wal")
_DONE = ".done"
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_TIMELINE_DIGITS = 8


def missing(done: Iterable[str], *, present: Iterable[str], archived: Collection[str]) -> list[str]:
    """
    Return the segments a replica received whole that are not in the archive, oldest first.

    `done` are the marks in pg_wal/archive_status, `present` the files in pg_wal. A replica marks
    each segment it received as done: with `archive_mode = on` it leaves them to the primary, also
    those that the primary took with it. The segment in which a timeline ended is left out, too:
    it is marked, but it is not whole; its successor on the next timeline holds all that counts.
    Source: PostgreSQL 15, 27.2.9 "Continuous Archiving in Standby"; walreceiver.c.
    """
    segments = {name for name in present if _SEGMENT.fullmatch(name)}
    received = {name.removesuffix(_DONE) for name in done if name.endswith(_DONE)} & segments
    return sorted(
        segment
        for segment in received - set(archived)
        if not any(_ends_timeline_of(other, segment) for other in segments)
    )


def close(pg_wal: Path, pgbackrest: Pgbackrest) -> list[str]:
    """
    Archive every segment in `pg_wal` that is missing; return a sentence for each that could not be.

    :raises PgbackrestFailed: if the archive does not say what it has
    """
    done = [path.name for path in (pg_wal / "archive_status").iterdir()]
    present = [path.name for path in pg_wal.iterdir()]
    complaints = []
    for segment in missing(done, present=present, archived=pgbackrest.archived()):
        try:
            pgbackrest.archive(str(pg_wal / segment))
        except PgbackrestFailed as failure:
            complaints.append(f"WAL segment {segment} is missing from the archive: {failure}")
        else:
            _LOG.warning("archived WAL segment %s, which the lost primary had not", segment)
    return complaints


def _ends_timeline_of(other: str, segment: str) -> bool:
    """Test if `other` is of a later timeline that began at or before the place of `segment`."""
    timeline, place = segment[:_TIMELINE_DIGITS], segment[_TIMELINE_DIGITS:]
    return other[:_TIMELINE_DIGITS] > timeline and other[_TIMELINE_DIGITS:] <= place


def main(
    action: Annotated[str, typer.Argument(help="Patroni's three words.")],
    role: Annotated[str, typer.Argument()],
    scope: Annotated[str, typer.Argument()],
    stanza: Annotated[str, typer.Option()],
    port: Annotated[int, typer.Option(help="Of PostgreSQL.")],
) -> None:
    """Run as Patroni's callback: do something only on a host that became primary."""
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", stream=sys.stdout)
    if role != "primary":
        return
    if not _is_promoted(port):
        _LOG.error("%s of %s: PostgreSQL is not promoted after %g s", action, scope, PROMOTED_S)
        return
    while complaints := _complaints(Pgbackrest(stanza=stanza)):
        _LOG.error("%s; trying again in %g s", "; ".join(complaints), TRY_EVERY_S)
        time.sleep(TRY_EVERY_S)


def _complaints(pgbackrest: Pgbackrest) -> list[str]:
    """Close the gap as far as possible; return what stands in the way of the rest."""
    try:
        return close(_PG_WAL, pgbackrest)
    except PgbackrestFailed as failure:
        return [f"the archive cannot be read: {failure}"]


def _is_promoted(port: int) -> bool:
    """Wait until PostgreSQL is out of recovery: Patroni calls before; tell if it came to that."""
    deadline = time.monotonic() + PROMOTED_S
    psql = ["psql", "-XqAt", "-h", _SOCKET_FOLDER, "-p", str(port), "-d", "postgres", "-c"]
    while time.monotonic() < deadline:
        asked = [*psql, statement("is_in_recovery")]
        try:
            done = subprocess.run(
                asked, capture_output=True, text=True, timeout=ASK_EVERY_S, check=False
            )
        except subprocess.TimeoutExpired:
            continue
        if done.stdout.strip() == "f":
            return True
        time.sleep(ASK_EVERY_S)
    return False


if __name__ == "__main__":
    typer.run(main)
