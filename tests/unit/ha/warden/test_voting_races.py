"""
Each part of the voter fence played out step by step, with it and without it.

With it nothing is lost; without it the very commit is, that the part is there for.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ha.warden import voting
from ha.warden.voting import Step
from tests.unit.ha.warden.world import HOSTS, World


def suspecting(lacks=(), *, decide=voting.next_step, fencing=("db2", "db3"), world=None):
    """Return a world in which db1 is cut off; db2 and db3 have put up their fences."""
    world = world or World(decide, lacks=frozenset(lacks))
    world.commit("db1")
    world.replicate("db2")
    world.replicate("db3")
    world.look("db1")
    world.cuts.update({frozenset(("db1", "db2")), frozenset(("db1", "db3"))})
    world.cut_from_etcd.add("db1")
    for _ in range(6):
        world.now_s += 0.25
        for name in ("db2", "db3"):
            world.probe(name)
            world.look(name)
    assert {world.act(name, "done").deed for name in fencing} == {"fence"}
    return world


def heal(world):
    """Let db1 be reached again; it leaves a sign of life."""
    world.cuts.clear()
    world.cut_from_etcd.clear()
    world.now_s += 0.3
    world.look("db1")


def follow(world):
    """Let every host follow whoever leads."""
    for name in HOSTS:
        world.patroni(name)
        world.connect(name)
        world.replicate(name)


def acts(world, name):
    world.look(name)
    step = world.act(name, "done")
    return step.deed if step else None


def elect_and_write(world):
    """Let db3 end the leadership if it may, and be elected; let db1's client write meanwhile."""
    while acts(world, "db3") in {"decide", "revoke"}:
        pass
    world.patroni("db3")
    world.cuts.clear()
    world.commit("db1")
    world.connect("db2")
    world.replicate("db2")
    return world


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("fence",), True)])
def test_a_promise_is_worth_its_fence(lacks, is_lost):
    world = suspecting(lacks)
    assert [acts(world, "db2"), acts(world, "db3")] == ["promise", "promise"]
    assert bool(elect_and_write(world).lost()) == is_lost


def decide_alone(view):
    leader, promise = view.leader, view.promise
    if leader and promise and promise.about == leader.revision:
        return Step("decide", leader.host, "alone")
    return voting.next_step(view)


@pytest.mark.parametrize(("decide", "is_lost"), [(voting.next_step, False), (decide_alone, True)])
def test_one_promise_is_no_verdict(decide, is_lost):
    world = suspecting(decide=decide, fencing=("db3",))
    assert acts(world, "db3") == "promise"
    if decide is decide_alone:
        assert acts(world, "db3") == "decide"
        world.decide = voting.next_step
    assert bool(elect_and_write(world).lost()) == is_lost


def lift_at_will(view):
    if view.promise is not None and view.leader is None and view.fenced:
        return Step("lift", min(view.fenced), "nobody leads")
    return voting.next_step(view)


@pytest.mark.parametrize(("decide", "is_lost"), [(voting.next_step, False), (lift_at_will, True)])
def test_a_fence_stands_until_its_host_is_bound_elsewhere(decide, is_lost):
    world = suspecting(decide=decide)
    assert [acts(world, "db2"), acts(world, "db3")] == ["promise", "promise"]
    assert [acts(world, "db3"), acts(world, "db3")] == ["decide", "revoke"]
    acts(world, "db2")
    assert bool(elect_and_write(world).lost()) == is_lost


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("epoch",), True)])
def test_a_promise_that_arrives_after_its_release_counts_for_nothing(lacks, is_lost):
    world = suspecting(lacks)
    assert acts(world, "db3") == "promise"
    world.look("db2")
    world.act("db2", "late")
    heal(world)
    for _ in range(3):
        world.now_s += 0.4
        world.look("db1")
    assert [acts(world, "db2"), acts(world, "db2")] == ["release", "lift"]
    world.late.pop()()
    assert bool(elect_and_write(world).lost()) == is_lost


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("promises",), True)])
def test_a_verdict_does_not_rest_on_a_promise_released_meanwhile(lacks, is_lost):
    world = suspecting(lacks)
    assert acts(world, "db2") == "promise"
    alone = world.hosts["db2"].seen
    assert acts(world, "db3") == "promise"
    world.look("db3")  # it sees both, then is slow
    heal(world)
    world.hosts["db2"].seen = alone  # it has not seen the other's promise
    world.hosts["db2"].promised_s = -10.0
    assert world.act("db2", "done").deed == "release"
    assert acts(world, "db2") == "lift"
    world.act("db3", "done")
    assert bool(elect_and_write(world).lost()) == is_lost


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("verdict",), True)])
def test_a_promise_that_a_verdict_rests_on_is_not_released(lacks, is_lost):
    world = suspecting(lacks)
    assert acts(world, "db2") == "promise"
    world.hosts["db2"].promised_s = -10.0  # it has waited, and is slow to act on it
    assert [acts(world, "db3") for _ in range(3)] == ["promise", "decide", "revoke"]
    assert world.act("db2", "done").deed == "release"
    world.cuts.clear()
    world.cut_from_etcd.clear()
    world.patroni("db3")
    for _ in range(2):
        acts(world, "db2")
    world.commit("db1")
    world.connect("db2")
    world.replicate("db2")
    assert bool(world.lost()) == is_lost


