"""What clients felt of each fault of a soak."""

from __future__ import annotations

from failover_tests.passages import Mishap, answered_late, failovers_unpromised, page, passages
from failover_tests.promises import Promises

from .conftest import looks, payment, read


def mishap(began_s, *, problem="", **promised):
    return Mishap(
        name="switchover",
        where="db1",
        began_s=began_s,
        cured_s=began_s + 1,
        whole_s=began_s + 3,
        promises=Promises(**{"write_stall_s": 1.0, **promised}),
        problem=problem,
    )


def paid(*done_s):
    return tuple(payment(int(at_s), done_s=at_s, due_s=at_s - 0.1) for at_s in done_s)


def test_each_fault_has_its_own_stall():
    history = paid(9.5, 10.0, 12.0, 12.5, 20.0, 25.0, 25.5)
    first, second = passages(history, (), [mishap(10.1), mishap(20.1)])
    assert (first.write_stall_s, second.write_stall_s) == (7.5, 5.0)


def test_a_stall_begins_with_what_was_answered_before_the_fault():
    [only] = passages(paid(5.0, 9.9, 14.0), (), [mishap(10.0)])
    assert only.write_stall_s == 14.0 - 9.9


def test_the_order_of_the_history_does_not_matter():
    [only] = passages(paid(14.0, 5.0, 9.9), (), [mishap(10.0)])
    assert only.write_stall_s == 14.0 - 9.9


def test_reads_have_their_own_stall():
    reads = tuple(read(n, done_s=at_s) for n, at_s in ((1, 9.9), (2, 10.5), (3, 12.0)))
    [only] = passages((*paid(9.9, 10.2), *reads), (), [mishap(10.0)])
    assert only.read_stall_s == 1.5


def test_the_table_names_what_was_broken_with_its_problem():
    [only] = passages(paid(9.9, 10.5), (), [mishap(10.0, problem="not broken: no warden runs")])
    assert "| 1 | switchover | db1 | 0 | 0.60 | ≤ 1 |" in page([only])
    assert "no warden runs" in page([only])


def led(*hosts):
    """A host at each of 9, 15, 19, 25 s, ... that leads; a new one opens a timeline."""
    timeline, before, samples = 3, hosts[0], ()
    for at_s, host in zip((9, 15, 19, 25), hosts, strict=True):
        timeline += host != before
        before, samples = host, samples + looks(host, (at_s, "primary", timeline))
    return samples


def unpromised(samples, first, second):
    return failovers_unpromised(passages((), samples, [first, second]))


ONE = {"failovers_max": 1, "takeovers_min": 1}


def test_a_fault_after_which_as_many_hosts_took_over_as_promised_passes():
    samples = led("db1", "db2", "db2", "db2")
    assert unpromised(samples, mishap(10.0, **ONE), mishap(20.0)) == []


def test_a_failover_of_one_fault_is_not_paid_for_by_the_promise_of_another():
    samples = led("db1", "db1", "db1", "db2")
    [first, second] = unpromised(samples, mishap(10.0, **ONE), mishap(20.0))
    assert first == "1, switchover: db1 led; 0 takeovers, 1 at least"
    assert second == "2, switchover: db1, then db2 led; 1 failovers, 0 at most"


def test_of_a_fault_that_did_not_come_no_takeover_is_expected():
    samples = led("db1", "db1", "db1", "db1")
    failed = mishap(10.0, problem="not broken: no warden runs", **ONE)
    assert unpromised(samples, failed, mishap(20.0)) == []


def test_the_table_says_how_often_each_fault_failed_over():
    found = passages(paid(9.9, 10.5), led("db1", "db2", "db2", "db2"), [mishap(10.0, **ONE)])
    assert "| 1 (≤ 1) |" in page(found)


# A write a second, but for 2.5 s after the fault at 10 s: with 1.5 s beyond the stall, an answer to
# what was asked then may take 4.0 s, to what was asked after the fault at 20 s but 2.5 s.
WRITES = paid(9.5, *(12.0 + second for second in range(18)))


def answered(due_s, after_s, **promised):
    """What is found of a read, with two faults, the first of which promises this beside."""
    history = (*WRITES, read(99, due_s=due_s, done_s=due_s + after_s))
    faults = [mishap(10.0, **promised), mishap(20.0)]
    return answered_late(history, passages(history, (), faults))


def test_an_answer_soon_after_the_stall_of_its_fault_passes():
    assert answered(10.0, 4.0) == []


def test_an_answer_long_after_the_stall_of_its_fault_is_found():
    assert answered(10.0, 4.25) == [
        "1, switchover: read drill-r99 was answered after 4.25 s, promised 4.00 s"
    ]


def test_a_stall_excuses_nothing_of_the_next_fault():
    [finding] = answered(22.0, 3.0)
    assert finding.startswith("2, switchover: read drill-r99")


def test_who_waits_through_two_faults_has_the_time_of_the_more_patient_one():
    assert answered(18.0, 3.5) == []
    assert len(answered(18.0, 4.5)) == 1


def test_a_fault_that_promises_no_stall_has_an_answer_s_own_promise():
    assert answered(10.0, 20.0, write_stall_s=None, slowest_s=20.0) == []
    assert len(answered(10.0, 5.0, write_stall_s=None, slowest_s=4.5)) == 1


def test_what_was_slow_before_anything_was_broken_is_of_no_fault():
    assert answered(1.0, 7.0) == []
