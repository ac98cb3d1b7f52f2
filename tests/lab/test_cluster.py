import pytest

from ha.lab import cluster, shared_settings, state
from ha.lab.waiting import until

pytestmark = pytest.mark.lab

# A replica that streams again is made a voter in one of Patroni's next turns.
VOTER_S = 20


def test_one_primary_has_two_streaming_replicas_that_make_a_quorum(lab):
    wanted = [("leader", "running"), *[("quorum_standby", "streaming")] * 2]
    until(
        lambda: sorted((m.role, m.state) for m in cluster.members(lab.patroni())),
        is_enough=lambda standing: standing == wanted,
        what="a primary with two replicas in the quorum",
        within_s=VOTER_S,
    )


def test_a_commit_waits_for_any_one_of_the_replicas(lab):
    sql = "SELECT current_setting('synchronous_standby_names') AS names"
    names = lab.query(sql)[0]["names"]
    replicas = [member.name for member in cluster.members(lab.patroni()) if member.role != "leader"]
    assert names.startswith("ANY 1 (")
    assert all(replica in names for replica in replicas)


def test_every_database_checks_its_pages(lab):
    sql = "SELECT current_setting('data_checksums') AS checksums"
    for host in lab.topology.with_role("database"):
        assert lab.query(sql, host.name) == [{"checksums": "on"}]


def test_every_database_host_names_the_same_primary(lab):
    databases = lab.topology.with_role("database")
    named = {cluster.primary(lab.patroni(host.name)) for host in databases}
    assert named == {lab.primary()}


def test_exactly_one_edge_holds_the_virtual_address(lab):
    assert len(lab.holders_of_virtual_address()) == 1


def test_what_databases_share_becomes_what_this_release_says(lab):
    """A cluster that was born earlier has in etcd what was rendered then."""
    known = state.load_known(lab.layout)
    assert shared_settings.settle(lab, known) == [], "born from the same files"
    host = lab.topology.with_role("database")[0].name
    patronictl = (
        "/opt/evergrid/dependencies/bin/patronictl -c /etc/evergrid/patroni.yml edit-config"
    )
    lab.exec(host, ["sh", "-c", f"{patronictl} --force -s loop_wait=2 -s lost=1"], timeout_s=30)

    changed = shared_settings.settle(lab, known)

    assert sorted(changed) == ["loop_wait = 1", "lost goes"]
    assert shared_settings.settle(lab, known) == []
