"""What clients felt of each fault of a soak."""

from __future__ import annotations

from failover_tests.passages import Mishap, page, passages

from .conftest import payment, read


def mishap(began_s, **changed):
    fields = {"name": "switchover", "where": "db1", "promised_s": 1.0, "problem": ""}
    times = {"began_s": began_s, "cured_s": began_s + 1, "whole_s": began_s + 3}
    return Mishap(**{**fields, **times, **changed})


def paid(*done_s):
    return tuple(payment(int(at_s), done_s=at_s, due_s=at_s - 0.1) for at_s in done_s)


def test_each_fault_has_its_own_stall():
    history = paid(9.5, 10.0, 12.0, 12.5, 20.0, 25.0, 25.5)
    first, second = passages(history, [mishap(10.1), mishap(20.1)])
    assert (first.write_stall_s, second.write_stall_s) == (7.5, 5.0)


def test_a_stall_begins_with_what_was_answered_before_the_fault():
    [only] = passages(paid(5.0, 9.9, 14.0), [mishap(10.0)])
    assert only.write_stall_s == 14.0 - 9.9


def test_the_order_of_the_history_does_not_matter():
    [only] = passages(paid(14.0, 5.0, 9.9), [mishap(10.0)])
    assert only.write_stall_s == 14.0 - 9.9


def test_reads_have_their_own_stall():
    reads = tuple(read(n, done_s=at_s) for n, at_s in ((1, 9.9), (2, 10.5), (3, 12.0)))
    [only] = passages((*paid(9.9, 10.2), *reads), [mishap(10.0)])
    assert only.read_stall_s == 1.5


def test_the_table_names_what_was_broken_with_its_problem():
    [only] = passages(paid(9.9, 10.5), [mishap(10.0, problem="not broken: no warden runs")])
    assert "| 1 | switchover | db1 | 0 | 0.60 | ≤ 1 |" in page([only])
    assert "no warden runs" in page([only])
