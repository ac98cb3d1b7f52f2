"""What wardens read from a real etcd, what they may write there and when they may not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import pytest

from ha.identity import Identity
from ha.warden import etcd
from ha.warden.etcd import Etcd, StoreSilent
from ha.warden.facts import Postgres, Store
from ha.warden.store import Records
from tests.conftest import free_port
from tests.unit.ha.warden.links import identities

pytestmark = pytest.mark.skipif(shutil.which("etcd") is None, reason="no etcd installed")

PATRONI = "/service/test/"
COOLING = "/evergrid/test/warden/cooling/db1"
NEVER = Store(seen_s=float("-inf"))
REPLICA = Postgres(seen_s=0.0, is_in_recovery=True, timeline=1, lsn=700)


class Asked(Etcd):
    """A connection that a test can close."""

    def __init__(self, members, home):
        super().__init__(members, identity=Identity(home))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close()


class Member:
    """One etcd, a whole cluster by itself."""

    def __init__(self, folder, home):
        self.folder, self.home = folder, home
        self.port = free_port()
        self.process = None

    def start(self):
        client, peer = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        argv = [
            "etcd", "--name=dcs1", f"--data-dir={self.folder}", "--log-level=error",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=dcs1={peer}", "--enable-grpc-gateway=true",
            f"--cert-file={self.home}/host.crt", f"--key-file={self.home}/host.crt.key",
            f"--trusted-ca-file={self.home}/authority.crt", "--client-cert-auth=true",
        ]  # fmt: skip
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_s = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < until_s, "etcd does not answer"
            time.sleep(0.05)
        return self

    def answers(self):
        with Asked([self.address], self.home) as store:
            try:
                store.transact((), ())
            except StoreSilent:
                return False
        return True

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """What members and wardens show: one certificate is enough."""
    folder = tmp_path_factory.mktemp("hosts")
    identities(folder, "dcs1")
    return folder / "dcs1"


@pytest.fixture(scope="module")
def member(tmp_path_factory, home):
    member = Member(tmp_path_factory.mktemp("etcd"), home).start()
    yield member
    member.stop()


class Cluster:
    """Patroni's keys as it writes them; each warden's view of them."""

    def __init__(self, member):
        self.stores = [Asked([member.address], member.home) for _ in range(4)]
        self.store, *stores = self.stores
        everything = {"key": etcd.encoded("\0"), "range_end": etcd.encoded("\0")}
        self.store.transact((), [{"request_delete_range": everything}])
        self.records = {
            host: Records(store, scope="test", host=host)
            for host, store in zip(("db1", "db2", "db3"), stores, strict=True)
        }
        self.lease = self.grant()
        self.lead("db1", lease=self.lease)
        self.quorum("db2,db3")

    def grant(self):
        return int(self.store.call("/v3/lease/grant", {"TTL": "60"})["ID"])

    def write(self, key, text, *, lease=0):
        put = {"key": etcd.encoded(PATRONI + key), "value": etcd.encoded(text), "lease": lease}
        self.store.transact((), [{"request_put": put}])

    def lead(self, host, *, lease):
        self.write("leader", host, lease=lease)

    def quorum(self, voters):
        self.write("sync", json.dumps({"leader": "db1", "sync_standby": voters, "quorum": 1}))

    def seen(self, host, *, beat=None, before=NEVER, now_s=0.0):
        return self.records[host].read(beat=beat, before=before, now_s=now_s)

    def promises(self, host, seen=None):
        """Let a host promise, by what it sees now, or saw before."""
        seen = seen or self.seen(host)
        return self.records[host].promise(seen, seen.leader)

    def releases(self, host, seen=None):
        return self.records[host].release(seen or self.seen(host))

    def decides(self, host, seen=None):
        seen = seen or self.seen(host)
        return self.records[host].decide(seen, seen.leader)

    def promised(self):
        """Let both replicas promise; return what db2 sees then."""
        assert self.promises("db2")
        assert self.promises("db3")
        return self.seen("db2")


@pytest.fixture
def cluster(member):
    cluster = Cluster(member)
    yield cluster
    for store in cluster.stores:
        with store:
            continue


# --- reading -------------------------------------------------------------------------------------


def test_all_of_it_is_read_in_one_look(cluster):
    cluster.write("config", '{"ttl": 20, "pause": true}')
    cluster.write("failover", '{"leader": "db1"}')
    cluster.promises("db3")
    seen = cluster.seen("db2", now_s=7.0)

    assert seen.seen_s == 7.0
    assert (seen.leader.host, seen.leader.lease) == ("db1", cluster.lease)
    assert (seen.sync.voters, seen.sync.quorum) == (frozenset({"db2", "db3"}), 1)
    assert seen.is_paused
    assert seen.has_failover_key
    assert (seen.promises["db3"].about, seen.promises["db3"].against) == (
        seen.leader.revision,
        "db1",
    )
    assert (seen.verdict, seen.is_cooling, dict(seen.beats)) == (None, False, {})


def test_what_is_not_there_is_read_as_absent(cluster):
    cluster.records["db2"].revoke(cluster.lease)
    cluster.write("config", '{"ttl": 20}')
    cluster.write("failover", "{}")  # as Patroni leaves it
    seen = cluster.seen("db2")

    assert seen.leader is None
    assert (seen.is_paused, seen.has_failover_key, seen.is_cooling) == (False, False, False)
    assert seen.promises == {}


def test_a_verdict_is_read_back_with_its_lease(cluster):
    leader = cluster.promised().leader
    assert cluster.decides("db2")
    seen = cluster.seen("db3")

    assert (seen.verdict.about, seen.verdict.against) == (leader.revision, "db1")
    assert seen.verdict.lease == cluster.lease
    assert seen.is_cooling


def test_a_sign_of_life_is_as_old_as_its_revision(cluster):
    cluster.seen("db3", beat=REPLICA)
    first = cluster.seen("db2", now_s=10.0)
    later = cluster.seen("db2", before=first, now_s=11.0)
    cluster.seen("db3", beat=REPLICA)  # the same words
    again = cluster.seen("db2", before=later, now_s=12.0)

    assert (first.beats["db3"].is_primary, first.beats["db3"].lsn) == (False, 700)
    told_s = [seen.beat_seen_s["db3"] for seen in (first, later, again)]
    assert told_s == [10.0, 10.0, 12.0]


def test_who_leaves_a_sign_of_life_sees_it(cluster):
    seen = cluster.seen("db2", beat=replace(REPLICA, is_in_recovery=False))
    assert seen.beats["db2"].is_primary


# --- promises ------------------------------------------------------------------------------------


def test_a_promise_about_a_leadership_that_has_ended_is_refused(cluster):
    seen = cluster.seen("db2")
    cluster.lead("db1", lease=cluster.grant())  # the same host, anew
    assert not cluster.promises("db2", seen)
    assert cluster.promises("db2")


def test_a_promise_after_a_verdict_it_does_not_know_is_refused(cluster):
    seen = cluster.seen("db2")
    cluster.promised()
    assert cluster.decides("db3")
    assert not cluster.promises("db2", seen)


def test_a_promise_that_arrives_after_its_release_is_refused(cluster):
    seen = cluster.seen("db2")
    assert cluster.releases("db2")  # it was taken for lost
    assert not cluster.promises("db2", seen)
    assert cluster.seen("db2").promises == {}
    assert cluster.promises("db2")


def test_a_release_by_another_host_does_not_stand_in_the_way(cluster):
    seen = cluster.seen("db2")
    assert cluster.releases("db3")
    assert cluster.promises("db2", seen)


def test_a_promise_is_released_once(cluster):
    seen = cluster.promised()
    assert cluster.releases("db2", seen)
    assert set(cluster.seen("db2").promises) == {"db3"}
    assert not cluster.releases("db2", seen), "it is not there any more"


def test_a_promise_made_anew_is_not_released_by_an_old_look(cluster):
    seen = cluster.promised()
    assert cluster.promises("db2")
    assert not cluster.releases("db2", seen)


def test_a_promise_is_not_released_past_a_verdict(cluster):
    seen = cluster.promised()
    assert cluster.decides("db3")
    assert not cluster.releases("db2", seen)
    assert cluster.releases("db2"), "with the verdict seen, the warden judges"


# --- verdicts ------------------------------------------------------------------------------------


def test_a_verdict_rests_on_what_it_was_made_from(cluster):
    seen = cluster.promised()
    assert cluster.decides("db2", seen)


def decide_and_cool(cluster):
    """A verdict whose cooling is over: its lease ends after 20 s."""
    cluster.decides("db3")
    cluster.store.transact((), [etcd.delete(COOLING)])


CHANGES = {
    "leader": lambda cluster: cluster.lead("db1", lease=cluster.lease),
    "quorum": lambda cluster: cluster.quorum("db2,db3"),
    "its own promise": lambda cluster: cluster.releases("db2"),
    "another's promise": lambda cluster: cluster.releases("db3"),
    "a promise made anew": lambda cluster: cluster.promises("db3"),
    "a verdict": decide_and_cool,
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_verdict_is_refused_once_anything_it_rests_on_has_changed(cluster, changed):
    seen = cluster.promised()
    before = cluster.seen("db1").verdict
    CHANGES[changed](cluster)
    found = cluster.seen("db1").verdict
    assert not cluster.decides("db2", seen)
    assert cluster.seen("db1").verdict == found
    assert before is None


def test_no_second_verdict_while_the_first_one_cools(cluster):
    seen = cluster.promised()
    assert cluster.decides("db2", seen)
    cluster.records["db2"].revoke(cluster.lease)
    cluster.lead("db1", lease=cluster.grant())
    seen = cluster.promised()
    assert seen.is_cooling
    assert not cluster.decides("db2", seen)

    cluster.store.transact((), [etcd.delete(COOLING)])
    assert cluster.decides("db2", seen)


def test_cooling_ends_by_itself(cluster):
    cluster.promised()
    assert cluster.decides("db2")
    [pair] = cluster.store.call("/v3/kv/range", {"key": etcd.encoded(COOLING)})["kvs"]
    left = cluster.store.call("/v3/lease/timetolive", {"ID": pair["lease"]})
    assert 0 < int(left["TTL"]) <= 20


def test_revoking_ends_the_leaders_key_by_its_lease(cluster):
    cluster.promised()
    cluster.decides("db2")
    verdict = cluster.seen("db3").verdict
    cluster.records["db3"].revoke(verdict.lease)

    assert cluster.seen("db3").leader is None
    with pytest.raises(StoreSilent, match="not found"):  # a renewal would find nothing either
        cluster.store.call("/v3/lease/revoke", {"ID": str(verdict.lease)})


def test_a_lease_revoked_late_ends_no_later_leadership(cluster):
    cluster.lead("db2", lease=cluster.grant())
    cluster.records["db3"].revoke(cluster.lease)
    assert cluster.seen("db3").leader.host == "db2"


# --- silence -------------------------------------------------------------------------------------


def test_a_member_that_stopped_is_silent_and_the_next_one_is_asked(member, tmp_path, home):
    first = Member(tmp_path, home).start()
    with Asked([first.address, member.address], home) as store:
        records = Records(store, scope="nobody", host="db2")
        records.read(beat=REPLICA, before=NEVER, now_s=0.0)
        first.stop()
        with pytest.raises(StoreSilent):
            records.read(beat=None, before=NEVER, now_s=1.0)
        found = records.read(beat=None, before=NEVER, now_s=2.0)
    assert found.beats == {}, "that is the other one"


def test_a_member_that_hangs_is_given_up(tmp_path, home):
    hanging = Member(tmp_path, home).start()
    with Asked([hanging.address], home) as store:
        hanging.process.send_signal(signal.SIGSTOP)
        os.waitpid(hanging.process.pid, os.WUNTRACED)  # it is stopped now, every thread of it
        began_s = time.monotonic()
        try:
            with pytest.raises(StoreSilent):
                store.transact((), ())
        finally:
            hanging.stop()
    assert time.monotonic() - began_s < 5
