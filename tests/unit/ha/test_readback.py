"""What is wrong with a data centre, told from what it answers."""

from __future__ import annotations

import pytest

from ha import readback
from ha.readback import Reading
from ha.site import Found
from ha.switchover import LAG_MAX_BYTES
from ha.topology import load


def said(*, leads=False, **changes):
    store = {
        "age_s": 0.2,
        "leader": "db1",
        "voters": ["db2", "db3"],
        "quorum": 1,
        "is_paused": False,
        "is_cooling": False,
    }
    found = {
        "is_primary": leads,
        "is_replica": not leads,
        "why": "it sleeps",
        "lsn": 1000,
        "timeline": 1,
        "streams_from": None if leads else "db1",
        "fenced": [],
        "store": store,
    }
    return found | changes


def reading(statuses=None, **changes):
    hosts = {"db1": said(leads=True), "db2": said(), "db3": said()} | (statuses or {})
    kept = {name: status for name, status in hosts.items() if status}
    well = {"endpoint": "", "silent": [], "waiting": []}
    return Reading(found=Found(statuses=kept, last_change=None), **well | changes)


def test_nothing_is_wrong_with_a_whole_data_centre():
    assert readback.complaints(reading(), load()) == []
    assert readback.sentences(reading()) == [
        "db1 leads on timeline 1, voters db2 and db3",
        "db2 is 0 bytes behind",
        "db3 is 0 bytes behind",
    ]


FAR = said(leads=True, lsn=1001 + LAG_MAX_BYTES)
PAUSED = said(
    leads=True, store=said()["store"] | {"voters": ["db2"], "quorum": 0, "is_paused": True}
)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (reading({"db3": None}), "db3 is silent"),
        (reading({"db1": said()}), "nobody takes writes"),
        (reading({"db1": FAR}), "db2 is 1048577 bytes behind, more than 1048576"),
        (reading({"db1": PAUSED}), "the cluster is paused: nothing fails over by itself"),
        (reading({"db1": PAUSED}), "1 voters of 2: the next loss waits for the lease, 20 s"),
        (reading({"db2": said(fenced=["db1"])}), "db2 sends nothing to db1 (voter fence)"),
        (reading({"db2": said(is_replica=False)}), "db2 cannot take over: it sleeps"),
        (reading(waiting=["db2"]), "db2 must be restarted to take its settings"),
        (reading(endpoint="503 x"), "no answer through 10.77.0.100: 503 x"),
        (reading(silent=None), "Prometheus does not answer"),
        (reading(silent=["api of app1"]), "Prometheus does not reach api of app1"),
    ],
)
def test_what_is_wrong_is_a_sentence(found, sentence):
    assert sentence in readback.complaints(found, load())


def test_without_a_leader_nobody_can_say_who_is_behind():
    assert readback.sentences(reading({"db1": None})) == []
