"""What a warden does to the processes of its own host, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ha.warden import guard, patience
from ha.warden.facts import Canary, Patroni, Peer, Probe, Store
from tests.unit.ha.warden.test_answers import NOW_S, PRIMARY, REPLICA, RUNNING

SILENT = Probe(silent_since_s=94.0, unanswered=10)
ANSWERING = Probe()


def deeds(known, *, had_postgres=True, isolated_s=0.0):
    return [o.deed for o in guard.orders(known, had_postgres=had_postgres, isolated_s=isolated_s)]


def stopped(name, *, for_s):
    process = replace(getattr(RUNNING, name), is_stopped=True, since_s=NOW_S - for_s)
    return replace(PRIMARY, host=replace(RUNNING, **{name: process}))


def test_a_healthy_host_is_left_alone():
    assert deeds(PRIMARY) == []
    assert deeds(REPLICA) == []


@pytest.mark.parametrize(
    ("name", "deed"), [("patroni", "kill_patroni"), ("postmaster", "kill_postgres")]
)
def test_a_process_the_kernel_calls_stopped_is_killed_after_a_moment(name, deed):
    assert deeds(stopped(name, for_s=patience.FROZEN_S + 0.1)) == [deed]
    assert deeds(stopped(name, for_s=patience.FROZEN_S - 0.1)) == []


def test_a_patroni_that_never_answers_is_killed_when_no_load_explains_it():
    def silent(for_s):
        return replace(PRIMARY, patroni=Patroni(answered_s=NOW_S - for_s, has_lock=True))

    assert deeds(silent(patience.HUNG_S + 1)) == ["kill_patroni"]
    assert deeds(silent(patience.HUNG_S - 1)) == []


def test_a_patroni_that_has_just_started_is_given_time():
    young = replace(RUNNING.patroni, since_s=NOW_S - 2)
    known = replace(PRIMARY, patroni=None, host=replace(RUNNING, patroni=young))
    assert deeds(known) == []


def test_a_postgres_that_takes_no_connection_is_killed_only_on_the_primary():
    hung = Canary(tried_s=NOW_S, worked_s=NOW_S - patience.HUNG_S - 1, error="silent")
    assert deeds(replace(PRIMARY, canary=hung)) == ["kill_postgres"]
    assert deeds(replace(PRIMARY, canary=replace(hung, error="53300"))) == []
    assert deeds(replace(REPLICA, canary=hung)) == []


def test_patroni_is_woken_when_postgres_has_ended():
    ended = replace(PRIMARY, host=replace(RUNNING, postmaster=None))
    assert deeds(ended) == ["wake"]
    assert deeds(ended, had_postgres=False) == []


def test_a_primary_alone_stops_its_postgres():
    assert deeds(PRIMARY, isolated_s=patience.ISOLATED_STOP_S + 0.1) == ["stop_postgres"]
    assert deeds(PRIMARY, isolated_s=patience.ISOLATED_STOP_S - 0.1) == []
    assert deeds(REPLICA, isolated_s=60) == []


@pytest.mark.parametrize(
    "full",
    [
        {"host": replace(RUNNING, disk_free_bytes=patience.DISK_LOW_BYTES - 1)},
        {"canary": Canary(tried_s=NOW_S, worked_s=99.0, error="53100")},
    ],
)
def test_a_full_disk_is_handed_over_by_the_leader_alone(full):
    assert deeds(replace(PRIMARY, **full)) == ["hand_over"]
    assert deeds(replace(REPLICA, **full)) == []


def test_a_host_is_alone_when_neither_etcd_nor_anybody_else_answers():
    known = replace(PRIMARY, store=Store(seen_s=97.0))
    silent = {"db2": Peer(kernel=SILENT, warden=SILENT), "db3": Peer(kernel=SILENT, warden=SILENT)}
    assert guard.isolation_s(known, silent) == 3.0
    assert guard.isolation_s(replace(known, store=Store(seen_s=99.9)), silent) < 0.2
    one = silent | {"db3": Peer(kernel=ANSWERING, warden=ANSWERING)}
    assert guard.isolation_s(known, one) == 0.0
    assert guard.isolation_s(known, {}) == 0.0


def test_room_is_set_aside_where_there_is_plenty_and_none_is_yet():
    bare = replace(RUNNING, has_ballast=False)
    assert guard.wants_ballast(replace(PRIMARY, host=bare))
    assert not guard.wants_ballast(PRIMARY)
    tight = replace(bare, disk_free_bytes=8 * patience.BALLAST_BYTES)
    assert not guard.wants_ballast(replace(PRIMARY, host=tight))
    assert not guard.wants_ballast(replace(PRIMARY, host=replace(bare, postmaster=None)))


def test_in_pause_every_process_is_left_alone():
    paused = replace(PRIMARY.store, is_paused=True)
    frozen = stopped("patroni", for_s=patience.FROZEN_S + 0.1)
    assert deeds(frozen, isolated_s=patience.ISOLATED_STOP_S + 1) != []
    assert deeds(replace(frozen, store=paused), isolated_s=patience.ISOLATED_STOP_S + 1) == []
