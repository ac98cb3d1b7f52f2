"""The voter fence against everything that can go wrong, in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ha.warden import voting
from ha.warden.voting import Step, View
from tests.unit.ha.warden.world import HOSTS, Decide, World

hosts = st.sampled_from(HOSTS)
fates = st.sampled_from(("done", "done", "done", "lost", "late"))


class Voters(RuleBasedStateMachine):
    """Three voters through cuts, power cuts, pauses, lost and late requests."""

    decide: Decide = staticmethod(voting.next_step)

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.decide)

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
        assert self.world.lost() == set()


def _examples(count: int) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class TestVoters(Voters.TestCase):
    settings = _examples(300)


def _promises_without_a_fence(view: View) -> Step | None:
    step = voting.next_step(view)
    if step is not None and step.deed == "fence":
        return Step("promise", step.host, "too early")
    return step


def _decides_on_one_promise(view: View) -> Step | None:
    step = voting.next_step(view)
    leader, promise = view.leader, view.promise
    if step is None and leader and promise and promise.about == leader.revision:
        return Step("decide", leader.host, "alone")
    return step


def _lifts_at_will(view: View) -> Step | None:
    if view.promise is not None and view.leader is None and view.fenced:
        return Step("lift", min(view.fenced), "nobody leads")
    return voting.next_step(view)


def _never_releases(view: View) -> Step | None:
    return voting.next_step(replace(view, released_s=view.now_s - 100))


@pytest.mark.parametrize(
    "broken", [_promises_without_a_fence, _decides_on_one_promise, _lifts_at_will]
)
def test_a_protocol_that_skips_a_step_is_seen_to_lose_a_commit(broken):
    class Broken(Voters):
        decide = staticmethod(broken)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Broken, settings=settings(_examples(4000), derandomize=True, print_blob=False)
        )


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
