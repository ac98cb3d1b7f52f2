"""PostgreSQL: what the warden asks its own server, with a limit on every wait."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import extensions

from ha.statements import statement
from ha.warden import patience
from ha.warden.facts import GOING_DOWN, Canary, Postgres

# What a wait that ran out is called where an SQLSTATE would stand.
SILENT = "silent"

_STATE = statement("warden_state")
_CANARY = statement("warden_canary")
_CANARY_LOCAL = statement("warden_canary_local")
_CANARY_TABLE = statement("warden_canary_table")
_NO_TABLE = frozenset({"42P01", "3F000"})
# Of a session that stood; a new one is refused without a code, in words (`lc_messages` is C).
_ENDED_BY_SHUTDOWN = "57P01"
_GOING_DOWN = "the database system is shutting down"


class PostgresSilent(psycopg2.OperationalError):
    """The server did not answer in time."""


def is_going_down(error: psycopg2.Error) -> bool:
    """Tell if the server said with `error` that it is about to end."""
    return error.pgcode == _ENDED_BY_SHUTDOWN or _GOING_DOWN in str(error)


class _Opening(threading.local):
    """By when the connection that this thread is opening must be there."""

    deadline_s = 0.0


_opening = _Opening()


class Connection(extensions.connection):
    """A connection whose every operation must be done by `deadline_s` (`time.monotonic`)."""

    deadline_s: float | None = None


def bound_every_wait() -> None:
    """
    Let every psycopg2 connection of this process give up at its deadline.

    libpq waits for ever on a server that is stopped; its own connect_timeout is two seconds at the
    least, and there is none for a query.
    """
    extensions.set_wait_callback(_wait)


class Watched:
    """One server, asked through its socket as the superuser."""

    def __init__(self, *, socket_folder: str, port: int, hosts: Mapping[str, str]) -> None:
        """`hosts` gives the name of each address, to say whose WAL is received."""
        self._dsn = f"host={socket_folder} port={port} user=postgres dbname=postgres"
        self._names = {address: name for name, address in hosts.items()}
        self._standing: Connection | None = None

    def state(self, before: Postgres | None, *, now_s: float) -> Postgres:
        """
        Return what the server says of itself, on the standing connection.

        When its stream of WAL was heard last is kept from `before` once that has ended.

        :raises psycopg2.Error: if it does not answer; the next call connects anew
        """
        try:
            if self._standing is None:
                self._standing = self.connect(within_s=patience.POSTGRES_ANSWER_S)
            self._standing.deadline_s = time.monotonic() + patience.POSTGRES_ANSWER_S
            with self._standing.cursor() as cursor:
                cursor.execute(_STATE)
                row = cursor.fetchone()
        except psycopg2.Error:
            self.forget()
            raise
        assert row is not None, "an aggregate without GROUP BY"
        return self._parsed(row, before, now_s=now_s)

    def forget(self) -> None:
        """Close the standing connection: the server it led to is gone."""
        if self._standing is not None:
            self._standing.close()
            self._standing = None

    def write_canary(self, host: str, before: Canary | None, *, clock_s: float) -> Canary:
        """
        Write one row on a new connection; return how that went.

        It is committed on this host's disk alone: a commit that waits for replicas is the
        business's own affair, and says nothing about this server. Nothing else relies on the row.
        """
        began_s = time.monotonic()
        try:
            self._write(host)
        except psycopg2.Error as error:
            if is_going_down(error):
                return Canary(tried_s=clock_s, worked_s=float("-inf"), error=GOING_DOWN)
            worked_s = before.worked_s if before else float("-inf")
            word = SILENT if isinstance(error, PostgresSilent) else error.pgcode or "refused"
            return Canary(tried_s=clock_s, worked_s=worked_s, error=word)
        done_s = clock_s + time.monotonic() - began_s
        return Canary(tried_s=clock_s, worked_s=done_s)

    def ask(self, sql: str, *parameters: object, within_s: float) -> list[tuple[Any, ...]]:
        """
        Return the rows of one statement on a connection of its own.

        :raises psycopg2.Error: if there is no answer in time
        """
        connection = self.connect(within_s=within_s)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def connect(self, *, within_s: float) -> Connection:
        """
        Open a connection that must be done with everything within a time.

        :raises psycopg2.OperationalError: if the server does not take it
        """
        _opening.deadline_s = time.monotonic() + within_s
        connection: Connection = psycopg2.connect(self._dsn, connection_factory=Connection)
        connection.deadline_s = _opening.deadline_s
        connection.autocommit = True
        return connection

    def _write(self, host: str) -> None:
        connection = self.connect(within_s=patience.CANARY_ANSWER_S)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_CANARY_LOCAL)
                try:
                    cursor.execute(_CANARY, (host,))
                except psycopg2.Error as error:
                    if error.pgcode not in _NO_TABLE:
                        raise
                    cursor.execute(_CANARY_TABLE)
                    cursor.execute(_CANARY, (host,))
        finally:
            connection.close()

    def _parsed(self, row: tuple[Any, ...], before: Postgres | None, *, now_s: float) -> Postgres:
        is_in_recovery, lsn, timeline, sender, has_received, silent_s, behind_s = row
        if silent_s is not None:
            heard_s = now_s - float(silent_s)
        else:
            heard_s = before.heard_s if before else float("-inf")
        return Postgres(
            seen_s=now_s,
            is_in_recovery=is_in_recovery,
            timeline=timeline,
            lsn=int(lsn),
            streams_from=self._names.get(sender, sender),
            has_received=has_received,
            heard_s=heard_s,
            behind_s=float(behind_s or 0),
        )


def _wait(connection: Connection) -> None:
    """
    Run libpq's state machine until the operation is done.

    :raises PostgresSilent: if the deadline passes first; psycopg2 then closes the connection
    """
    deadline_s = connection.deadline_s or _opening.deadline_s
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        is_read = state == extensions.POLL_READ
        poll.register(connection.fileno(), select.POLLIN if is_read else select.POLLOUT)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise PostgresSilent("no answer before the deadline")
