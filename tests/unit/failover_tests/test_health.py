"""When a database cluster counts as whole."""

from __future__ import annotations

from dataclasses import replace

from failover_tests import health
from ha.lab.cluster import Member

HOSTS = ("db1", "db2", "db3")
LEADER = Member("db1", "leader", "running", 2, None)
SECOND = Member("db2", "quorum_standby", "streaming", 2, 0)
THIRD = Member("db3", "quorum_standby", "streaming", 2, 0)


def test_a_leader_and_two_quorum_standbys_are_whole():
    assert health.faults([LEADER, SECOND, THIRD], expected=HOSTS) == []


def test_a_host_that_is_not_back_is_missed():
    assert health.faults([LEADER, SECOND], expected=HOSTS) == ["db3 is no member"]


def test_two_replicas_and_no_leader_are_not_whole():
    assert health.faults([SECOND, THIRD], expected=HOSTS)[-1] == "the leaders are []"


def test_a_replica_outside_the_quorum_is_named():
    [fault] = health.faults([LEADER, SECOND, replace(THIRD, role="replica")], expected=HOSTS)
    assert fault.startswith("db3 is replica, streaming")


def test_a_replica_on_the_old_timeline_is_named():
    [fault] = health.faults([LEADER, SECOND, replace(THIRD, timeline=1)], expected=HOSTS)
    assert "db3 is quorum_standby, streaming on timeline 1; the leader is on timeline 2" in fault


def test_a_leader_that_starts_is_not_whole_yet():
    starting = replace(LEADER, state="starting")
    assert len(health.faults([starting, SECOND, THIRD], expected=HOSTS)) == 1
