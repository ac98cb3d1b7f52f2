"""Gap: archives what a lost primary could not any more, from the replica that took its place."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ha.backups.pgbackrest import Pgbackrest, PgbackrestFailed

_LOG = logging.getLogger("gap")

_PG_WAL = Path("/var/lib/evergrid/postgresql/data/pg_wal")
_DONE = ".done"
_DIGITS = 24


def missing(done: Iterable[str], *, archived: set[str]) -> list[str]:
    """
    Return the segments a replica received whole that are not in the archive, oldest first.

    A replica marks each segment it received as done: with `archive_mode = on` it leaves them to
    the primary, also those that the primary took with it.
    Source: PostgreSQL 15, 27.2.9 "Continuous Archiving in Standby".
    """
    names = {name.removesuffix(_DONE) for name in done if name.endswith(_DONE)}
    segments = {name for name in names if len(name) == _DIGITS and "." not in name}
    return sorted(segments - archived)


def close(pg_wal: Path, pgbackrest: Pgbackrest) -> None:
    """Archive every segment in `pg_wal` that is missing; what cannot be is said in the log."""
    archived = pgbackrest.archived()
    names = (path.name for path in (pg_wal / "archive_status").iterdir())
    for segment in missing(names, archived=archived):
        try:
            pgbackrest.archive(str(pg_wal / segment))
        except PgbackrestFailed as failure:
            _LOG.error("WAL segment %s stays missing from the archive: %s", segment, failure)
        else:
            _LOG.warning("archived WAL segment %s, which the lost primary had not", segment)


def main(
    action: Annotated[str, typer.Argument(help="Patroni's three words.")],
    role: Annotated[str, typer.Argument()],
    scope: Annotated[str, typer.Argument()],
    stanza: Annotated[str, typer.Option()],
) -> None:
    """Run as Patroni's callback: do something only on a host that became primary."""
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", stream=sys.stdout)
    if role != "primary":
        return
    try:
        close(_PG_WAL, Pgbackrest(stanza=stanza))
    except PgbackrestFailed as failure:
        _LOG.error("%s of %s: the archive cannot be read: %s", action, scope, failure)


if __name__ == "__main__":
    typer.run(main)
