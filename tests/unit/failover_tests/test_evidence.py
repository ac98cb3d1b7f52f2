"""What happened when, as a report tells it."""

from __future__ import annotations

from dataclasses import replace

from failover_tests import budgets, checkers
from failover_tests.books import Standing
from failover_tests.evidence import timeline
from failover_tests.faults import Fault

from .conftest import in_order, looks


def told(evidence):
    return [(round(event.after_s, 2), event.what) for event in timeline(evidence)]


def test_a_failover_is_told_in_order(evidence):
    old = looks("db1", (2, "primary", 3), (3, "silent", None), (6, "x", 4), (7, "streaming", 4))
    new = looks("db2", (2, "streaming", 3), (4, "primary", 4), (5, "primary", 4))
    assert told(replace(evidence, samples=in_order(old, new))) == [
        (-0.49, "last write acknowledged before the stall"),
        (0.0, "fault: power off, db1"),
        (0.51, "first write acknowledged after it"),
        (1.55, "new leader: db2"),
        (3.55, "old host answers again: db1"),
        (4.55, "old host streams again: db1"),
    ]


def test_a_host_that_was_never_silent_did_not_come_back(evidence):
    assert not any("again" in what for _, what in told(evidence))


def test_without_a_new_timeline_there_is_no_new_leader(evidence):
    assert not any("leader" in what for _, what in told(evidence))


def test_every_fault_is_told_from_the_first_on(evidence):
    later = Fault(what="power off", hosts=("db3",), began_s=4.0, proof="gone")
    both = replace(evidence, faults=(*evidence.faults, later))
    assert (1.5, "fault: power off, db3") in told(both)


def test_promotions_are_counted_by_their_timelines(evidence):
    standing = Standing(evidence.books.standing.totals, timeline=5)
    assert replace(evidence, books=replace(evidence.books, standing=standing)).failovers == 2


def woken(evidence, *later, is_pause=True):
    """db1 led, stood still, and goes on at 5 s while db2 leads; then what `later` says."""
    old = looks("db1", (2, "primary", 3), (5, "primary", 3), *later)
    new = looks("db2", (2, "streaming", 3), (4, "primary", 4), (7, "primary", 4))
    fault = replace(evidence.faults[0], hosts=("db1",), is_pause=is_pause)
    return replace(evidence, faults=(fault,), samples=in_order(old, new))


def broken(evidence):
    return checkers.timeline_broken(evidence.awake, ())


def test_a_paused_host_may_believe_for_a_second_what_it_knew(evidence):
    assert not broken(woken(evidence, (6.5, "x", 3)))


def test_it_may_not_believe_it_for_longer(evidence):
    assert broken(woken(evidence, (5.6, "primary", 3), (6.2, "primary", 3)))


def test_a_host_that_was_not_paused_may_not_at_all(evidence):
    assert broken(woken(evidence, (6.5, "x", 3), is_pause=False))


def cut(evidence, *samples):
    """Nobody could confirm the commits of db1 from 2.6 to 9 s; looks as given."""
    fault = replace(evidence.faults[0], proven_s=2.6, unconfirmed_until_s=9.0)
    return replace(evidence, faults=(fault,), samples=in_order(*samples))


def test_nobody_confirms_until_the_replicas_are_back(evidence):
    led = looks("db1", (2, "primary", 3), (8, "primary", 3))
    assert cut(evidence, led).unconfirmed == [(2.6 + budgets.IN_FLIGHT_S, 9.0)]


def test_who_was_promoted_meanwhile_has_replicas_that_confirm(evidence):
    old = looks("db1", (2, "primary", 3), (8, "primary", 3))
    new = looks("db2", (2, "streaming", 3), (5, "streaming", 3), (6, "primary", 4))
    assert cut(evidence, old, new).unconfirmed == [(2.6 + budgets.IN_FLIGHT_S, 5.0)]


def test_a_fault_that_leaves_replicas_says_nothing_of_confirming(evidence):
    assert evidence.unconfirmed == []


def test_a_paused_host_s_warden_may_believe_for_a_second_what_it_knew(evidence):
    paused = woken(evidence, (6.5, "x", 3))
    said = replace(paused, wardens=paused.samples)
    assert said.wardens_awake == said.awake != said.wardens
