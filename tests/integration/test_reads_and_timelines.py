"""Reads on real replicas through promotions, each of which begins a timeline."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.domain.consistency import Position
from service.store import replica_pool, replicas, roles, sessions
from service.store.pool import DatabaseAway
from tests.conftest import PASSWORDS, Server

sys.path.insert(0, str(Path(__file__).parent))
import reads  # tests are no package
from proxy import Proxy
from reads import answered, notes, soon, write

REPLICA = ("replica", "usual")


class Cluster:
    """A primary with two replicas, none of which any other test has seen."""

    def __init__(self, stack: ExitStack, data: Path) -> None:
        self._stack = stack
        self._data = data
        self.first = stack.enter_context(reads.running(Server, data=data))
        self.second, self.third = (self.replica_of(self.first) for _ in range(2))

    def replica_of(self, server):
        return self._stack.enter_context(reads.running(Server, replica_of=server, data=self._data))

    def database(self, primary, replica):
        made = reads.database(primary, replica)
        self._stack.callback(made.close)
        return made

    def proxy(self, server):
        made = Proxy(server.port)
        self._stack.callback(made.close)
        return made

    def promote_second(self):
        """Let the second lead; the first goes on by itself, the third goes on following it."""
        self.second.promote()

    def third_follows_second(self):
        self.third.superuser(
            f"ALTER SYSTEM SET primary_conninfo = '{self.second.dsn('postgres', 'postgres')}'"
        )
        self.third.superuser("SELECT pg_reload_conf()")
        reads.until(lambda: self.receiving(self.third) == 2)
        reads.catches_up(self.third, self.second)

    @staticmethod
    def receiving(server):
        rows = server.superuser("SELECT received_tli FROM pg_stat_wal_receiver")
        return rows[0][0] if rows else None


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine may take long to open a connection to a replica."""
    monkeypatch.setattr(replica_pool, "_OPENED_S", 10.0)
    monkeypatch.setattr(replicas, "_LONGEST_S", 20.0)


@pytest.fixture(scope="module")
def data():
    """What a primary with an empty table of notes has on its disk."""
    with reads.running(Server) as newborn:
        roles.prepare(dsn=newborn.dsn("postgres", "postgres"), passwords=PASSWORDS)
        newborn.superuser(reads.MAKE_NOTES)
        newborn.stop("fast")
        yield newborn.folder / "data"
        newborn.start()


@pytest.fixture
def cluster(data):
    with ExitStack() as stack:
        yield Cluster(stack, data)


def test_tokens_of_before_a_promotion_are_good_on_a_replica_after_it(cluster):
    before = write(cluster.database(cluster.first, cluster.third), "before")
    reads.catches_up(cluster.second, cluster.first)
    cluster.promote_second()
    cluster.third_follows_second()
    database = cluster.database(cluster.second, cluster.third)
    (seen, token), by = answered(lambda: notes(database, after=before))
    assert (seen, by) == (["before"], REPLICA)
    assert (before.timeline, token.timeline) == (1, 2)

    after = write(database, "since")
    reads.catches_up(cluster.third, cluster.second)
    assert after > before
    (seen, _), by = answered(lambda: notes(database, after=after))
    assert (seen, by) == (["before", "since"], REPLICA)


def test_a_token_beyond_the_end_of_its_timeline_goes_to_the_primary(cluster):
    cluster.promote_second()
    lost = write(cluster.database(cluster.first, cluster.third), "lost")
    cluster.third.stop("immediate")  # it may have followed the first beyond the fork
    fourth = cluster.replica_of(cluster.second)
    database = cluster.database(cluster.second, fourth)
    write(database, "a" * 2_000)
    reads.catches_up(fourth, cluster.second)
    (seen, token), by = answered(lambda: notes(database, after=lost))
    cluster.third.start()
    assert (seen, by) == (["a" * 2_000], ("primary", "timeline_abandoned"))
    assert token > lost


def test_a_replica_that_went_astray_does_not_answer_whoever_has_seen_the_other_timeline(cluster):
    """It has replayed more bytes than the token asks for, of a history that is not the client's."""
    old = cluster.database(cluster.first, cluster.third)
    current = cluster.database(cluster.second, cluster.third)
    cluster.promote_second()
    token = write(current, "on the new timeline")
    write(old, "x" * 20_000)
    reads.catches_up(cluster.third, cluster.first)
    assert reads.replayed(cluster.third) > token.lsn, "the replica has not replayed enough"

    (seen, _), by = answered(lambda: notes(current, after=token))
    assert (seen, by) == (["on the new timeline"], ("primary", "token_ahead"))


