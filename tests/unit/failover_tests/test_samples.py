"""What a look at a database host proves; the answers are recorded from Patroni 4.1.5."""

from __future__ import annotations

import json

from failover_tests.checkers import takeovers
from failover_tests.samples import judged, judged_by_warden, leaderships

from .conftest import in_order, looks

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


def answered(**changed):
    """What a warden says of the primary's host (GET /status, recorded), with `changed`."""
    desk = {"host": "db1", "is_primary": True, "is_replica": False, "why": "a write worked"}
    answer = {**desk, "timeline": 2, "streams_from": None, "fenced": [], **changed}
    return judged_by_warden("db1", json.dumps(answer).encode(), asked_s=1.0, seen_s=1.1)


def test_a_warden_that_sends_writes_to_its_host_calls_it_primary():
    assert (answered().is_primary, answered().timeline) == (True, 2)


def test_a_warden_that_sends_no_writes_to_its_host_does_not():
    replica = answered(is_primary=False, streams_from="db2")
    assert (replica.is_primary, replica.is_streaming) == (False, True)


def test_a_warden_that_has_just_been_started_knows_no_timeline():
    assert not answered(is_primary=False, timeline=None).is_primary


OLD = looks("db1", (1, "primary", 3), (3, "primary", 3), (7, "primary", 3))
NEW = looks("db2", (1, "streaming", 3), (4, "streaming", 3), (5, "primary", 4), (6, "primary", 4))


def led(samples, **when):
    return [(each.host, each.timeline) for each in leaderships(samples, **when)]


def test_what_an_old_primary_still_says_of_itself_is_no_leadership():
    assert led(in_order(OLD, NEW), since_s=2.0) == [("db1", 3), ("db2", 4)]


def test_who_led_at_that_time_is_who_led_last_before():
    assert led(in_order(OLD, NEW), since_s=5.5) == [("db2", 4)]


def test_whoever_takes_over_later_is_not_counted():
    assert led(in_order(OLD, NEW), since_s=2.0, until_s=4.5) == [("db1", 3)]


def test_a_leadership_begins_after_the_last_look_that_did_not_show_it():
    assert leaderships(in_order(OLD, NEW), since_s=2.0)[-1].before_s == 4


def test_a_takeover_needs_another_host():
    again = looks("db1", (1, "primary", 3), (4, "primary", 4))
    assert takeovers(leaderships(again, since_s=2.0)) == 0
    assert takeovers(leaderships(in_order(OLD, NEW), since_s=2.0)) == 1
