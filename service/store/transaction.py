"""Statements inside one transaction, sent with as few round trips as they need."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2 import extensions

from service.domain.consistency import Position
from service.store import positions
from service.store.connection import Connection
from service.store.queries import Statement

Row = tuple[Any, ...]
_SCOPE = re.compile(r"\*|[0-9]{1,2}")


class Transaction:
    """
    What a store function runs its statements on.

    BEGIN and the bureau's fence (row-level security reads `evergrid.bureau`) travel in front of the
    first statement, in the same message: two round trips less than sending them alone. So does what
    prepares a statement, before everything else: what fails later does not undo it. With
    `is_read` each statement is a transaction of its own and carries the fence itself. With
    `is_telling`, `position` is where the WAL stood after the commit.
    """

    def __init__(
        self, connection: Connection, *, scope: str, is_read: bool, is_telling: bool = False
    ) -> None:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"{scope!r} is neither '*' nor a bureau")
        fence = f"SET LOCAL evergrid.bureau = '{scope}'; ".encode()
        self._connection = connection
        self._cursor: extensions.cursor = connection.cursor()
        self._is_read = is_read
        self._is_telling = is_telling
        self._prefix = fence if is_read else b"BEGIN; " + fence
        self._prefix_later = fence if is_read else b""
        self._preparing = b""
        self._conflicts: dict[str, Exception] = {}
        self.has_begun = False
        self.position: Position | None = None

    def one(self, statement: Statement, **parameters: object) -> Row | None:
        """Return the only row, or None."""
        self._send(statement, parameters)
        return self._cursor.fetchone()

    def all(self, statement: Statement, **parameters: object) -> list[Row]:
        """Return every row."""
        self._send(statement, parameters)
        return self._cursor.fetchall()

    def run(self, statement: Statement, **parameters: object) -> int:
        """Return how many rows were written."""
        self._send(statement, parameters)
        return self._cursor.rowcount

    def copy(self, table: str, columns: tuple[str, ...], lines: Iterable[str]) -> None:
        """Write many rows by COPY, in its text format. Not under gevent: psycopg2 cannot."""
        if not self.has_begun:
            self._cursor.execute(self._begin())
        file = io.StringIO("".join(lines))
        self._cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", file)

    def later(self, statement: Statement, **parameters: object) -> None:
        """Send a statement whose rows nobody reads with the next one, in the same message."""
        asked = self._cursor.mogrify(statement.execute, parameters)
        self._prepare(statement)
        self._prefix = self._begin() + asked + b"; "

    def on_conflict(self, named: str, refusal: Exception) -> None:
        """
        Raise `refusal` where a constraint is broken, now or by the commit.

        :param named: a part of its name that tells it from others: the columns of a unique one,
            `channel_serial`, or all of it
        """
        self._conflicts[named] = refusal

    def vouch(self) -> None:
        """
        Write WAL, so that this commit waits for a standby even if nothing else was written.

        Whoever repeats an answer needs it: the first commit of that answer may have reached one
        host's disk only.
        """
        self._execute(b"SELECT pg_logical_emit_message(true, 'evergrid.vouch', '')")

    def commit(self) -> bool:
        """
        Commit; return False if there was an error before, after which a server only rolls back.

        Where the WAL stands is asked in the same message. That hides the answer to the COMMIT, but
        it can only have been one: the transaction is sound before, and an error is raised.
        """
        if not self.has_begun:
            return True
        if self._connection.get_transaction_status() == extensions.TRANSACTION_STATUS_INERROR:
            return False
        if not self._is_telling:
            self._execute(b"COMMIT")
            return True
        self._prepare(positions.POSITION)
        asked = positions.POSITION.execute.encode()
        self._execute(b"COMMIT; " + asked)
        row = self._cursor.fetchone()
        assert row is not None, "a function has one value"
        self.position = positions.primary_position(row[0])
        return True

    def rollback(self) -> None:
        """Undo everything."""
        if self.has_begun:
            self._cursor.execute("ROLLBACK")

    def _begin(self) -> bytes:
        """Return what must be sent in front of the next statement."""
        prefix, self._prefix = self._prefix, self._prefix_later
        self.has_begun = not self._is_read
        return prefix

    def _prepare(self, statement: Statement) -> None:
        if statement.name not in self._connection.prepared:
            self._preparing += statement.prepare.encode() + b"; "
            self._connection.prepared.add(statement.name)

    def _send(self, statement: Statement, parameters: dict[str, object]) -> None:
        # The values go in here, not in `execute`: what was queued before may hold a '%' of its own.
        asked = self._cursor.mogrify(statement.execute, parameters)
        self._prepare(statement)
        self._execute(asked)

    def _execute(self, asked: bytes) -> None:
        """Send all that was queued, then `asked`, in one message."""
        preparing, self._preparing = self._preparing, b""
        try:
            self._cursor.execute(preparing + self._begin() + asked)
        except (psycopg2.ProgrammingError, psycopg2.OperationalError):
            # It may be what could not be prepared, for a lock in the way, or at all.
            self._connection.is_doubtful = self._connection.is_doubtful or bool(preparing)
            raise
        except (psycopg2.errors.UniqueViolation, psycopg2.errors.CheckViolation) as error:
            broken = error.diag.constraint_name or ""
            for named, refusal in self._conflicts.items():
                if named in broken:
                    raise refusal from error
            raise
