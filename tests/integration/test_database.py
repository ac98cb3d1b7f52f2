"""Transactions through the faults of a database, on a real one."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from service.store import queries
from service.store.database import Database
from service.store.pool import DatabaseAway
from service.store.positions import lsn_of
from service.store.sessions import Session
from service.store.sqlstates import Verdict, verdict

sys.path.insert(0, str(Path(__file__).parent))
from proxy import Proxy  # tests are no package

NOTE = queries.statement(
    "test", "note", "INSERT INTO public.note (text) VALUES (%(text)s) ON CONFLICT DO NOTHING"
)
NOTES = queries.statement("test", "notes", "SELECT text FROM public.note ORDER BY text")
ME = queries.statement("test", "me", "SELECT pg_backend_pid()")


def telling(**options) -> Database:
    """What a request of the API is given: it asks where its commits lie."""
    return Session(Database(**options))


def soon(s: float = 20.0) -> float:
    return time.monotonic() + s


@pytest.fixture
def notes(server):
    """An empty table of notes, each unique."""
    server.superuser(
        "DROP TABLE IF EXISTS public.note; CREATE TABLE public.note (text text PRIMARY KEY)"
    )
    server.superuser("GRANT ALL ON public.note TO evergrid_api")
    return lambda: [
        row[0] for row in server.superuser("SELECT text FROM public.note ORDER BY text")
    ]


@pytest.fixture(params=[Database, telling])
def own(server, request):
    """A pool of two connections of our own, for the worker or for a request of the API."""
    database = request.param(dsn=server.dsn("evergrid_api"), connections_max=2)
    yield database
    database.close()


def write(database: Database, text: str, *, deadline: float | None = None) -> None:
    database.transaction(
        lambda transaction: transaction.run(NOTE, text=text), scope="1", deadline=deadline or soon()
    )


def test_a_refusal_inside_the_work_undoes_it(own, notes):
    def work(transaction):
        transaction.run(NOTE, text="undone")
        raise LookupError("the business said no")

    with pytest.raises(LookupError):
        own.transaction(work, scope="1", deadline=soon())

    assert notes() == []
    write(own, "the connection is sound")


def test_a_crash_of_the_server_makes_writers_wait_not_fail(own, notes, server):
    write(own, "before")
    server.stop("immediate")
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(write, own, f"during {n}") for n in range(8)]
        time.sleep(0.5)
        assert not any(future.done() for future in waiting)
        server.start()
        for future in waiting:
            future.result(timeout=15)

    assert len(notes()) == 9


def test_past_the_deadline_the_caller_hears_why(own, notes, server):
    server.stop("immediate")
    try:
        began = time.monotonic()
        with pytest.raises(DatabaseAway, match="no primary"):
            write(own, "never", deadline=soon(0.6))
        assert time.monotonic() - began < 3
    finally:
        server.start()
    write(own, "after")
    assert notes() == ["after"]


def test_a_node_that_turned_read_only_is_left_and_tried_again(own, notes, server):
    server.superuser("ALTER ROLE evergrid_api SET default_transaction_read_only = on")
    own.close()
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(write, own, "patient")
            time.sleep(0.4)
            assert not waiting.done()
            server.superuser("ALTER ROLE evergrid_api RESET default_transaction_read_only")
            waiting.result(timeout=10)
    finally:
        server.superuser("ALTER ROLE evergrid_api RESET default_transaction_read_only")
    assert notes() == ["patient"]


def test_a_killed_backend_costs_one_retry(own, notes, server):
    pid = own.read(lambda transaction: transaction.one(ME), scope="1", deadline=soon())[0]
    server.superuser(f"SELECT pg_terminate_backend({pid})")

    write(own, "retried")

    assert notes() == ["retried"]


def test_who_finds_every_connection_in_use_waits_in_turn(own, notes):
    inside, leave = threading.Semaphore(0), threading.Event()

    def work(transaction):
        transaction.run(NOTE, text="held")
        inside.release()
        leave.wait(10)

    with ThreadPoolExecutor(3) as pool:
        holding = [
            pool.submit(
                own.transaction,
                lambda t: (t.one(ME), inside.release(), leave.wait(10)),
                scope="1",
                deadline=soon(),
            )
            for _ in range(2)
        ]
        inside.acquire(timeout=5)
        inside.acquire(timeout=5)
        with pytest.raises(DatabaseAway, match="in use"):
            write(own, "impatient", deadline=soon(0.2))
        patient = pool.submit(write, own, "patient")
        leave.set()
        for future in (*holding, patient):
            future.result(timeout=10)

    assert notes() == ["patient"]


@pytest.mark.parametrize("made", [Database, telling])
def test_a_commit_without_an_answer_is_found_out_not_guessed(notes, server, made):
    proxy = Proxy(server.port)
    database = made(
        dsn=server.dsn("evergrid_api").replace(f"port={server.port}", f"port={proxy.port}"),
        connections_max=2,
    )
    attempts = []

    def work(transaction):
        attempts.append(transaction.all(NOTES))
        transaction.run(NOTE, text="once")

    proxy.lose_answer_to = b"COMMIT"
    database.transaction(work, scope="1", deadline=soon())
    database.close()
    proxy.close()

    assert proxy.lost == 1, "the proxy lost no answer, so this proves nothing"
    assert attempts == [[], [("once",)]], "the second attempt saw what the first had done"
    assert notes() == ["once"]


def test_a_cancelled_wait_for_a_standby_is_not_an_acknowledgement(own, notes, server):
    server.superuser("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.superuser("SELECT pg_reload_conf()")
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(write, own, "replicated")
            cancelled = 0
            for _ in range(100):
                cancelled += len(
                    server.superuser(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                        "WHERE wait_event = 'SyncRep'"
                    )
                )
                if cancelled >= 2:
                    break
                time.sleep(0.05)
            assert cancelled >= 2, "the commit was not waiting twice for a standby"
            assert not waiting.done(), "a warning was taken for an acknowledgement"
            server.superuser("ALTER SYSTEM RESET synchronous_standby_names")
            server.superuser("SELECT pg_reload_conf()")
            waiting.result(timeout=15)
    finally:
        server.superuser("ALTER SYSTEM RESET synchronous_standby_names")
        server.superuser("SELECT pg_reload_conf()")
    assert notes() == ["replicated"]


def test_while_commits_wait_for_a_standby_reads_go_on(own, notes, server):
    write(own, "before")
    server.superuser("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.superuser("SELECT pg_reload_conf()")
    while server.superuser("SHOW synchronous_standby_names") != [("nobody",)]:
        time.sleep(0.01)  # until the postmaster has told its children
    server.superuser("CHECKPOINT")  # the checkpointer makes commits wait, or not
    with ThreadPoolExecutor(2) as writers:  # as many as there are connections to write
        try:
            waiting = [writers.submit(write, own, text) for text in ("one", "two")]
            for _ in range(400):
                held = server.superuser(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                )
                if held == [(2,)]:
                    break
                time.sleep(0.05)
            assert held == [(2,)]
            read = own.read(lambda reading: reading.all(NOTES), scope="1", deadline=soon(5))
            assert ("before",) in read
            assert not any(writer.done() for writer in waiting)
        finally:
            server.superuser("ALTER SYSTEM RESET synchronous_standby_names")
            server.superuser("SELECT pg_reload_conf()")
        for writer in waiting:
            writer.result(timeout=15)
    assert notes() == ["before", "one", "two"]


def test_an_error_that_the_work_swallowed_is_not_taken_for_a_commit(own, notes):
    broken = queries.statement("test", "broken", "SELECT 1 / %(zero)s::integer")

    def work(transaction):
        transaction.run(NOTE, text="lost")
        with contextlib.suppress(psycopg2.Error):
            transaction.one(broken, zero=0)

    with pytest.raises(AssertionError, match="swallowed"):
        own.transaction(work, scope="1", deadline=soon())
    assert notes() == []


def test_a_commit_tells_where_it_lies_in_the_wal(notes, server):
    session = telling(dsn=server.dsn("evergrid_api"), connections_max=1)
    before = flushed(server)
    write(session, "told")
    assert before < session.seen.lsn <= flushed(server)
    session.close()


def flushed(server) -> int:
    return lsn_of(server.superuser("SELECT pg_current_wal_flush_lsn()")[0][0])


def test_a_bug_in_a_statement_is_not_retried(own):
    broken = queries.statement("test", "broken", "SELECT 1 / %(zero)s::integer")
    attempts = []

    def work(transaction):
        attempts.append(1)
        transaction.one(broken, zero=0)

    with pytest.raises(psycopg2.errors.DivisionByZero):
        own.transaction(work, scope="1", deadline=soon())
    assert len(attempts) == 1


def test_what_could_not_be_prepared_is_prepared_by_the_next(own, notes, server):
    server.superuser("DROP TABLE public.note")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        write(own, "nowhere")
    server.superuser("CREATE TABLE public.note (text text PRIMARY KEY)")
    server.superuser("GRANT ALL ON public.note TO evergrid_api")
    write(own, "here")
    assert notes() == ["here"]


def test_a_transaction_sees_no_bureau_but_its_own(own, migrated):
    seen = queries.statement("test", "seen", "SELECT current_setting('evergrid.bureau')")

    assert own.transaction(lambda t: t.one(seen), scope="7", deadline=soon()) == ("7",)
    assert own.read(lambda t: t.one(seen), scope="*", deadline=soon()) == ("*",)
    with pytest.raises(ValueError, match="neither"):
        own.read(lambda t: t.one(seen), scope="1'; DROP TABLE account", deadline=soon())


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (psycopg2.errors.SerializationFailure, Verdict.AGAIN),
        (psycopg2.errors.DeadlockDetected, Verdict.AGAIN),
        (psycopg2.errors.ReadOnlySqlTransaction, Verdict.ELSEWHERE),
        (psycopg2.errors.AdminShutdown, Verdict.ELSEWHERE),
        (psycopg2.OperationalError, Verdict.ELSEWHERE),
        (psycopg2.DatabaseError, Verdict.ELSEWHERE),
        (psycopg2.ProgrammingError, Verdict.FAULT),
    ],
)
def test_each_error_of_the_database_has_one_meaning(error, meant):
    code = next(
        (
            code
            for code in ("40001", "40P01", "25006", "57P01")
            if psycopg2.errors.lookup(code) is error
        ),
        None,
    )
    raised = type("Raised", (error,), {"pgcode": code})() if code else error()

    assert verdict(raised) is meant
