"""Each step of the voter fence, by the situation that calls for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ha.warden import patience
from ha.warden.facts import Beat, Leader, Peer, Postgres, Probe, Promise, Store, Sync, Verdict
from ha.warden.voting import (
    View,
    hindrance,
    keeps_its_word,
    next_step,
    outvoted,
    reticence,
    strays,
    suspicion,
)

NOW_S = 100.0
LEADER = Leader(host="db1", revision=10, lease=7)
SILENT = Probe(silent_since_s=98.5, unanswered=6)
ANSWERING = Probe()
PROMISED = Promise(host="db2", about=10, against="db1", revision=20)
OTHERS = Promise(host="db3", about=10, against="db1", revision=21)
VERDICT = Verdict(about=10, against="db1", lease=7, revision=30)


def seen(**changes):
    store = Store(
        seen_s=NOW_S,
        leader=LEADER,
        sync=Sync(voters=frozenset({"db2", "db3"}), quorum=1, revision=11),
        beats={"db1": Beat(is_primary=True, lsn=5, revision=15)},
        beat_seen_s={"db1": 98.0},
    )
    return replace(store, **changes)


def view(store=None, **changes):
    mine = View(
        me="db2",
        now_s=NOW_S,
        store=store or seen(),
        postgres=Postgres(
            seen_s=NOW_S, is_in_recovery=True, timeline=1, lsn=5, streams_from=None, heard_s=98.0
        ),
        peers={"db1": Peer(kernel=SILENT, warden=SILENT)},
        fenced={},
        promised_s=0.0,
        released_s=None,
    )
    return replace(mine, **changes)


def deed(of):
    step = next_step(of)
    return step.deed if step else None


def test_a_leader_that_is_silent_in_every_way_is_suspected():
    assert "answers nothing for 1.5 s" in suspicion(view())


@pytest.mark.parametrize(
    "alive",
    [
        {"peers": {"db1": Peer(kernel=ANSWERING, warden=ANSWERING)}},
        {"peers": {"db1": Peer(kernel=replace(SILENT, unanswered=2), warden=SILENT)}},
        {"peers": {"db1": Peer(kernel=replace(SILENT, silent_since_s=99.5), warden=SILENT)}},
        {"store": seen(beat_seen_s={"db1": 99.8})},
        {"postgres": Postgres(seen_s=100, is_in_recovery=True, timeline=1, lsn=5, heard_s=99.7)},
        {"me": "db1"},
        {"store": seen(leader=None)},
    ],
    ids=["port", "too few probes", "too short", "sign in etcd", "stream", "itself", "no leader"],
)
def test_one_sign_of_life_is_enough_against_a_suspicion(alive):
    assert suspicion(view(**alive)) is None


def test_a_kernel_that_answers_for_silent_programs_is_given_longer():
    mute = replace(SILENT, silent_since_s=95.9)
    paused = {"db1": Peer(kernel=ANSWERING, warden=mute)}
    old = Postgres(seen_s=NOW_S, is_in_recovery=True, timeline=1, lsn=5, heard_s=90)
    long_ago = seen(beat_seen_s={"db1": 90.0})
    assert "programs that do not" in suspicion(view(long_ago, peers=paused, postgres=old))
    just_so = {"db1": Peer(kernel=ANSWERING, warden=replace(mute, silent_since_s=96.1))}
    assert suspicion(view(long_ago, peers=just_so, postgres=old)) is None


def test_a_suspicion_leads_from_fence_to_promise_to_verdict_to_revocation():
    fenced = {"fenced": {"db1": 99.9}}
    both = {"db2": PROMISED, "db3": OTHERS}
    assert deed(view()) == "fence"
    assert deed(view(**fenced)) == "promise"
    assert deed(view(seen(promises=both), promised_s=99.9, **fenced)) == "decide"
    assert deed(view(seen(promises=both, verdict=VERDICT), **fenced)) == "revoke"


def stray(of):
    return strays(of, {"db1", "db3"})


def test_a_fence_that_nothing_calls_for_is_a_stray():
    unsuspected = {"peers": {}}
    assert stray(view(**unsuspected)) == {"db1", "db3"}
    assert stray(view(**unsuspected, fenced={"db3": 99.0})) == {"db1"}
    assert stray(view(seen(is_paused=True))) == {"db1", "db3"}


@pytest.mark.parametrize(
    "called_for",
    [
        seen(),
        seen(promises={"db2": PROMISED}),
        seen(promises={"db2": PROMISED}, verdict=VERDICT),
        seen(promises={"db2": PROMISED}, verdict=VERDICT, leader=None),
    ],
    ids=["suspected", "promised", "decided", "revoked"],
)
def test_a_fence_that_a_suspicion_or_a_promise_calls_for_is_no_stray(called_for):
    assert stray(view(called_for)) == {"db3"}


def test_nothing_is_a_stray_while_it_is_not_known_what_is_decided():
    assert stray(view(seen(seen_s=NOW_S - patience.STORE_FRESH_S - 0.1))) == set()


def test_one_promise_is_not_enough_for_a_verdict():
    alone = seen(promises={"db2": PROMISED})
    assert deed(view(alone, fenced={"db1": 99.9}, promised_s=99.9)) is None


def test_with_a_quorum_of_none_two_observers_are_needed_all_the_same():
    alone = seen(
        promises={"db2": PROMISED},
        sync=Sync(voters=frozenset({"db2"}), quorum=0, revision=11),
    )
    assert deed(view(alone, fenced={"db1": 99.9}, promised_s=99.9)) is None


def test_a_promise_about_an_earlier_leadership_counts_for_nothing():
    stale = seen(promises={"db2": PROMISED, "db3": replace(OTHERS, about=9)})
    assert deed(view(stale, fenced={"db1": 99.9}, promised_s=99.9)) is None


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"is_paused": True}, "paused"),
        ({"has_failover_key": True}, "switchover"),
        ({"is_cooling": True}, "a moment ago"),
        ({"sync": Sync(voters=frozenset({"db3"}), quorum=0, revision=11)}, "no voter"),
    ],
)
def test_what_forbids_an_early_end_forbids_its_first_step(state, why):
    hindered = view(seen(**state))
    assert why in hindrance(hindered)
    assert next_step(hindered) is None


def test_who_does_not_know_what_etcd_holds_does_nothing():
    assert next_step(view(seen(seen_s=NOW_S - patience.STORE_FRESH_S - 0.1))) is None


def test_a_promise_is_taken_back_when_the_leader_shows_life():
    alive = seen(promises={"db2": PROMISED}, beat_seen_s={"db1": 99.9})
    assert deed(view(alive, fenced={"db1": 99.5}, promised_s=99.5)) == "release"


def test_a_promise_nobody_joins_is_taken_back():
    alone = seen(promises={"db2": PROMISED})
    assert deed(view(alone, fenced={"db1": 96.0}, promised_s=96.0)) == "release"


def test_a_verdict_binds_a_promise_even_if_the_leader_shows_life():
    bound = seen(promises={"db2": PROMISED}, verdict=VERDICT, beat_seen_s={"db1": 99.9})
    assert deed(view(bound, fenced={"db1": 99.5})) == "revoke"


def test_a_fence_is_lifted_only_after_no_promise_can_arrive_late():
    old = {"fenced": {"db1": 90.0}}
    assert deed(view(**old)) == "release"
    assert deed(view(released_s=NOW_S, **old)) == "lift"


def test_after_a_release_the_next_fence_waits():
    assert next_step(view(released_s=NOW_S - 1)) is None
    assert deed(view(released_s=NOW_S - patience.PROMISE_REST_S - 0.1)) == "fence"


def test_a_host_that_started_anew_fences_again_what_it_had_promised():
    assert deed(view(seen(promises={"db2": PROMISED}))) == "fence"
    assert deed(view(seen(promises={"db2": PROMISED}, leader=None))) == "fence"


NEW = Leader(host="db3", revision=40, lease=9)
FOLLOWING = Postgres(
    seen_s=NOW_S, is_in_recovery=True, timeline=2, lsn=6, streams_from="db3", heard_s=99.9
)
LEADING = Postgres(seen_s=NOW_S, is_in_recovery=False, timeline=2, lsn=6)
KEPT = {"promises": {"db2": PROMISED}, "verdict": VERDICT}
STEPPED_DOWN = {"db1": Beat(is_primary=False, lsn=5, revision=35, verdict=30)}
SAID_BEFORE = {"db1": replace(STEPPED_DOWN["db1"], verdict=0)}


@pytest.mark.parametrize(
    ("store", "postgres", "expected"),
    [
        (seen(**KEPT, leader=NEW), view().postgres, None),
        (seen(**KEPT, leader=NEW), None, None),
        (seen(**KEPT, leader=NEW), replace(FOLLOWING, streams_from="db1"), None),
        (seen(**KEPT, leader=NEW), FOLLOWING, "release"),
        (seen(**KEPT, leader=replace(NEW, host="db2")), view().postgres, None),
        (seen(**KEPT, leader=replace(NEW, host="db2")), LEADING, "release"),
        (seen(**KEPT, leader=replace(LEADER, revision=40)), None, "release"),
        (seen(**KEPT, leader=None), None, None),
        (seen(**KEPT, leader=None, beats=STEPPED_DOWN), None, "release"),
        (seen(**KEPT, leader=None, beats=SAID_BEFORE), None, None),
    ],
    ids=[
        "another leads, no stream yet",
        "another leads, nothing known",
        "another leads, still pointed at the old one",
        "another leads and is followed",
        "this host is chosen, not yet primary",
        "this host leads",
        "the old one leads anew",
        "nobody leads",
        "nobody leads, the old one stepped down",
        "nobody leads, the old one knew of no verdict when it said so",
    ],
)
def test_a_promise_ends_only_when_the_old_leader_can_do_no_harm(store, postgres, expected):
    bound = view(store, postgres=postgres, fenced={"db1": 95.0}, ended_lease=VERDICT.lease)
    assert deed(bound) == expected


@pytest.mark.parametrize("leader", [None, NEW, replace(LEADER, revision=40)])
def test_a_promise_stands_until_etcd_says_that_the_lease_is_gone(leader):
    """A revocation that is still on its way would end whatever is led on that lease."""
    store = seen(**KEPT, leader=leader, beats=STEPPED_DOWN)
    bound = view(store, postgres=FOLLOWING, fenced={"db1": 95.0})
    assert deed(bound) == "revoke"
    assert deed(replace(bound, ended_lease=VERDICT.lease)) == "release"


@pytest.mark.parametrize(
    ("store", "fenced", "is_kept"),
    [
        (seen(), {}, True),
        (seen(promises={"db2": PROMISED}), {"db1": 95.0}, True),
        (seen(promises={"db2": PROMISED}), {}, False),
        (seen(**KEPT, leader=None), {}, False),
        (seen(**KEPT, leader=None, beats=STEPPED_DOWN), {}, True),
        (seen(promises={"db3": OTHERS}), {}, True),
        (seen(seen_s=NOW_S - patience.STORE_FRESH_S - 0.1), {}, False),
    ],
)
def test_a_host_keeps_its_word_with_a_fence_or_when_it_is_not_bound(store, fenced, is_kept):
    assert keeps_its_word(view(store, fenced=fenced)) == is_kept


DECIDED = {"promises": {"db2": PROMISED}, "verdict": VERDICT, "leader": None}


@pytest.mark.parametrize(
    ("state", "fenced"),
    [
        ({"promises": {"db2": PROMISED}}, {"db1": 99.0}),
        ({"promises": {"db2": PROMISED}, "verdict": replace(VERDICT, about=9)}, {"db1": 99.0}),
        (DECIDED, {}),
        ({"promises": {"db3": OTHERS}, "verdict": VERDICT}, {"db1": 99.0}),
        ({**DECIDED, "seen_s": NOW_S - 60}, {"db1": 99.0}),
        ({**DECIDED, "leader": replace(LEADER, revision=40)}, {"db1": 99.0}),
    ],
    ids=["no verdict", "an older one", "no fence", "no promise", "etcd is away", "it leads anew"],
)
def test_a_leader_binds_a_host_until_a_verdict_which_that_host_has_a_part_in(state, fenced):
    assert outvoted(view(seen(**DECIDED), fenced={"db1": 99.0})) == "db1"
    assert outvoted(view(seen(**state), fenced=fenced)) is None


def test_a_fence_that_somebody_took_away_is_put_up_again_before_anything_else():
    both = {"db2": PROMISED, "db3": OTHERS}
    assert deed(view(seen(promises=both), promised_s=99.9)) == "fence"


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ({"is_paused": True}, {}),
        ({"is_paused": True, "promises": {"db2": PROMISED}}, {}),
        ({"is_paused": True}, {"fenced": {"db1": 99.9}}),
        ({"is_cooling": True, "verdict": VERDICT}, {}),
        ({}, {}),
    ],
)
def test_why_nothing_is_done_is_only_said_by_who_has_done_nothing(state, changes):
    is_silent = bool(changes) or "promises" in state or "verdict" in state or not state
    assert (reticence(view(seen(**state), **changes)) is None) == is_silent


def test_a_voter_that_rests_is_back_while_anothers_promise_still_waits_for_it():
    """Or two that began apart would promise, then rest, in turn."""
    a_second = 1.0  # in which the one that is back suspects anew
    assert patience.PROMISE_REST_S + a_second <= patience.PROMISE_S
