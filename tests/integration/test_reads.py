"""Reads on real replicas: none shows less than its client has seen, none waits for a server."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from service.domain.consistency import Position
from service.domain.errors import Missing
from service.store import replica_pool, replicas, sessions
from service.store.pool import DatabaseAway
from service.store.sessions import Session

sys.path.insert(0, str(Path(__file__).parent))
import reads  # tests are no package
from proxy import Proxy
from reads import answered, notes, soon, write

REPLICA = ("replica", "usual")


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine may take long to open a connection to a replica."""
    monkeypatch.setattr(replica_pool, "_OPENED_S", 10.0)
    monkeypatch.setattr(replicas, "_LONGEST_S", 20.0)


@pytest.fixture(scope="module")
def replica(server):
    with reads.running(type(server), replica_of=server) as replica:
        yield replica


@pytest.fixture(scope="module")
def second(server, replica):
    with reads.running(type(server), replica_of=server) as second:
        yield second


@pytest.fixture
def own(server, replica):
    """A database with a replica, and an empty table of notes that both have."""
    server.superuser(reads.MAKE_NOTES)
    reads.catches_up(replica, server)
    database = reads.database(server, replica)
    yield database
    database.close()


@pytest.fixture
def paused(replica):
    """Pause the replay of the replica until the end of the test; return what resumes it."""

    def resume():
        replica.superuser("SELECT pg_wal_replay_resume()")

    replica.superuser("SELECT pg_wal_replay_pause()")
    reads.until(
        lambda: replica.superuser("SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
    )
    yield resume
    resume()


def test_a_read_without_a_token_is_answered_by_a_replica(own):
    rows, by = answered(
        lambda: Session(own).read(
            lambda t: t.one(reads.IN_RECOVERY), scope="1", deadline=soon()
        )
    )  # fmt: skip
    assert (rows, by) == ((True,), REPLICA)


def test_what_was_just_written_is_read_with_its_token(own, server, replica):
    token = write(own, "mine")
    reads.catches_up(replica, server)
    (seen, newer), by = answered(lambda: notes(own, after=token))
    assert (seen, by) == (["mine"], REPLICA)
    assert newer >= token


def test_a_replica_that_is_behind_the_token_hands_the_read_to_the_primary(own, paused):
    token = write(own, "mine")
    assert answered(lambda: notes(own))[0][0] == [], "the replica was not behind"
    began = time.monotonic()
    (seen, _), by = answered(lambda: notes(own, after=token))
    assert (seen, by) == (["mine"], ("primary", "token_ahead"))
    assert time.monotonic() - began < 5


def test_a_replica_that_is_behind_for_a_moment_is_waited_for(own, paused, monkeypatch):
    monkeypatch.setattr(replicas, "_PATIENCE_FIRST_S", 30.0)
    monkeypatch.setattr(replicas, "_LONGEST_S", 30.0)
    token = write(own, "mine")
    looked = threading.Event()
    monkeypatch.setattr(replicas.time, "sleep", lambda _: looked.set() or looked.wait(0.001))
    resuming = threading.Thread(target=lambda: (looked.wait(10), paused()))
    resuming.start()
    (seen, _), by = answered(lambda: notes(own, after=token))
    resuming.join()
    assert (seen, by) == (["mine"], REPLICA)
    assert looked.is_set(), "it did not have to wait"


def test_what_is_replayed_while_a_read_is_under_way_does_not_excuse_it(own, replica, paused):
    """Its snapshot is older than the position that the replica reports at the end."""
    slow = reads.queries.statement(
        "test",
        "slow",
        "WITH waited AS MATERIALIZED ("
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_sleep(2) END AS a) "
        "SELECT (SELECT count(*) FROM public.note) FROM waited",
    )
    token = write(own, "mine")
    read_is_over = threading.Event()

    def resume_under_way():
        asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        reads.until(lambda: read_is_over.is_set() or replica.superuser(asleep))
        paused()

    resuming = threading.Thread(target=resume_under_way)
    resuming.start()
    session = Session(own, after=token)
    rows = session.read(lambda t: t.one(slow), scope="1", deadline=soon())
    read_is_over.set()
    resuming.join()
    assert rows == (1,)


def test_what_one_replica_showed_the_next_one_shows_too(own, server, second, paused):
    """Monotonic reads: the first is behind, the client saw the second."""
    write(own, "seen on the second")
    reads.catches_up(second, server)
    other = reads.database(server, second)
    (seen, token), by = answered(lambda: notes(other))
    other.close()
    assert (seen, by) == (["seen on the second"], REPLICA)

    assert answered(lambda: notes(own, after=token))[0][0] == seen


def test_nothing_found_is_something_seen(own, server, replica):
    """An empty answer carries a token too, and one that is not older than what it saw."""
    _, token = notes(own)
    write(own, "gone")
    server.superuser("DELETE FROM public.note")
    reads.catches_up(replica, server)
    (seen, newer), by = answered(lambda: notes(own, after=token))
    assert (seen, by) == ([], REPLICA)
    assert newer > token


