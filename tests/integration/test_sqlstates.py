"""Errors that a real PostgreSQL gives under codes that say little: which are worth another try."""

from __future__ import annotations

import time

import psycopg2
import pytest

from service.store import queries
from service.store.database import Database
from service.store.sqlstates import Verdict, verdict
from tests.integration import reads


@pytest.fixture(scope="module")
def server(server):
    """A server of its own: a table of it is damaged."""
    with reads.running(type(server)) as own:
        own.superuser("CREATE ROLE evergrid_api LOGIN", "postgres")
        own.superuser("CREATE DATABASE evergrid", "postgres")
        own.superuser(
            "CREATE TABLE public.note (text text PRIMARY KEY, number int);"
            "INSERT INTO public.note VALUES ('one', 1); GRANT ALL ON public.note TO PUBLIC"
        )
        yield own


@pytest.fixture
def own(server):
    database = Database(dsn=server.dsn("evergrid_api"), connections_max=1)
    yield database
    database.close()


def attempts(database, sql):
    """Return how often work was tried until its error was let out, with the error."""
    asked, tried = queries.statement("test", "asked", sql), []

    def work(transaction):
        tried.append(1)
        return transaction.one(asked)

    with pytest.raises(psycopg2.Error) as raised:
        database.transaction(work, scope="1", deadline=time.monotonic() + 20)
    return len(tried), raised.value


def test_a_migration_that_changes_a_prepared_statement_is_not_noticed(own, server):
    everything = queries.statement("test", "everything", "SELECT * FROM public.note")

    def read():
        deadline = time.monotonic() + 20
        return own.transaction(lambda t: t.all(everything), scope="1", deadline=deadline)

    assert read() == [("one", 1)]
    server.superuser("ALTER TABLE public.note ALTER number TYPE bigint")
    assert read() == [("one", 1)]


def test_what_postgresql_cannot_do_is_tried_once(own):
    tried, error = attempts(own, "SELECT DISTINCT text FROM public.note FOR UPDATE")
    assert (error.pgcode, tried) == ("0A000", 1)


def test_an_internal_error_is_tried_a_few_times(own, server):
    server.superuser(
        "CREATE OR REPLACE FUNCTION public.broken() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'a bug' USING ERRCODE = 'XX000'; END $$"
    )
    tried, error = attempts(own, "SELECT public.broken()")
    assert (error.pgcode, tried) == ("XX000", 9)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT pg_logical_emit_message(true, 'evergrid.vouch', '')", "XX000"),
        ("SET TRANSACTION READ WRITE", "0A000"),
    ],
)
def test_a_node_in_recovery_is_the_wrong_one_whatever_its_code(server, sql, code):
    with reads.running(type(server), replica_of=server) as replica:
        connection = psycopg2.connect(replica.dsn("evergrid_api"))
        try:
            with connection.cursor() as cursor, pytest.raises(psycopg2.Error) as raised:
                cursor.execute(sql)
        finally:
            connection.close()
    assert raised.value.pgcode == code
    assert verdict(raised.value) is Verdict.ELSEWHERE


def test_damaged_data_are_not_read_again_and_again(own, server):
    server.superuser(
        "CREATE TABLE public.damaged AS SELECT 1 AS number;GRANT SELECT ON public.damaged TO PUBLIC"
    )
    [(path,)] = server.superuser("SELECT pg_relation_filepath('public.damaged')")
    server.stop("fast")
    with (server.folder / "data" / path).open("r+b") as file:
        file.write(b"\x7f" * 64)
    server.start()

    tried, error = attempts(own, "SELECT number FROM public.damaged")
    assert (error.pgcode, tried) == ("XX001", 1)
