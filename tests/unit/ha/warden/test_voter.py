"""The voter's hand: the kernel's fences, as they are and not as they were left."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ha.warden import fences, patience, voter
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.facts import Peer
from ha.warden.fences import FenceIncomplete
from ha.warden.voter import Voter
from tests.unit.ha.warden.test_voting import KEPT, PROMISED, SILENT, seen

PEERS = {"db1": "10.77.0.31", "db3": "10.77.0.33"}


class Kernel:
    """The routes of one host, which anybody may change."""

    def __init__(self, monkeypatch):
        self.routes = set()
        self.is_receiving = False
        self.is_stuck = False
        self.on_take_down = lambda: None
        monkeypatch.setattr(fences, "put_up", self.put_up)
        monkeypatch.setattr(fences, "take_down", self.take_down)
        monkeypatch.setattr(fences, "standing", self.standing)

    def put_up(self, address, _server, *, is_running):
        self.routes.add(address)
        if self.is_receiving:
            raise FenceIncomplete("PostgreSQL still receives WAL from it")

    def take_down(self, address):
        if self.is_stuck:
            raise FenceIncomplete("ip takes too long")
        self.on_take_down()
        self.routes.discard(address)

    def standing(self, hosts):
        return {name for name, address in hosts.items() if address in self.routes}


class Voice:
    """A voter of db2 whose clock is ours, with an etcd that says what it is told to say."""

    def __init__(self, monkeypatch, *, features=("voter_fence",)):
        self.now_s = now_s()
        self.kernel = Kernel(monkeypatch)
        monkeypatch.setattr(voter, "now_s", lambda: self.now_s)
        self.board = Board(peers={"db1": Peer(kernel=self._silent(), warden=self._silent())})
        self.revoked, self.promised = [], []
        self.on_revoke = lambda: None
        self.released = True
        records = SimpleNamespace(
            promise=lambda _seen, leader: not self.promised.append(leader.host),
            release=lambda *_: self.released,
            decide=lambda *_: True,
            revoke=self._revoke,
        )
        self.voter = Voter(
            SimpleNamespace(host="db2", peers=PEERS, features=frozenset(features)),
            board=self.board,
            server=None,
            records=records,
            store_watch=SimpleNamespace(refresh=lambda: None),
            wake_patroni=lambda: None,
        )

    def _revoke(self, lease):
        self.on_revoke()
        self.revoked.append(lease)

    def _silent(self):
        return replace(SILENT, silent_since_s=self.now_s - 60)

    def turn(self, *, store, later_s=0.0):
        self.now_s += later_s
        self.board.store = replace(store, seen_s=self.now_s, beat_seen_s={"db1": self.now_s - 60})
        self.voter.turn()
        return self.voter.fenced()


@pytest.fixture
def voice(monkeypatch):
    return Voice(monkeypatch)


def test_a_fence_that_somebody_took_away_is_put_up_again(voice):
    promised = seen(promises={"db2": PROMISED})
    assert voice.turn(store=promised) == ["db1"]
    voice.kernel.routes.clear()
    voice.turn(store=promised, later_s=patience.FENCE_EVERY_S)
    assert voice.turn(store=promised, later_s=patience.FENCE_EVERY_S) == ["db1"]
    assert voice.kernel.routes == {PEERS["db1"]}


def test_postgres_may_start_only_once_a_promise_is_kept(voice):
    voice.kernel.is_receiving = True
    promised = seen(promises={"db2": PROMISED})
    assert voice.turn(store=promised) == []
    voice.turn(store=promised, later_s=patience.RETRY_S)
    assert not voice.board.is_true_to_word
    voice.kernel.is_receiving = False
    for _ in range(2):
        voice.turn(store=promised, later_s=patience.RETRY_S)
    assert voice.board.is_true_to_word


def test_a_fence_that_never_was_complete_is_lifted_with_its_promise(voice):
    voice.kernel.is_receiving = True
    assert voice.turn(store=seen(promises={"db2": PROMISED})) == []
    assert voice.kernel.routes
    again = replace(seen().leader, revision=40)
    for _ in range(3):
        voice.turn(store=seen(promises={"db2": PROMISED}, leader=again), later_s=patience.RETRY_S)
    for _ in range(3):
        voice.turn(store=seen(leader=again), later_s=patience.RETRY_S)
    assert not voice.kernel.routes


@pytest.fixture
def left(voice):
    """A voter whose kernel kept the route of a fence that failed."""
    voice.kernel.is_receiving = voice.kernel.is_stuck = True
    assert voice.turn(store=seen()) == []
    assert voice.kernel.routes
    voice.kernel.is_receiving = voice.kernel.is_stuck = False
    return voice


def test_a_fence_that_was_left_is_told_then_lifted(left, caplog):
    alive = seen(has_failover_key=True)  # whatever ends the suspicion
    left.kernel.is_stuck = True
    assert left.turn(store=alive, later_s=patience.FENCE_EVERY_S) == ["db1"]
    assert "A fence against db1 was left, and nothing calls for it." in caplog.messages
    left.kernel.is_stuck = False
    for _ in range(2):
        left.turn(store=alive, later_s=patience.RETRY_S)
    assert left.voter.fenced() == []
    assert not left.kernel.routes


def test_a_fence_that_was_left_is_completed_while_the_suspicion_lasts(left):
    assert left.turn(store=seen(), later_s=patience.FENCE_EVERY_S) == ["db1"]
    left.turn(store=seen(), later_s=0.1)
    assert left.promised == ["db1"]


def test_a_fence_that_was_left_is_not_lifted_before_etcd_says_that_no_promise_stands(left):
    left.released = False
    for _ in range(5):
        left.turn(store=seen(has_failover_key=True), later_s=patience.FENCE_EVERY_S)
    assert left.kernel.routes == {PEERS["db1"]}


def test_an_incomplete_fence_is_not_taken_for_one_that_keeps_a_promise(voice):
    voice.kernel.is_receiving = True
    for _ in range(3):
        voice.turn(store=seen(promises={"db2": PROMISED}), later_s=patience.FENCE_EVERY_S)
    assert voice.kernel.routes
    assert voice.voter.fenced() == []
    assert not voice.board.is_true_to_word


def test_a_kernel_that_does_not_say_what_stands_is_asked_again_later(voice, monkeypatch, caplog):
    def silent(_hosts):
        voice.now_s += 2.0
        raise FenceIncomplete("ip takes too long")

    monkeypatch.setattr(fences, "standing", silent)
    for _ in range(3):
        voice.turn(store=seen(is_paused=True), later_s=patience.FENCE_EVERY_S / 2)
    assert sum("could not be seen" in line for line in caplog.messages) == 1


def test_a_lease_is_revoked_until_etcd_says_it_is_gone_then_no_more(voice):
    ended = seen(**KEPT, leader=None)
    voice.turn(store=ended)
    for _ in range(3):
        voice.turn(store=ended, later_s=patience.AGAIN_S)
    assert voice.revoked == [KEPT["verdict"].lease]


def test_a_lease_is_revoked_when_it_can_be_told_that_its_leader_is_outvoted(voice):
    told = []
    voice.on_revoke = lambda: told.append(voice.board.outvoted)
    voice.turn(store=seen(promises=KEPT["promises"]))
    assert voice.board.outvoted is None
    voice.turn(store=seen(**KEPT, leader=None), later_s=0.1)
    assert told == ["db1"]


def test_nobody_is_called_outvoted_any_more_when_its_fence_is_lifted(voice):
    told = []
    voice.kernel.on_take_down = lambda: told.append(voice.board.outvoted)
    voice.turn(store=seen(promises=KEPT["promises"]))
    voice.turn(store=seen(**KEPT, leader=None), later_s=0.1)
    assert voice.board.outvoted == "db1"
    for _ in range(2):
        voice.turn(store=seen(verdict=KEPT["verdict"], leader=None), later_s=patience.RETRY_S)
    assert told == [None]


@pytest.mark.parametrize(
    ("features", "state", "why"),
    [
        (("voter_fence",), {"is_paused": True}, "the cluster is paused"),
        ((), {}, "the voter fence is switched off"),
        (("voter_fence",), {}, None),
    ],
)
def test_why_a_suspected_leader_is_not_fenced_is_said_once(
    monkeypatch, caplog, features, state, why
):
    voice = Voice(monkeypatch, features=features)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            voice.turn(store=seen(**state), later_s=0.1)
    assert voice.voter.withholds() == why
    assert sum("I do not fence db1" in line for line in caplog.messages) == (why is not None)