def test_a_replica_that_finds_nothing_is_not_believed_without_a_token(own, paused):
    class NoteUnknown(Missing):
        pass

    def work(transaction):
        rows = transaction.all(reads.NOTES)
        if not rows:
            raise NoteUnknown("no note")
        return rows

    write(own, "mine")
    rows, by = answered(lambda: Session(own).read(work, scope="1", deadline=soon()))
    assert (rows, by) == ([("mine",)], ("primary", "missing"))


def test_a_replica_that_finds_nothing_is_believed_with_a_token(own, server, replica):
    _, token = notes(own)

    def work(transaction):
        transaction.all(reads.NOTES)
        raise Missing("no note")

    session = Session(own, after=token)
    with pytest.raises(Missing):
        session.read(work, scope="1", deadline=soon())


def test_what_decides_about_money_is_read_on_the_primary(own):
    rows, by = answered(
        lambda: Session(own).read_for_money(
            lambda t: t.one(reads.IN_RECOVERY), scope="1", deadline=soon()
        )
    )
    assert (rows, by) == ((False,), ("primary", "money"))


def test_without_a_replica_the_primary_answers_at_once(server, own):
    alone = reads.database(server, 1)
    token = write(alone, "mine")
    began = time.monotonic()
    for _ in range(20):
        (seen, _), by = answered(lambda: notes(alone, after=token))
        assert (seen, by) == (["mine"], ("primary", "replica_away"))
    alone.close()
    assert time.monotonic() - began < 5


def test_a_connection_lost_to_a_replica_costs_the_client_nothing(own, replica):
    notes(own)
    replica.superuser(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'evergrid_api'"
    )
    (seen, _), (by, reason) = answered(lambda: notes(own))
    assert seen == []
    assert (by, reason) in (REPLICA, ("primary", "replica_failed"))


def test_a_read_that_replay_cancels_is_answered_by_the_primary(own, server, replica, monkeypatch):
    """What a conflict with recovery looks like (40001), whatever caused it."""
    conflicts = reads.queries.statement(
        "test",
        "conflicts",
        "SELECT CASE WHEN pg_is_in_recovery() THEN evergrid_test.conflict() ELSE 'fine' END",
    )
    server.superuser(
        "CREATE SCHEMA IF NOT EXISTS evergrid_test; GRANT USAGE ON SCHEMA evergrid_test TO PUBLIC;"
        "CREATE OR REPLACE FUNCTION evergrid_test.conflict() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'canceling statement due to conflict with recovery' "
        "USING ERRCODE = '40001'; END $$"
    )
    reads.catches_up(replica, server)
    rows, by = answered(
        lambda: Session(own).read(lambda t: t.one(conflicts), scope="1", deadline=soon())
    )
    assert (rows, by) == (("fine",), ("primary", "replica_failed"))


def test_a_primary_behind_the_replicas_address_is_not_kept(server, own, replica, monkeypatch):
    """The load balancer leads there while no replica is up; once one is, reads go to it."""
    monkeypatch.setattr(replica_pool, "_AWAY_S", 0.0)
    proxy = Proxy(server.port)
    balanced = reads.database(server, proxy.port)
    assert answered(lambda: notes(balanced))[1] == ("primary", "replica_away")
    proxy.lead_to(replica.port)
    assert answered(lambda: notes(balanced))[1] == REPLICA
    balanced.close()
    proxy.close()


def test_connections_grow_old_so_that_a_new_replica_gets_its_share(server, own, replica, second):
    proxy = Proxy(replica.port)
    balanced = reads.database(server, proxy.port)
    notes(balanced)
    proxy.lead_to(second.port)
    assert _server_asked(balanced) == replica.port
    [idle] = balanced.replicas._pool._idle
    idle.retires_s = time.monotonic()
    assert _server_asked(balanced) == second.port
    balanced.close()
    proxy.close()


def _server_asked(database):
    port = reads.queries.statement("test", "port", "SELECT inet_server_port()")
    return Session(database).read(lambda t: t.one(port), scope="1", deadline=soon())[0]


def test_a_lagging_replica_is_passed_over_for_one_that_is_not(server, own, second, paused, replica):
    proxy = Proxy(replica.port)
    balanced = reads.database(server, proxy.port)
    notes(balanced)
    token = write(balanced, "mine")
    reads.catches_up(second, server)
    proxy.lead_to(second.port)
    reads.until(lambda: answered(lambda: notes(balanced, after=token))[1] == REPLICA)
    assert _server_asked(balanced) == second.port
    balanced.close()
    proxy.close()


def test_a_token_of_a_timeline_nobody_knows_is_served_after_a_while(own, monkeypatch):
    monkeypatch.setattr(sessions, "_OUTDATED_S", 0.2)
    write(own, "mine")
    (seen, _), by = answered(lambda: notes(own, after=Position(99, 0)))
    assert (seen, by) == (["mine"], ("primary", "token_ahead"))


def test_past_the_deadline_a_read_for_the_primary_hears_why(own, replica, paused):
    token = write(own, "mine")
    lost = reads.database(1, replica)
    with pytest.raises(DatabaseAway):
        notes(lost, after=token, deadline=soon(0.4))
    lost.close()
