"""The warden's turns, taken while its watches go on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.facts import Peer, Probe, Store
from ha.warden.judge import Judge
from ha.warden.warden import Warden
from tests.unit.ha.warden.test_metrics import SETTINGS


class Restless(dict):
    """Peers to which another thread adds one whenever they are walked."""

    def values(self):
        for peer in super().values():
            self[f"db{len(self) + 2}"] = peer
            yield peer


@pytest.fixture
def board():
    """A host that has heard nobody for a minute, etcd neither."""
    silent = Probe(silent_since_s=now_s() - 60, unanswered=200)
    peers = Restless(db2=Peer(kernel=silent, warden=silent))
    return Board(peers=peers, store=Store(seen_s=now_s() - 60))


def test_a_host_that_is_probed_for_the_first_time_disturbs_no_turn(board):
    voter = SimpleNamespace(turn=lambda: False)
    judge = Judge(SETTINGS, board)
    Warden(SETTINGS, board=board, judge=judge, patroni=None, voter=voter).turn()
    assert board.isolated_s == pytest.approx(60, abs=5)
