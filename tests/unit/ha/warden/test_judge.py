"""Who waits for a yes is told as soon as it is one."""

from __future__ import annotations

import threading

import pytest

from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.facts import Canary, Host, Leader, Patroni, Postgres, Process, Store
from ha.warden.judge import Judge
from tests.unit.ha.warden.test_metrics import SETTINGS


@pytest.fixture
def board():
    """A host that leads, has PostgreSQL out of recovery, and was not written to yet."""
    now = now_s()
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


def test_who_waits_is_told_when_a_no_becomes_a_yes(board):
    answers, thread = asked(Judge(SETTINGS, board), wait_s=60)
    thread.join(0.05)
    assert not answers
    board.canary = Canary(tried_s=now_s(), worked_s=now_s())
    board.tell()
    thread.join(10)
    assert [answer.is_yes for answer in answers] == [True]


def test_nobody_waits_for_longer_than_asked(board):
    assert not Judge(SETTINGS, board).primary_soon(0.01).is_yes


def test_only_the_host_that_was_outvoted_is(board):
    judge = Judge(SETTINGS, board)
    assert [judge.outvoted(host).is_yes for host in ("", "db1")] == [False, False]
    board.outvoted = "db1"
    assert [judge.outvoted(host).is_yes for host in ("", "db1", "db2")] == [False, True, False]


def test_who_leads_is_told_by_the_key(board):
    judge = Judge(SETTINGS, board)
    assert [judge.leads(host).is_yes for host in ("", "db1", "db2")] == [False, True, False]


def test_a_yes_is_told_at_once(board):
    board.canary = Canary(tried_s=now_s(), worked_s=now_s())
    assert Judge(SETTINGS, board).primary_soon(60).is_yes  # or this test hangs


def test_each_change_is_news_to_whoever_waits(board, caplog):
    caplog.set_level("INFO")
    asker = Judge(SETTINGS, board)
    asker.say_if_changed()
    board.canary = Canary(tried_s=now_s(), worked_s=now_s())
    asker.say_if_changed()
    asker.say_if_changed()
    assert [text.split(":")[0] for text in caplog.messages] == [
        "Writes may not be sent here",
        "Writes may be sent here",
    ]
