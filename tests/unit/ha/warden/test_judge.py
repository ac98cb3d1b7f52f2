"""A no that everybody has heard is held back; any other answer is given at once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from ha.warden import judge, patience
from ha.warden.board import Board
from ha.warden.facts import Canary, Host, Leader, Patroni, Postgres, Process, Store
from ha.warden.judge import Judge
from tests.unit.ha.warden.test_metrics import SETTINGS

WAIT_S = 0.5


class Clock:
    """The warden's clock, ahead of the machine's by as much as a test says."""

    def __init__(self):
        self.ahead_s = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(judge, "now_s", clock)
    return clock


@pytest.fixture
def board(clock):
    """A host that leads, has PostgreSQL out of recovery, and was not written to yet."""
    now = clock() + patience.REFUSED_S
    process = Process(pid=7, is_stopped=False, since_s=0.0)
    return Board(
        postgres=Postgres(seen_s=now, is_in_recovery=False, timeline=1, lsn=1),
        patroni=Patroni(answered_s=now, has_lock=True),
        host=Host(
            seen_s=now,
            postmaster=process,
            patroni=process,
            disk_free_bytes=1 << 40,
            has_ballast=True,
        ),
        store=Store(seen_s=now, leader=Leader(host="db1", revision=1, lease=1)),
    )


def asked(asker, *, wait_s):
    """Ask from a thread of its own, as the server does; return its answers, and the thread."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(asker.primary_soon(wait_s)))
    thread.start()
    return answers, thread


def test_a_no_that_is_young_is_told_at_once(board):
    assert not Judge(SETTINGS, board).primary_soon(60).is_yes  # or this test hangs


def test_a_no_that_everybody_has_heard_is_held_back_until_it_is_a_yes(board, clock):
    asker = Judge(SETTINGS, board)
    clock.ahead_s = patience.REFUSED_S
    answers, thread = asked(asker, wait_s=60)
    thread.join(0.05)
    assert not answers
    board.canary = Canary(tried_s=clock(), worked_s=clock())
    board.tell()
    thread.join(10)
    assert [answer.is_yes for answer in answers] == [True]


def test_it_is_not_held_back_for_longer_than_asked(board, clock):
    asker = Judge(SETTINGS, board)
    clock.ahead_s = patience.REFUSED_S
    assert not asker.primary_soon(0.01).is_yes


def test_a_refusal_that_has_just_begun_is_young_again(board, clock):
    board.canary = Canary(tried_s=clock(), worked_s=clock() + patience.REFUSED_S)
    asker = Judge(SETTINGS, board)
    asker.say_if_changed()
    clock.ahead_s = patience.REFUSED_S
    assert asker.primary().is_yes
    board.host = replace(board.host, postmaster=None)
    asker.say_if_changed()
    assert not asker.primary_soon(60).is_yes  # or this test hangs
