"""Whether clients are sent to a host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ha.warden import answers, patience
from ha.warden.answers import Known
from ha.warden.facts import (
    GOING_DOWN,
    Beat,
    Canary,
    Host,
    Leader,
    Patroni,
    Postgres,
    Process,
    Store,
)

NOW_S = 100.0
ENDING = Canary(tried_s=NOW_S, worked_s=float("-inf"), error=GOING_DOWN)
MB = 1 << 20
RUNNING = Host(
    seen_s=NOW_S,
    postmaster=Process(pid=7, is_stopped=False, since_s=0.0),
    patroni=Process(pid=8, is_stopped=False, since_s=0.0),
    disk_free_bytes=1 << 40,
    has_ballast=True,
)
PRIMARY = Known(
    me="db1",
    now_s=NOW_S,
    postgres=Postgres(seen_s=99.9, is_in_recovery=False, timeline=1, lsn=9 * MB),
    canary=Canary(tried_s=99.5, worked_s=99.5),
    patroni=Patroni(answered_s=99.8, has_lock=True),
    host=RUNNING,
    store=Store(seen_s=99.9, leader=Leader(host="db1", revision=1, lease=1)),
)
REPLICA = replace(
    PRIMARY,
    me="db2",
    postgres=Postgres(
        seen_s=99.9, is_in_recovery=True, timeline=1, lsn=8 * MB, streams_from="db1", heard_s=99.8
    ),
    canary=None,
    patroni=Patroni(answered_s=99.8, has_lock=False),
    store=replace(PRIMARY.store, beats={"db1": Beat(is_primary=True, lsn=9 * MB, revision=1)}),
)


@pytest.mark.parametrize(
    ("host", "store", "is_yes", "why"),
    [
        ("db1", {}, True, "db1 held"),
        ("db2", {}, False, "db1 held"),
        ("db1", {"leader": None}, False, "nobody holds"),
        ("db1", {"seen_s": NOW_S - 1.1}, False, "etcd does not answer"),
    ],
)
def test_another_host_leads_by_its_key_read_a_moment_ago(host, store, is_yes, why):
    answer = answers.leads(replace(REPLICA, store=replace(REPLICA.store, **store)), host)
    assert answer.is_yes is is_yes
    assert why in answer.why


def test_a_primary_that_was_written_to_just_now_gets_writes():
    assert answers.primary(PRIMARY).is_yes


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"host": replace(RUNNING, postmaster=None)}, "does not run"),
        ({"postgres": None}, "does not answer"),
        ({"postgres": replace(PRIMARY.postgres, seen_s=NOW_S - 2.1)}, "does not answer"),
        ({"postgres": replace(PRIMARY.postgres, is_in_recovery=True)}, "in recovery"),
        ({"canary": None}, "no write worked"),
        ({"canary": ENDING}, "going down"),
        ({"canary": Canary(tried_s=100, worked_s=NOW_S - 3.1, error="53100")}, "no write worked"),
        ({"patroni": None, "store": replace(PRIMARY.store, leader=None)}, "nobody says"),
        ({"patroni": None, "store": replace(PRIMARY.store, seen_s=NOW_S - 2)}, "nobody says"),
        (
            {
                "patroni": Patroni(answered_s=99.9, has_lock=False),
                "store": replace(PRIMARY.store, leader=None),
            },
            "does not hold",
        ),
        ({"patroni": Patroni(answered_s=NOW_S - 8.1, has_lock=True)}, "Patroni does not answer"),
        ({"is_isolated": True}, "cut off"),
        (
            {"store": Store(seen_s=99.9, leader=Leader(host="db2", revision=2, lease=2))},
            "db2 holds",
        ),
    ],
)
def test_writes_are_not_sent_where_they_could_not_be_taken(change, why):
    answer = answers.primary(replace(PRIMARY, **change))
    assert not answer.is_yes
    assert why in answer.why


def test_patronis_word_outlives_its_restart():
    restarting = replace(PRIMARY, patroni=Patroni(answered_s=NOW_S - 7.9, has_lock=True))
    assert answers.primary(restarting).is_yes


def test_a_warden_started_anew_beside_a_new_patroni_believes_the_key_in_etcd():
    assert answers.primary(replace(PRIMARY, patroni=None)).is_yes


def test_the_key_in_etcd_outweighs_a_patroni_that_is_not_there_yet():
    promoting = replace(PRIMARY, patroni=Patroni(answered_s=99.95, has_lock=False))
    assert answers.primary(promoting).is_yes


def test_what_a_paused_host_knew_is_old_when_it_wakes():
    woken = replace(PRIMARY, now_s=NOW_S + 30)
    assert not answers.primary(woken).is_yes


def test_etcd_being_silent_takes_no_writes_away():
    unseen = replace(PRIMARY.store, seen_s=NOW_S - 30, leader=None)
    assert answers.primary(replace(PRIMARY, store=unseen)).is_yes


def test_a_replica_is_read_from_as_far_as_it_keeps_up():
    assert answers.replica(REPLICA, lag_max_bytes=MB).is_yes
    behind = answers.replica(REPLICA, lag_max_bytes=MB - 1)
    assert (behind.is_yes, behind.why) == (False, f"it is {MB} bytes behind")


def test_a_replica_answers_reads_while_nobody_leads():
    alone = replace(
        REPLICA,
        store=replace(REPLICA.store, leader=None),
        postgres=replace(REPLICA.postgres, streams_from=None, heard_s=NOW_S - 20),
    )
    assert answers.replica(alone, lag_max_bytes=MB).is_yes


LOST = Beat(is_primary=True, lsn=90 * MB, revision=1)  # db1 wrote what nobody received


def beside(leader, **beats):
    """db2 streams at 8 MB, of a cluster that lost db1; the others leave these signs of life."""
    leads = Leader(host=leader, revision=9, lease=9) if leader else None
    beats = {"db1": LOST, "db2": Beat(is_primary=False, lsn=8 * MB, revision=2), **beats}
    return replace(REPLICA, store=replace(REPLICA.store, leader=leads, beats=beats))


@pytest.mark.parametrize("is_primary", [True, False], ids=["leads", "is still being promoted"])
def test_a_replica_is_behind_its_leader_not_behind_a_primary_that_was_lost(is_primary):
    known = beside("db3", db3=Beat(is_primary=is_primary, lsn=9 * MB, revision=3))
    assert answers.replica(known, lag_max_bytes=MB).is_yes
    assert not answers.replica(known, lag_max_bytes=MB - 1).is_yes


@pytest.mark.parametrize("leader", [None, "db3"], ids=["nobody leads", "its leader said nothing"])
def test_without_a_leaders_word_what_nobody_received_is_not_missed(leader):
    assert answers.replica(beside(leader), lag_max_bytes=0).is_yes


def test_while_nobody_leads_a_replica_is_behind_the_furthest_of_them():
    known = beside(None, db3=Beat(is_primary=False, lsn=9 * MB, revision=3))
    assert answers.replica(known, lag_max_bytes=MB).is_yes
    assert not answers.replica(known, lag_max_bytes=MB - 1).is_yes


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"postgres": None}, "does not answer"),
        ({"postgres": PRIMARY.postgres}, "is a primary"),
        (
            {"postgres": replace(REPLICA.postgres, heard_s=NOW_S - patience.STREAMED_LATELY_S - 1)},
            "does not stream",
        ),
    ],
)
def test_reads_are_not_sent_to_what_is_no_replica(change, why):
    answer = answers.replica(replace(REPLICA, **change), lag_max_bytes=MB)
    assert not answer.is_yes
    assert why in answer.why
