"""What a drill knows of its clients while they pay."""

from __future__ import annotations

from failover_tests import budgets, history
from failover_tests.progress import Progress

from .conftest import payment, read


def test_the_newest_acknowledged_payment_counts_whatever_the_order():
    progress = Progress()
    progress.note([payment(7, done_s=30.0), payment(9, done_s=10.0)])
    assert (progress.done_s, progress.due_s, progress.acknowledged) == (30.0, 9.0, 2)


def test_pace_is_kept_once_nothing_was_late_for_a_while():
    progress, long_enough_s = Progress(), 101.0 + budgets.IN_PACE_S
    on_time = payment(8, due_s=long_enough_s - 0.1, done_s=long_enough_s)
    progress.note([payment(7, due_s=100.0, done_s=101.0), on_time])
    assert not progress.is_in_pace(now_s=long_enough_s)
    assert progress.is_in_pace(now_s=long_enough_s + 0.2)
    assert not progress.is_in_pace(now_s=104.0)


def test_reads_say_nothing_of_payments():
    progress = Progress()
    progress.note([read(7)])
    assert (progress.done_s, progress.acknowledged, progress.unanswered) == (0.0, 0, 0)


def test_a_refused_request_is_unanswered():
    progress = Progress()
    progress.note([payment(7, status=503, error="AWAY"), read(8, status=None, error="X")])
    assert (progress.done_s, progress.acknowledged, progress.unanswered) == (0.0, 0, 2)


def test_a_history_is_read_on_from_where_it_ended(tmp_path):
    path = tmp_path / "history.jsonl"
    tail = history.Tail(path)
    assert tail.fresh() == ()
    first, second = (history.msgspec.json.encode(payment(n)) + b"\n" for n in (1, 2))
    path.write_bytes(first + second[:20])
    assert [request.key for request in tail.fresh()] == ["drill-p1"]
    path.write_bytes(first + second)
    assert [request.key for request in tail.fresh()] == ["drill-p2"]
    assert tail.fresh() == ()