def cut_one_leader_off(world, *, until):
    """Let db2 and db3 promise, decide, revoke; return when db3 has taken the step `until`."""
    assert [acts(world, "db2"), acts(world, "db3")] == ["promise", "promise"]
    while acts(world, "db3") != until:
        pass
    return world


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("order",), True)])
def test_a_host_that_boots_confirms_nothing_before_it_keeps_its_promise(lacks, is_lost):
    world = cut_one_leader_off(suspecting(lacks), until="revoke")
    world.power_off("db2")
    world.power_on("db2")
    world.cuts = {frozenset(("db1", "db3"))}
    for name in ("db2", "db3"):
        world.patroni(name)
    world.commit("db1")
    world.connect("db2")
    world.replicate("db2")
    for name in ("db2", "db2", "db3"):
        acts(world, name)
        world.patroni(name)
    assert world.etcd.leader.host in {"db2", "db3"}
    assert bool(world.lost()) == is_lost


@pytest.mark.parametrize(("lacks", "is_lost"), [((), False), (("knowledge",), True)])
def test_a_sign_of_life_from_before_the_verdict_opens_no_fence(lacks, is_lost):
    world = World(lacks=frozenset(lacks))
    for leader, follower in (("db3", "db1"), ("db1", "db3")):
        world.step_down(world.old_leader)
        world.patroni(leader)
        follow(world)
        world.look(follower)
        world.beat_late(follower)
    world = suspecting(lacks, world=world)
    cut_one_leader_off(world, until="revoke")
    world.late[0]()
    world.cuts = {frozenset(("db1", "db3"))}
    for _ in range(3):
        acts(world, "db2")
    world.patroni("db3")
    world.commit("db1")
    world.connect("db2")
    world.replicate("db2")
    assert bool(world.lost()) == is_lost


def release_early(view):
    verdict = view.store.verdict
    return voting.next_step(replace(view, ended_lease=verdict.lease if verdict else None))


@pytest.mark.parametrize(("decide", "is_lost"), [(voting.next_step, False), (release_early, True)])
def test_a_revocation_that_is_still_on_its_way_ends_no_leadership_to_come(decide, is_lost):
    world = cut_one_leader_off(suspecting(decide=decide), until="decide")
    world.look("db3")
    assert world.act("db3", "late").deed == "revoke"
    world.cut_from_etcd.clear()
    world.step_down("db1")
    for _ in range(2):
        world.look("db1")
    for _ in range(4):
        acts(world, "db2")
        acts(world, "db3")
    world.cuts.clear()
    world.patroni("db1")
    for _ in range(4):
        acts(world, "db2")
        acts(world, "db3")
    follow(world)
    world.late.pop()()
    world.cuts = {frozenset(("db1", "db3"))}
    world.patroni("db3")
    world.commit("db1")
    world.connect("db2")
    world.replicate("db2")
    assert bool(world.lost()) == is_lost


def test_a_lost_primary_is_succeeded_within_seconds():
    world = World()
    world.commit("db1")
    for name in HOSTS[1:]:
        world.replicate(name)
    world.power_off("db1")
    for _ in range(12):
        world.now_s += 0.25
        for name in HOSTS:
            world.probe(name)
            world.look(name)
            world.act(name, "done")
            world.patroni(name)
    assert world.etcd.leader is not None
    assert world.etcd.leader.host != "db1"
    assert world.lost() == set()
