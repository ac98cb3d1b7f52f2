"""Statements of a read that says where the server stood when it answered."""

from __future__ import annotations

from collections.abc import Callable

from service.domain.consistency import Position
from service.store import positions, queries
from service.store.connection import Connection
from service.store.positions import Told
from service.store.queries import Statement
from service.store.transaction import Row, Transaction

# Returns the position that everything seen so far lies before, or raises what ends the read.
Judge = Callable[[Told], Position]


class Reading(Transaction):
    """
    A read whose every statement is a transaction of its own, asked together with the position.

    `judge` is told the position before the rows are handed out: what it refuses, nobody sees.

    :param demanded_lsn: the server must have replayed this before the first statement begins
    """

    def __init__(
        self,
        connection: Connection,
        *,
        scope: str,
        judge: Judge,
        demanded_lsn: int | None = None,
    ) -> None:
        super().__init__(connection, scope=scope, is_read=True)
        self._judge = judge
        if demanded_lsn is not None:
            self._demand(demanded_lsn)

    def one(self, statement: Statement, **parameters: object) -> Row | None:
        """Return the only row, or None."""
        rows = self.all(statement, **parameters)
        return rows[0] if rows else None

    def all(self, statement: Statement, **parameters: object) -> list[Row]:
        """Return every row."""
        self._send(queries.telling(statement), parameters)
        rows = self._cursor.fetchall()
        # Nothing found is something seen as well; only then the position costs a round trip.
        text = rows[0][0] if rows else ask(self._connection)
        self.position = self._judge(positions.told(text))
        return [row[1:] for row in rows]

    def _demand(self, lsn: int) -> None:
        self._prepare(positions.DEMAND)
        wanted = {"lsn": positions.lsn_text(lsn)}
        asked = self._cursor.mogrify(positions.DEMAND.execute, wanted)
        self._prefix = asked + b"; " + self._prefix


def ask(connection: Connection) -> str:
    """Return what the server says of itself now."""
    return str(answer_to(connection, positions.POSITION))


def answer_to(connection: Connection, statement: Statement, **parameters: object) -> object:
    """Return the one value that a statement outside of any transaction answers."""
    with connection.cursor() as cursor:
        if statement.name not in connection.prepared:
            cursor.execute(statement.prepare)
            connection.prepared.add(statement.name)
        cursor.execute(statement.execute, parameters)
        row = cursor.fetchone()
    assert row is not None, "a function has one value"
    return row[0]
