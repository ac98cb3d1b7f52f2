"""The voter fence against everything that can go wrong, in any order."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.ha.warden.world import HOSTS, World

hosts = st.sampled_from(HOSTS)
fates = st.sampled_from(("done", "done", "done", "lost", "late"))


class CommitLost(Exception):
    """The leader lacks a commit that somebody was told is safe."""


class Voters(RuleBasedStateMachine):
    """Three voters through cuts, power cuts, pauses, lost and late requests."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(seconds=st.sampled_from((0.05, 0.3, 0.5, 1.2)), awake=st.sets(hosts), fate=fates)
    def time_passes(self, seconds, awake, fate):
        """Wardens that are awake look around, then act; the others are slow, or paused."""
        self.world.now_s += seconds
        for name in sorted(awake):
            for _ in range(3):
                self.world.probe(name)
            self.world.look(name)
            self.world.act(name, fate)

    @rule(rounds=st.integers(1, 12))
    def wardens_work_in_peace(self, rounds):
        for _ in range(rounds):
            self.world.now_s += 0.3
            for name in HOSTS:
                self.world.probe(name)
                self.world.look(name)
                self.world.act(name, "done")

    @rule(name=hosts)
    def a_warden_acts(self, name):
        self.world.act(name, "done")

    @rule(number=st.integers(0, 3))
    def a_late_request_arrives(self, number):
        if number < len(self.world.late):
            self.world.late.pop(number)()

    @rule(name=hosts)
    def clients_write_and_a_replica_replicates(self, name):
        for primary in HOSTS:
            self.world.commit(primary)
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

    @rule()
    def the_lease_expires(self):
        self.world.expire()

    @rule(loses_etcd=st.booleans())
    def the_leader_is_cut_off(self, loses_etcd):
        name = self.world.old_leader
        self.world.cuts.update(frozenset((name, n)) for n in HOSTS if n != name)
        if loses_etcd:
            self.world.cut_from_etcd.add(name)

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


class TestVoters(Voters.TestCase):
    settings = settings(
        max_examples=150,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
