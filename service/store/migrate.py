"""Schema changes: numbered SQL files, applied once, in order, one transaction each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from psycopg2 import errors, extensions

from service.store.connection import on_primary

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z0-9_]+\.sql")
_LOCK = 7_316_000  # One migrator at a time, on any host.
# A migration that cannot have its locks at once would queue every client behind it; it gives up
# and is tried again by whoever runs it.
_LIMITS = "SET LOCAL lock_timeout = '4s'; SET LOCAL statement_timeout = '60s'"
_DEADLOCKS_MAX = 5
_LEDGER = """
CREATE TABLE IF NOT EXISTS public.schema_migration (
    name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""
# Partitions of what is written by date: two years back, because history is migrated, a year ahead.
# Idempotency keys have no history, and a key is looked for in every partition that may hold it.
_PARTITIONS = """
SELECT evergrid.make_partitions(c.oid, (now() - make_interval(months => back))::date, back + 12)
  FROM pg_catalog.pg_partitioned_table AS p
  JOIN pg_catalog.pg_class AS c ON c.oid = p.partrelid,
       LATERAL (SELECT CASE c.relname WHEN 'idempotency_key' THEN 1 ELSE 24 END) AS history (back)
 WHERE c.relnamespace = 'evergrid'::regnamespace
"""


class MigrationRefused(Exception):
    """The database or the folder is not in a state that may be migrated."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `pre` runs before the new code is rolled out, `post` after the old code is gone."""

    name: str
    phase: str
    sql: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the file, to notice an edit after it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def in_order(folder: Path = _FOLDER) -> list[Migration]:
    """
    Return every migration of `folder`, by number.

    :raises MigrationRefused: if the numbers do not run 1, 2, 3 without a gap
    """
    found = []
    for expected, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match["number"]) != expected:
            raise MigrationRefused(f"{path.name}: expected {expected:04}_pre_* or _post_*")
        found.append(Migration(path.name, match["phase"], path.read_text(encoding="utf-8")))
    return found


def migrate(*, dsn: str, migrations: list[Migration], phases: frozenset[str]) -> list[str]:
    """
    Apply what is not yet applied, stopping before the first file of another phase.

    Returns the names of the files applied by this call, in order.
    :raises MigrationRefused: if the server is a replica, or an applied file was edited since, or
        what is to be applied stands behind a file that is not
    """
    applied: list[str] = []
    on_primary(dsn, partial(_migrate, migrations, phases, applied))
    return applied


def _migrate(
    migrations: list[Migration],
    phases: frozenset[str],
    applied: list[str],
    connection: extensions.connection,
) -> None:
    known = _known(connection)
    for at, migration in enumerate(migrations):
        if migration.name in known:
            _refuse_edited(migration, known[migration.name])
        elif migration.phase not in phases:
            _refuse_behind(migration, [each for each in migrations[at:] if each.phase == "pre"])
            break
        else:
            _until_no_deadlock(connection, partial(_apply, connection, migration))
            applied.append(migration.name)
    _until_no_deadlock(connection, partial(_make_partitions, connection))


def _refuse_behind(waiting: Migration, later: list[Migration]) -> None:
    """
    Refuse to leave out what the new code needs: an earlier upgrade was not finished.

    :raises MigrationRefused: if anything of a `pre` phase stands behind `waiting`, a `post`
    """
    if waiting.phase == "post" and later:
        raise MigrationRefused(
            f"{later[0].name} stands behind {waiting.name}, which is not applied: finish the "
            "upgrade to the release that brought it (`migrate --phase post`), or, where nothing "
            "runs yet, apply all"
        )


def _until_no_deadlock(connection: extensions.connection, step: Callable[[], None]) -> None:
    """
    Take one step, each in a transaction of its own, again if it was the victim of a deadlock.

    A worker that runs meanwhile makes partitions of the same tables.
    """
    for _ in range(_DEADLOCKS_MAX):
        try:
            return step()
        except errors.DeadlockDetected:
            connection.rollback()
    return step()


def _known(connection: extensions.connection) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if cursor.fetchone() == (True,):
            raise MigrationRefused("this server is a replica; migrate on the primary")
        cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        cursor.execute(_LEDGER)
        cursor.execute("SELECT name, sha256 FROM public.schema_migration")
        known: dict[str, str] = dict(cursor.fetchall())
    connection.commit()
    return known


def _refuse_edited(migration: Migration, sha256: str) -> None:
    if sha256 != migration.sha256:
        raise MigrationRefused(f"{migration.name} was edited after it was applied")


def _apply(connection: extensions.connection, migration: Migration) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS)
        cursor.execute(migration.sql)
        cursor.execute(
            "INSERT INTO public.schema_migration (name, sha256) VALUES (%s, %s)",
            (migration.name, migration.sha256),
        )
    connection.commit()


def _make_partitions(connection: extensions.connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('evergrid.make_partitions(regclass,date,integer)')")
        if cursor.fetchone() != (None,):
            cursor.execute(_LIMITS)
            cursor.execute(_PARTITIONS)
    connection.commit()
