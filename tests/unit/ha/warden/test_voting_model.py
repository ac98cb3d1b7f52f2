"""The voter fence against everything that can go wrong, in any order."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ha.warden import patience
from tests.unit.ha.warden.world import HOSTS, World

hosts = st.sampled_from(HOSTS)
# Each set of hosts as often as any other, which `st.sets` does not give.
some_hosts = st.sampled_from([c for n in range(len(HOSTS) + 1) for c in combinations(HOSTS, n)])
# A verdict comes after six looks at a lost leader, an election after seven.
looks = st.sampled_from((2, 4, 5, 6, 7, 7, 8, 9))
losses = st.sampled_from(("none", "off", "cut off", "cut off"))
fates = st.sampled_from(("done", "lost", "late"))


class CommitLost(Exception):
    """The leader lacks a commit that somebody was told is safe."""


class Voters(RuleBasedStateMachine):
    """Three voters through cuts, power cuts, pauses, lost and late requests."""

    lacks: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(lacks=self.lacks)

    def work(self, names, *, rounds, patronis=()):
        for _ in range(rounds):
            self.world.now_s += 0.3
            for name in names:
                self.world.probe(name)
                self.world.look(name)
                self.world.act(name, "done")
            for name in patronis:
                self.world.patroni(name)

    @initialize(loss=losses, rounds=looks, patronis=some_hosts, fate=fates, is_back=st.booleans())
    def a_leader_is_lost(self, loss, rounds, patronis, fate, is_back):
        """Begin at any stage of a failover: left to chance, few runs would come to one."""
        for _ in HOSTS:
            for name in HOSTS:
                self.world.commit(name)
                self.world.look(name)
                self.world.replicate(name)
        if loss == "cut off":
            self.the_leader_is_cut_off(loses_etcd=True)
        elif loss == "off":
            self.world.power_off(self.world.old_leader)
        self.work(HOSTS, rounds=rounds, patronis=patronis)
        self.wardens_act(0.3, HOSTS, fate)
        if is_back:
            self.the_network_heals_for_clients(HOSTS)

    @rule(loss=losses, rounds=looks, patronis=some_hosts, fate=fates, is_back=st.booleans())
    def all_heals_until_a_leader_is_lost_again(self, loss, rounds, patronis, fate, is_back):
        self.all_heals()
        self.a_leader_is_lost(loss, rounds, patronis, fate, is_back)

    def all_heals(self):
        self.the_network_heals()
        for name in HOSTS:
            self.world.power_on(name)
        self.work(HOSTS, rounds=4, patronis=HOSTS)
        self.world.now_s += patience.COOLING_S
        self.work(HOSTS, rounds=2, patronis=HOSTS)
        for name in HOSTS:
            self.world.connect(name)

    @rule(seconds=st.sampled_from((0.05, 0.3, 0.5, 1.2)), awake=some_hosts, fate=fates)
    def time_passes(self, seconds, awake, fate):
        """Wardens that are awake look around, then act; the others are slow, or paused."""
        self.world.now_s += seconds
        for name in awake:
            for _ in range(3):
                self.world.probe(name)
            self.world.look(name)
            self.world.act(name, fate)

    @rule(rounds=st.integers(1, 12), patronis=some_hosts)
    def wardens_work_in_peace(self, rounds, patronis):
        self.work(HOSTS, rounds=rounds, patronis=patronis)

    @rule(seconds=st.sampled_from((0.05, 0.3, 1.2)), looking=some_hosts, fate=fates)
    def wardens_act(self, seconds, looking, fate):
        """All do, some by what they saw before."""
        self.world.now_s += seconds
        for name in looking:
            self.world.look(name)
        for name in HOSTS:
            self.world.act(name, fate)

    @rule(name=hosts, rounds=st.integers(0, 3), is_sent=st.booleans())
    def a_warden_is_overtaken(self, name, rounds, is_sent):
        """It decides by what it saw; the others go on before its request leaves, or arrives."""
        self.world.look(name)
        if is_sent:
            self.world.act(name, "late")
        self.work([other for other in HOSTS if other != name], rounds=rounds)
        if not is_sent:
            self.world.act(name, "done")
        elif self.world.late:
            self.world.late.pop()()

    @rule(number=st.integers(0, 3))
    def a_late_request_arrives(self, number):
        if number < len(self.world.late):
            self.world.late.pop(number)()

    @rule(names=some_hosts)
    def the_network_heals_for_clients(self, names):
        """Not for etcd: whoever was cut off still takes himself for the leader."""
        self.world.cuts.clear()
        self.clients_write_and_replicas_replicate(names)

    @rule(names=some_hosts)
    def clients_write_and_replicas_replicate(self, names):
        """On every host that takes itself for the primary."""
        for primary in HOSTS:
            self.world.commit(primary)
        for name in names:
            self.world.connect(name)
            self.world.replicate(name)

    @rule(name=hosts)
    def patroni_turns(self, name):
        self.world.patroni(name)

    @rule(name=hosts)
    def a_leader_steps_down(self, name):
        self.world.step_down(name)

    @rule(name=hosts)
    def a_sign_of_life_gets_stuck(self, name):
        self.world.beat_late(name)

    @rule(name=hosts)
    def a_primary_goes_on_without_etcd(self, name):
        self.world.goes_on_without_etcd(name)

    @rule(name=hosts)
    def a_belief_runs_out(self, name):
        self.world.belief_runs_out(name)

    @rule(rounds=looks, patronis=some_hosts, replicas=some_hosts, cut=st.sampled_from("0112"))
    def the_leader_goes_on_without_etcd(self, rounds, patronis, replicas, cut):
        """Believed by all, it loses its lease, or a way to one or both of the others."""
        self.all_heals()
        leader = self.world.old_leader
        self.world.cut_from_etcd.add(leader)
        self.world.goes_on_without_etcd(leader)
        self.world.look(leader)
        if cut == "2":
            self.the_leader_is_cut_off(loses_etcd=True)
        else:
            self.world.expire()
        if cut == "1":
            other = next(name for name in HOSTS if name != leader)
            self.world.cuts.add(frozenset((leader, other)))
        self.work(HOSTS, rounds=rounds, patronis=patronis)
        self.clients_write_and_replicas_replicate(replicas)

    @rule()
    def the_lease_expires(self):
        self.world.expire()

    @rule(loses_etcd=st.booleans())
    def the_leader_is_cut_off(self, loses_etcd):
        name = self.world.old_leader
        self.world.cuts.update(frozenset((name, n)) for n in HOSTS if n != name)
        if loses_etcd:
            self.world.cut_from_etcd.add(name)

    @rule(name=hosts, other=hosts)
    def a_fence_is_left(self, name, other):
        self.world.leave_fence(name, other)

    @rule(one=hosts, other=hosts)
    def a_link_is_cut_or_heals(self, one, other):
        if one != other:
            self.world.cuts ^= {frozenset((one, other))}

    @rule(name=hosts)
    def a_host_loses_etcd_or_finds_it(self, name):
        self.world.cut_from_etcd ^= {name}

    @rule()
    def the_network_heals(self):
        self.world.cuts.clear()
        self.world.cut_from_etcd.clear()

    @rule(name=hosts)
    def the_power_goes_or_returns(self, name):
        if self.world.hosts[name].is_on:
            self.world.power_off(name)
        else:
            self.world.power_on(name)

    @invariant()
    def nothing_acknowledged_is_lost(self):
        if lost := self.world.lost():
            raise CommitLost(lost)


HABITS = settings(stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
# The same runs each time: what they come to is a fact about the rules above, not luck.
FIXED = settings(HABITS, derandomize=True, database=None, phases=[Phase.generate])


class TestVoters(Voters.TestCase):
    settings = settings(HABITS, max_examples=100)


def test_the_runs_come_to_everything_that_the_protocol_does():
    happened = Counter()

    class Counted(Voters):
        def teardown(self):
            happened.update(self.world.happened)

    run_state_machine_as_test(Counted, settings=settings(FIXED, max_examples=150))

    deeds = product(("promise", "decide", "revoke", "release"), ("done", "lost", "late"))
    wanted = {f"{deed} {fate}" for deed, fate in deeds}
    others = {"goes on without etcd", "believes no more", "old leader leads anew"}
    assert wanted | {"fence", "lift", "adopt"} | others <= happened.keys()
    assert happened["decide done"] >= 100
    assert happened["election"] >= 100


def test_without_its_fences_the_runs_lose_a_commit():
    class Unfenced(Voters):
        lacks = frozenset({"fence"})

    with pytest.raises(CommitLost):
        run_state_machine_as_test(Unfenced, settings=settings(FIXED, max_examples=400))


def test_without_belief_in_a_leader_that_goes_on_without_etcd_the_runs_lose_a_commit():
    class Unbelieving(Voters):
        lacks = frozenset({"belief"})

    with pytest.raises(CommitLost):
        run_state_machine_as_test(Unbelieving, settings=settings(FIXED, max_examples=400))
