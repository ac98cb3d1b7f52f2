"""What `evergrid-ha status` may say of the next failover: each claim rests on fresh facts."""

from __future__ import annotations

import pytest

from ha import outlook
from ha.lab import cockpit
from ha.site import Found

HOSTS = ("db1", "db2", "db3")
CLAIM = "a failover would lose nothing and need no person"


def status(*, leads=False, store=(), **changes):
    known = {
        "age_s": 0.2,
        "leader": "db1",
        "voters": ["db2", "db3"],
        "quorum": 1,
        "is_paused": False,
        "is_cooling": False,
    }
    said = {
        "is_primary": leads,
        "is_replica": not leads,
        "why": "x",
        "timeline": 4,
        "streams_from": None if leads else "db1",
        "behind_s": 0.0,
        "fenced": [],
    }
    return said | {"store": known | dict(store)} | changes


def found(**changes):
    statuses = {"db1": status(leads=True), "db2": status(), "db3": status()} | changes
    kept = {host: said for host, said in statuses.items() if said}
    return Found(statuses=kept, last_change=None)


def shown(seen):
    return list(cockpit.sentences(outlook.judge(seen, HOSTS)))


def column(seen, name):
    [cells] = [c for c in cockpit.table(seen, list(HOSTS)).columns if c.header == name]
    return list(cells.cells)


def test_a_healthy_cluster_would_lose_nothing():
    assert outlook.judge(found(), HOSTS).is_good
    assert shown(found()) == [f"[green]✓[/] {CLAIM}"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (found(db3=None), "db3 is silent"),
        (found(db1=None), "db1 is silent"),
        (found(db3=status(store={"age_s": 1.1})), "db3 has not heard from etcd for 1.1 s"),
        (found(db1=status(leads=True, store={"age_s": 9.0})), "db1 has not heard from etcd"),
        (found(db2=status(store={"age_s": None})), "db2 has never heard from etcd"),
        (found(db2=status(store={"leader": None})), "db2 sees no leader in etcd"),
    ],
)
def test_without_fresh_facts_it_is_unknown(seen, reason):
    judged = outlook.judge(seen, HOSTS)
    assert any(reason in why for why in judged.unknown)
    assert not judged.is_good
    last = shown(seen)[-1]
    assert last.startswith(f"[yellow]?[/] unknown whether {CLAIM}: ")
    assert reason in last


def test_what_etcd_said_a_moment_ago_is_fresh():
    assert outlook.judge(found(db3=status(store={"age_s": 1.0})), HOSTS).is_good


@pytest.mark.parametrize(
    ("seen", "complaint"),
    [
        (found(db1=status()), "nobody takes writes"),
        (found(db1=None), "nobody who answers takes writes"),
        (found(db2=status(leads=True)), "db1 and db2 both say that they take writes"),
        (found(db1=status(leads=True, store={"is_paused": True})), "paused"),
        (found(db1=status(leads=True, store={"is_cooling": True})), "verdict a moment ago"),
        (found(db1=status(leads=True, store={"voters": ["db2"], "quorum": 0})), "1 voters of 2"),
        (found(db1=status(leads=True, store={"quorum": 2})), "on one host alone"),
        (found(db1=status(leads=True, store={"quorum": None})), "on one host alone"),
        (found(db2=status(fenced=["db1"])), "db2 sends nothing to db1"),
        (found(db2=status(is_replica=False)), "db2 cannot take over"),
        (found(db2=status(streams_from="db3")), "db2 streams from db3, not from db1"),
        (found(db2=status(streams_from=None)), "db2 streams from nobody"),
        (found(db2=status(timeline=3)), "db2 is on timeline 3, db1 on 4"),
        (found(db2=status(store={"leader": "db3"})), "db3 leads by what db2 knows"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_claimed(seen, complaint):
    assert any(complaint in said for said in outlook.judge(seen, HOSTS).complaints)
    assert any(complaint in line for line in shown(seen))
    assert not any("✓" in line for line in shown(seen))


def test_how_far_a_replica_is_behind_is_known_while_it_streams():
    assert column(found(), "Behind") == ["", "0.0 s", "0.0 s"]
    assert column(found(db2=status(streams_from=None)), "Behind") == ["", "unknown", "0.0 s"]
    assert column(found(db1=None), "Behind") == ["", "unknown", "unknown"]


def test_who_votes_is_known_while_the_leader_hears_from_etcd():
    assert column(found(), "Quorum") == ["", "voter", "voter"]
    assert set(column(found(db1=status(leads=True, store={"age_s": 5.0})), "Quorum")) == {"unknown"}


def test_a_silent_host_is_said_to_be_silent():
    assert column(found(db3=None), "Role") == ["[green]primary[/]", "replica", "[red]silent[/]"]