def test_while_no_primary_is_there_replicas_answer_at_once(cluster):
    database = cluster.database(cluster.first, cluster.third)
    token = write(database, "acknowledged")
    reads.catches_up(cluster.third, cluster.first)
    cluster.first.stop("immediate")
    reads.until(lambda: cluster.receiving(cluster.third) is None)
    try:
        for at in (database, cluster.database(cluster.first, cluster.third)):
            (seen, _), by = answered(lambda at=at: notes(at, after=token, deadline=soon(2)))
            assert (seen, by) == (["acknowledged"], REPLICA)
            (seen, newer), by = answered(lambda at=at: notes(at, deadline=soon(2)))
            assert (seen, by) == (["acknowledged"], REPLICA)
            assert newer >= token
    finally:
        cluster.first.start()


def test_a_replica_that_lost_its_primary_still_knows_its_timeline(cluster):
    cluster.promote_second()
    cluster.third_follows_second()
    database = cluster.database(cluster.second, cluster.third)
    notes(database)
    token = write(database, "acknowledged")
    reads.catches_up(cluster.third, cluster.second)
    cluster.second.stop("immediate")
    reads.until(lambda: cluster.receiving(cluster.third) is None)
    try:
        (seen, newer), by = answered(lambda: notes(database, after=token, deadline=soon(2)))
        assert (seen, by) == (["acknowledged"], REPLICA)
        assert newer >= token
    finally:
        cluster.second.start()


def test_a_replica_that_cannot_say_which_timeline_it_follows_is_not_believed(cluster):
    """Whoever meets it only after its primary was lost cannot tell: is the token its history?"""
    cluster.promote_second()
    lost = write(cluster.database(cluster.first, cluster.third), "lost")
    follower = cluster.replica_of(cluster.second)
    token = write(cluster.database(cluster.second, follower), "a" * 20_000)
    reads.catches_up(follower, cluster.second)
    assert reads.replayed(follower) > lost.lsn, "the replica has not replayed enough"
    cluster.second.stop("immediate")
    reads.until(lambda: cluster.receiving(follower) is None)
    stranger = cluster.database(cluster.second, follower)
    try:
        for seen in (lost, token):
            with pytest.raises(DatabaseAway):
                notes(stranger, after=seen, deadline=soon(0.5))
        assert answered(lambda: notes(stranger, deadline=soon(2)))[1] == REPLICA
    finally:
        cluster.second.start()


def test_a_replica_that_was_promoted_is_no_replica_any_more(cluster, monkeypatch):
    database = cluster.database(cluster.second, cluster.second)
    notes(database)
    cluster.promote_second()
    token = write(database, "on the new timeline")
    assert notes(database, after=token)[0] == ["on the new timeline"]
    assert database.replicas._pool._idle.__len__() == 0
    assert answered(lambda: notes(database))[1] == ("primary", "replica_away")


def test_a_primary_that_was_replaced_does_not_answer_whoever_has_seen_its_successor(
    cluster, monkeypatch
):
    """For a moment after a failover the load balancer may still lead to the old one."""
    monkeypatch.setattr(sessions, "_OUTDATED_S", 30.0)
    proxy = cluster.proxy(cluster.first)
    cluster.promote_second()
    token = write(cluster.database(cluster.second, 1), "on the new timeline")
    client = cluster.database(proxy.port, 1)
    refused = threading.Event()
    pause = replica_pool.time.sleep

    def noticing(s):
        refused.set()
        pause(s)

    monkeypatch.setattr(sessions.time, "sleep", noticing)
    leading = threading.Thread(
        target=lambda: (refused.wait(10), proxy.lead_to(cluster.second.port))
    )
    leading.start()
    (seen, _), _ = answered(lambda: notes(client, after=token))
    leading.join()
    assert refused.is_set(), "the old primary was never asked"
    assert seen == ["on the new timeline"]


def test_positions_of_a_younger_timeline_are_later(cluster):
    before = write(cluster.database(cluster.first, cluster.third), "a" * 100_000)
    cluster.promote_second()
    after = write(cluster.database(cluster.second, cluster.third), "b")
    assert str(after) > str(before)
    assert after > before > Position(1, 0)
