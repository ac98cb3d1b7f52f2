"""What a look at a database host proves; the answers are recorded from Patroni 4.1.5."""

from __future__ import annotations

import json

from failover_tests.samples import judged

PRIMARY = {
    "state": "running",
    "role": "primary",
    "timeline": 2,
    "xlog": {"location": 67108864},
    "replication": [{"application_name": "db2", "state": "streaming", "sync_state": "quorum"}],
}
REPLICA = {
    "state": "running",
    "role": "replica",
    "timeline": 2,
    "replication_state": "streaming",
    "xlog": {"received_location": 67108864, "replayed_location": 67108864, "paused": False},
}


def judge(answer):
    return judged("db1", json.dumps(answer).encode(), asked_s=1.0, seen_s=1.1)


def test_a_running_primary_is_primary():
    sample = judge(PRIMARY)
    assert (sample.is_primary, sample.is_streaming, sample.timeline) == (True, False, 2)


def test_a_streaming_replica_is_streaming():
    sample = judge(REPLICA)
    assert (sample.is_primary, sample.is_streaming, sample.timeline) == (False, True, 2)


def test_a_role_from_patroni_s_memory_is_not_believed():
    dead = {"state": "crashed", "role": "primary"}
    sample = judge(dead)
    assert (sample.is_primary, sample.is_streaming, sample.timeline) == (False, False, None)


def test_a_replica_that_still_reads_the_archive_does_not_stream():
    assert not judge({**REPLICA, "replication_state": "in archive recovery"}).is_streaming
