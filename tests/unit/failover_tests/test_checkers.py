"""Each checker finds nothing in a right history, and the one thing in a doctored one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover_tests import checkers
from failover_tests.books import AccountBalance, BillSum, JournalSum, Switch, Totals, Unexplained

from .conftest import in_order, looks, payment, read, recorded

# Nobody could confirm a payment in this time.
AWAY = [(8.0, 12.0)]
BEFORE = Totals(payments=0, journals=0, accounts=1, bills=0)


def test_a_right_history_has_no_findings(history, books):
    assert checkers.failed(history) == []
    assert checkers.lost(history, books.payments) == []
    assert checkers.doubled(history, books.payments) == []
    after = books.standing.totals
    assert checkers.never_attempted(history, books.payments, before=BEFORE, after=after) == []
    assert checkers.repeated(history) == []
    assert checkers.stale(history, books) == []
    assert checkers.payments_unexplained(books) == []
    assert checkers.journals_unbalanced(books) == []
    assert checkers.balances_wrong(books) == []


def test_a_request_without_an_answer_failed(history):
    broken = payment(9, status=None, payment_no=None, error="ServerDisconnectedError")
    assert checkers.failed((*history, broken)) == [
        "payment drill-p9 of account 1000000001: ServerDisconnectedError (status None) after 0.0 s"
    ]


def test_an_unavailable_service_failed_the_read(history):
    [finding] = checkers.failed((*history, read(9, status=503, error="BUSY")))
    assert "read drill-r9" in finding
    assert "BUSY (status 503)" in finding


def test_a_refusal_with_its_reason_is_no_failure_where_it_was_promised(history):
    refused = payment(9, status=503, payment_no=None, error="DATABASE_AWAY", retry_after_s=1)
    assert checkers.failed_without_reason((*history, refused), refusing=AWAY) == []
    assert len(checkers.failed((*history, refused))) == 1


@pytest.mark.parametrize(("due_s", "done_s"), [(1.0, 7.9), (12.0, 39.0)])
def test_a_refusal_before_or_after_somebody_could_confirm_is_a_failure(history, due_s, done_s):
    """Answered just before the replicas were lost, or sent when they were back for long."""
    early = {"due_s": due_s, "sent_s": due_s, "done_s": done_s, "retry_after_s": 1}
    refused = payment(9, status=503, payment_no=None, error="DATABASE_AWAY", **early)
    [finding] = checkers.failed_without_reason((*history, refused), refusing=AWAY)
    assert "drill-p9" in finding


def test_a_refusal_that_does_not_say_when_to_ask_again_is_a_failure(history):
    refused = payment(9, status=503, payment_no=None, error="Status503")
    [finding] = checkers.failed_without_reason((*history, refused), refusing=AWAY)
    assert "drill-p9" in finding


def test_a_read_is_never_refused_for_want_of_replicas(history):
    refused = read(9, status=503, error="DATABASE_AWAY", retry_after_s=1)
    [finding] = checkers.failed_without_reason((*history, refused), refusing=AWAY)
    assert "drill-r9" in finding


def test_a_timeout_is_a_failure_where_refusals_were_promised(history):
    silent = payment(9, status=None, payment_no=None, error="ClientTimeout")
    assert len(checkers.failed_without_reason((*history, silent), refusing=AWAY)) == 1


def test_a_failure_that_a_repetition_hid_is_found(history):
    hidden = payment(9, attempts=2)
    assert checkers.failed((*history, hidden)) == []
    assert checkers.repeated((*history, hidden)) == [hidden]


def test_what_had_to_be_repeated_as_it_was_on_its_way_is_excused(history):
    """Sent before the span ended, answered after it began; a hair outside of it is found."""
    within = (payment(9, attempts=2, done_s=10.0), payment(11, attempts=2))
    outside = (payment(8, attempts=2, done_s=9.9), payment(12, attempts=2))
    spans = [(10.0, 12.0)]
    assert checkers.repeated((*history, *within, *outside), in_flight=spans) == [*outside]


def test_a_read_that_shows_every_acknowledged_payment_is_fresh(history, books):
    assert checkers.stale((*history, read(9, net_fen=2500)), books) == []


def test_a_read_that_misses_an_acknowledged_payment_is_stale(history, books):
    assert checkers.stale((*history, read(9, net_fen=2000)), books) == [
        "read drill-r9 of account 1000000001 showed 2000 fen, 2500 fen were acknowledged before"
    ]


def test_a_read_need_not_show_what_was_acknowledged_after_it_was_sent(history, books):
    assert checkers.stale((*history, read(2, net_fen=1000)), books) == []
    assert len(checkers.stale((*history, read(2, net_fen=500)), books)) == 1


def test_a_read_need_not_show_a_payment_that_was_sent_before_but_answered_after(history, books):
    slow = (payment(1, done_s=9.0), *(p for p in history if p.key != "drill-p1"))
    assert checkers.stale((*slow, read(2, net_fen=500)), books) == []


def test_a_read_may_show_a_payment_before_its_client_is_answered(history, books):
    assert checkers.stale((*history, read(2, net_fen=2500)), books) == []


def test_what_an_account_held_before_the_run_is_shown_too(history, books):
    richer = replace(books, balances=(AccountBalance("1000000001", 0, 0, 9500, 9500),))
    assert checkers.stale((*history, read(9, net_fen=9500)), richer) == []
    assert len(checkers.stale((*history, read(9, net_fen=2500)), richer)) == 1


def test_an_acknowledged_payment_that_is_gone_is_lost(history, books):
    [finding] = checkers.lost(history, books.payments[:-1])
    assert "drill-p4" in finding


def test_a_payment_kept_with_another_amount_is_lost(history, books):
    changed = (*books.payments[:-1], recorded(4, amount_fen=499))
    [finding] = checkers.lost(history, changed)
    assert "acknowledged as 500 fen" in finding


def test_an_unanswered_payment_may_be_in_the_books_or_not(history, books):
    unknown = payment(9, status=None, payment_no=None, error="ClientTimeout")
    asked = (*history, unknown)
    assert checkers.lost(asked, books.payments) == []
    assert checkers.lost(asked, (*books.payments, recorded(9))) == []


def test_a_payment_taken_twice_is_doubled(history, books):
    twice = (*books.payments, recorded(4, payment_no="20260401000000000099"))
    assert checkers.doubled(history, twice) == ["payment drill-p4 is in the books 2 times"]


def test_a_number_given_to_two_payments_is_doubled(history, books):
    same_number = payment(9, payment_no=history[0].payment_no)
    [finding] = checkers.doubled((*history, same_number), books.payments)
    assert "was given to 2 payments" in finding


def test_a_payment_nobody_sent_is_found(history, books):
    after = replace(books.standing.totals, payments=6)
    appeared = (*books.payments, recorded(77))
    [finding] = checkers.never_attempted(history, appeared, before=BEFORE, after=after)
    assert "drill-p77" in finding


def test_a_payment_outside_the_run_is_found(history, books):
    after = replace(books.standing.totals, payments=6)
    assert checkers.never_attempted(history, books.payments, before=BEFORE, after=after) == [
        "+1 payments in the books are not of this run: did anybody else pay?"
    ]


def test_money_that_is_not_explained_is_found(books):
    doctored = replace(books, unexplained=(Unexplained("20260401000000000002", 500, 300, 0),))
    assert checkers.payments_unexplained(doctored) == [
        "payment 20260401000000000002 over 500 fen: 300 fen allocated, 0 fen booked"
    ]


def test_an_unbalanced_journal_is_found(books):
    doctored = replace(books, unbalanced=(JournalSum(7, "20260401000000000004", 1),))
    assert checkers.journals_unbalanced(doctored) == [
        "journal 7 (20260401000000000004) sums up to 1 fen"
    ]


def test_a_wrong_prepayment_is_found(books):
    doctored = replace(books, balances=(AccountBalance("1000000001", 0, 0, 2500, 2000),))
    assert checkers.balances_wrong(doctored) == [
        "account 1000000001: prepayment 2500 fen, entries 2000 fen"
    ]


def test_a_wrong_receivable_is_found(books):
    doctored = replace(books, balances=(AccountBalance("1000000001", 10, 0, 2500, 2500),))
    [finding] = checkers.balances_wrong(doctored)
    assert "receivable 10 fen, entries 0 fen" in finding


def test_a_bill_that_is_not_the_sum_of_its_lines_is_found(books):
    doctored = replace(books, bills_wrong=(BillSum("202604100000000101", 900, 899),))
    assert checkers.balances_wrong(doctored) == [
        "bill 202604100000000101: amount 900 fen, lines 899 fen"
    ]


def test_the_stall_is_the_longest_gap_between_acknowledged_writes(history):
    late = payment(5, done_s=30.0)
    assert checkers.stall_s((*history, late)) == 30.0 - 4.01


def test_a_failed_write_does_not_end_a_stall(history):
    refused = payment(5, done_s=10.0, status=503, error="BUSY")
    late = payment(6, done_s=30.0)
    assert checkers.stall_s((*history, refused, late)) == 30.0 - 4.01


def test_without_two_acknowledged_writes_the_stall_is_endless():
    assert checkers.stall_s((payment(1),)) == float("inf")


def test_a_stall_of_reads_is_the_longest_gap_between_answered_ones():
    reads = (read(1), read(2), read(3, done_s=9.0, status=503), read(8, done_s=12.0))
    assert checkers.read_stall_s(reads) == 12.0 - 2.01


def test_the_slowest_request_counts_from_when_it_was_due():
    assert checkers.slowest_s((payment(1), payment(2, sent_s=8.0, done_s=8.5))) == 6.5


def test_a_failover_shows_one_primary_at_a_time():
    old = looks("db1", (0, "primary", 1), (0.2, "primary", 1), (0.4, "silent", None))
    new = looks("db2", (0, "streaming", 1), (2, "primary", 2), (2.2, "primary", 2))
    assert checkers.two_primaries_seen(in_order(old, new)) == []


def test_two_primaries_at_once_are_seen():
    old = looks("db1", (0, "primary", 1), (0.2, "primary", 1), (2.1, "primary", 1))
    new = looks("db2", (0, "streaming", 1), (2, "primary", 2), (2.2, "primary", 2))
    [finding] = checkers.two_primaries_seen(in_order(old, new))
    assert "db1 and db2 were both primary" in finding


def test_one_look_inside_the_other_primary_s_time_is_enough():
    frozen = looks("db1", (0, "primary", 1), (1, "silent", None), (4, "primary", 1))
    new = looks("db2", (3, "primary", 2), (5, "primary", 2))
    assert len(checkers.two_primaries_seen(in_order(frozen, new))) == 1


def test_looks_that_cannot_be_put_in_order_prove_nothing():
    old = looks("db1", (0, "primary", 1), (0.2, "silent", None))
    new = looks("db2", (0.02, "primary", 2), (0.3, "silent", None))
    assert checkers.two_primaries_seen(in_order(old, new)) == []


def test_timelines_that_follow_each_other_are_one_line(books):
    samples = in_order(looks("db1", (0, "primary", 2)), looks("db2", (5, "primary", 3)))
    assert checkers.timeline_broken(samples, books.switches) == []


def test_a_timeline_led_by_two_hosts_is_broken():
    samples = in_order(looks("db1", (0, "primary", 2)), looks("db2", (5, "primary", 2)))
    assert checkers.timeline_broken(samples, ()) == ["timeline 2 was led by db1 and by db2"]


def test_a_primary_that_goes_back_to_an_old_timeline_breaks_the_line():
    samples = in_order(
        looks("db1", (0, "primary", 2), (9, "primary", 2)), looks("db2", (5, "primary", 3))
    )
    assert checkers.timeline_broken(samples, ()) == ["db1 led timeline 2 after 3"]


def test_a_fork_before_an_earlier_fork_breaks_the_line():
    [finding] = checkers.timeline_broken((), (Switch(1, 2000), Switch(2, 1000)))
    assert "before timeline 1 did" in finding
