"""Which member of etcd leads; the answer is recorded from etcdctl 3.4.23."""

from __future__ import annotations

import json

from failover_tests.etcd import leading


def endpoint(last, member, leader):
    status = {"header": {"member_id": member, "raft_term": 2}, "version": "3.4.23"}
    if leader:
        status["leader"] = leader
    return {"Endpoint": f"http://10.77.0.{last}:2379", "Status": status}


def test_the_member_that_calls_itself_leader_leads():
    answer = [endpoint(41, 4207583294337522658, 8506299500095019673)]
    answer += [endpoint(43, 8506299500095019673, 8506299500095019673)]
    assert leading(json.dumps(answer)) == "10.77.0.43"


def test_during_an_election_nobody_leads():
    assert leading(json.dumps([endpoint(41, 1, None), endpoint(42, 2, None)])) is None
