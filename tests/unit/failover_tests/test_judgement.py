"""A drill passes if every promise was kept; each broken one fails it, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover_tests import budgets
from failover_tests.books import Standing
from failover_tests.judgement import judged
from failover_tests.promises import Promises

from .conftest import in_order, looks, payment, read, recorded


def broken(evidence, promises=None):
    """The promises that this evidence breaks."""
    outcome = judged(evidence, promises or Promises())
    assert outcome.is_passed == all(check.is_kept for check in outcome.verdict)
    return [check.promise for check in outcome.verdict if not check.is_kept]


def test_a_drill_in_which_nothing_went_wrong_passes(evidence):
    assert broken(evidence, Promises(write_stall_s=1.1, read_stall_s=1.1)) == []


def test_every_check_says_what_it_examined(evidence):
    assert all(check.examined for check in judged(evidence, Promises()).verdict)


def test_a_failed_request_fails_the_drill(evidence):
    failing = replace(evidence, history=(*evidence.history, payment(5, status=None, error="X")))
    assert broken(failing) == ["no request failed"]


def test_a_lost_acknowledgement_fails_the_drill(evidence):
    books = replace(evidence.books, payments=evidence.books.payments[:-1])
    assert "no acknowledged payment is lost" in broken(replace(evidence, books=books))


def test_a_payment_taken_twice_fails_the_drill(evidence):
    twice = (*evidence.books.payments, recorded(4, payment_no="20260401000000000099"))
    books = replace(evidence.books, payments=twice)
    assert "no payment is doubled" in broken(replace(evidence, books=books))


def test_a_read_of_the_past_fails_the_drill(evidence):
    stale = replace(evidence, history=(*evidence.history, read(9, net_fen=0)))
    assert broken(stale) == ["no read shows the past"]


def test_two_primaries_at_once_fail_the_drill(evidence):
    other = looks("db2", (1, "primary", 4), (4, "primary", 4))
    samples = in_order(evidence.samples, other)
    assert "never two primaries" in broken(replace(evidence, samples=samples))


def test_a_failure_hidden_by_a_repetition_fails_the_drill(evidence):
    hidden = replace(evidence, history=(*evidence.history, read(9, attempts=2)))
    assert broken(hidden) == ["no client had to repeat a request"]


IN_FLIGHT = "only what was on its way as the address moved was repeated"


def moved(evidence, *requests):
    """The edge was lost at 2.5 s, another had its address by 3 s; these requests beside."""
    fault = evidence.faults[0].address_moved(at_s=3.0)
    return replace(evidence, faults=(fault,), history=(*evidence.history, *requests))


def test_what_was_on_its_way_as_the_address_moved_may_be_repeated(evidence):
    cut_off = moved(evidence, read(2, attempts=2, done_s=2.9), read(3, attempts=2))
    assert broken(cut_off, Promises(is_retrying=True)) == []


def test_a_connection_that_idled_with_the_lost_edge_may_be_found_out_a_little_later(evidence):
    soon = 3.0 + budgets.ADDRESS_MOVED_GRACE_S - 0.1
    idle = moved(evidence, read(4, attempts=2, sent_s=soon, done_s=5.0))
    assert broken(idle, Promises(is_retrying=True)) == []


@pytest.mark.parametrize("number", [1, 5])
def test_a_repetition_of_what_was_not_on_its_way_fails_the_drill(evidence, number):
    """Answered before the edge was lost, or sent when the address had moved for long."""
    late = moved(evidence, read(number, attempts=2))
    assert broken(late, Promises(is_retrying=True)) == [IN_FLIGHT]


def test_where_no_address_moved_nobody_has_to_repeat(evidence):
    hidden = replace(evidence, history=(*evidence.history, read(3, attempts=2)))
    assert broken(hidden, Promises(is_retrying=True)) == [IN_FLIGHT]


def test_a_moved_address_excuses_nobody_whom_no_repetition_was_asked_of(evidence):
    assert broken(moved(evidence, read(3, attempts=2))) == ["no client had to repeat a request"]


def test_a_stall_longer_than_promised_fails_the_drill(evidence):
    promises = Promises(write_stall_s=0.9)
    assert broken(evidence, promises) == ["writes stalled no longer than promised (≤ 0.9 s)"]


def test_a_stall_of_reads_longer_than_promised_fails_the_drill(evidence):
    promises = Promises(read_stall_s=0.9)
    assert broken(evidence, promises) == ["reads stalled no longer than promised (≤ 0.9 s)"]


def test_an_answer_much_later_than_the_stall_fails_the_drill(evidence):
    """The stall was 1 s, whatever was promised: 4 s more would have been allowed it."""
    late = read(4, done_s=4 + 1.1 + budgets.SLOWEST_BEYOND_STALL_S)
    slow = replace(evidence, history=(*evidence.history, late))
    assert broken(slow, Promises(write_stall_s=5.0)) == [
        "the slowest answer came soon enough (≤ 2.5 s)"
    ]


def test_an_answer_has_a_promise_of_its_own_where_no_stall_has_one(evidence):
    late = replace(evidence, history=(*evidence.history, read(4, done_s=7.0)))
    assert broken(late) == []
    assert broken(late, Promises(slowest_s=3.0)) == []
    assert broken(late, Promises(slowest_s=2.9)) == [
        "the slowest answer came soon enough (≤ 2.9 s)"
    ]


def test_a_drill_may_allow_a_later_answer(evidence):
    late = read(4, done_s=4 + 1.2 + budgets.SLOWEST_BEYOND_STALL_S)
    slow = replace(evidence, history=(*evidence.history, late))
    assert broken(slow, Promises(write_stall_s=1.1, slowest_beyond_s=2.0)) == []


def test_what_was_slow_before_anything_was_broken_is_no_stall(evidence):
    cold = payment(-30, done_s=-0.5)
    books = replace(evidence.books, payments=(*evidence.books.payments, recorded(-30)))
    warm = replace(evidence, history=(cold, *evidence.history), books=books)
    assert "writes stalled no longer than promised (≤ 1.1 s)" not in broken(
        warm, Promises(write_stall_s=1.1)
    )


def test_a_failover_nobody_promised_fails_the_drill(evidence):
    standing = Standing(evidence.books.standing.totals, timeline=4)
    moved = replace(evidence, books=replace(evidence.books, standing=standing))
    assert broken(moved) == ["at most 0 failovers"]
    assert broken(moved, Promises(failovers_max=1)) == []


def test_a_second_failover_fails_the_drill(evidence):
    standing = Standing(evidence.books.standing.totals, timeline=5)
    moved = replace(evidence, books=replace(evidence.books, standing=standing))
    assert broken(moved, Promises(failovers_max=1)) == ["at most 1 failovers"]


AWAY = {"status": 503, "payment_no": None, "error": "AWAY", "retry_after_s": 1}


def refusing(evidence, *requests):
    """No replica could confirm from 2.5 to 3.5 s, what is due at 4 s is paid; these beside."""
    fault = replace(evidence.faults[0], proven_s=2.0, unconfirmed_until_s=3.5)
    return replace(evidence, faults=(fault,), history=(*evidence.history, *requests))


def test_a_refusal_with_its_reason_is_allowed_where_it_was_promised(evidence):
    refused = refusing(evidence, payment(3, done_s=30.0, **AWAY))
    assert broken(refused) == ["no request failed"]
    assert broken(refused, Promises(may_refuse=True)) == []


def test_who_is_refused_long_after_a_replica_is_back_fails_the_drill(evidence):
    """Sent when those who had waited are refused at the latest: nothing came back by itself."""
    due_s = 3.5 + budgets.API_DEADLINE_S
    refused = payment(3, done_s=30.0, **AWAY)
    still = payment(9, due_s=due_s, sent_s=due_s, done_s=due_s + 1, **AWAY)
    assert broken(refusing(evidence, refused, still), Promises(may_refuse=True)) == [
        "no request failed but by a refusal with its reason"
    ]


def test_payments_that_are_not_taken_again_fail_the_drill(evidence):
    """What is due at 4 s is still waiting when the drill ends."""
    books = replace(evidence.books, payments=evidence.books.payments[:4])
    standing = replace(books.standing, totals=replace(books.standing.totals, payments=4))
    refused = payment(3, key="drill-p9", done_s=30.0, **AWAY)
    gone = refusing(replace(evidence, books=replace(books, standing=standing)), refused)
    never = replace(gone, history=tuple(r for r in gone.history if r.key != "drill-p4"))
    assert broken(never, Promises(may_refuse=True)) == ["payments are taken again by themselves"]


def test_where_nobody_was_kept_from_confirming_no_refusal_has_a_reason(evidence):
    refused = replace(evidence, history=(*evidence.history, payment(3, done_s=30.0, **AWAY)))
    assert broken(refused, Promises(may_refuse=True)) == [
        "no request failed but by a refusal with its reason",
        "payments are taken again by themselves",
    ]


def test_a_timeout_is_not_allowed_where_refusals_were_promised(evidence):
    silent = payment(9, status=None, payment_no=None, error="ClientTimeout")
    silenced = refusing(evidence, payment(3, done_s=30.0, **AWAY), silent)
    assert broken(silenced, Promises(may_refuse=True)) == [
        "no request failed but by a refusal with its reason"
    ]


def test_a_lab_that_is_whole_too_late_fails_the_drill(evidence):
    late = replace(evidence, rejoined_s=budgets.REJOIN_S + 1)
    assert broken(late) == ["whole again soon after nothing was broken any more (≤ 90 s)"]


def test_a_lab_that_does_not_become_whole_fails_the_drill(evidence):
    assert broken(replace(evidence, complaint="db1 is no member")) == [
        "whole again soon after nothing was broken any more"
    ]


def test_nobody_who_is_refused_where_refusals_were_promised_fails_the_drill(evidence):
    assert broken(refusing(evidence), Promises(may_refuse=True)) == [
        "payments were refused with their reason"
    ]


def test_two_hosts_that_take_writes_fail_the_drill_though_patroni_says_nothing(evidence):
    other = looks("db2", (1, "primary", 4), (4, "primary", 4))
    wardens = in_order(evidence.wardens, other)
    assert broken(replace(evidence, wardens=wardens)) == ["clients' writes never taken by two"]


@pytest.mark.parametrize(
    ("which", "promise"),
    [("samples", "never two primaries"), ("wardens", "clients' writes never taken by two")],
)
def test_looks_that_never_show_a_primary_prove_nothing(evidence, which, promise):
    blind = looks("db1", (0, "silent", None), (5, "streaming", 3))
    assert broken(replace(evidence, **{which: blind})) == [promise]


def taken_over(evidence, host):
    """Timeline 4 begins, led by `host`, after something was broken at 2.5 s."""
    standing = Standing(evidence.books.standing.totals, timeline=4)
    led = looks("db1", (0, "primary", 3)) + looks(host, (4, "primary", 4))
    return replace(evidence, samples=led, books=replace(evidence.books, standing=standing))


def test_another_host_that_takes_over_where_that_was_promised_passes(evidence):
    promises = Promises(failovers_max=1, takeovers_min=1)
    assert broken(taken_over(evidence, "db2"), promises) == []


def test_a_host_that_goes_on_leading_where_another_was_promised_fails_the_drill(evidence):
    promises = Promises(failovers_max=1, takeovers_min=1)
    assert broken(evidence, promises) == ["another host takes over (1 at least)"]


def test_a_host_that_is_promoted_in_its_own_place_has_taken_nothing_over(evidence):
    promises = Promises(failovers_max=1, takeovers_min=1)
    assert broken(taken_over(evidence, "db1"), promises) == ["another host takes over (1 at least)"]


UNCONFIRMED = "nothing is acknowledged that no replica confirmed"


def unconfirmed(evidence, *, until_s, proven_s=2.5):
    """No replica could confirm a commit from `proven_s` on, until `until_s`."""
    fault = replace(evidence.faults[0], proven_s=proven_s, unconfirmed_until_s=until_s)
    return replace(evidence, faults=(fault,))


def waiting(evidence, *, until_s, done_s):
    """The same, with payments that were sent meanwhile; those of 3 and 4 s are done later."""
    history = (payment(0), payment(1), payment(2), payment(3, done_s=done_s))
    books = replace(evidence.books, payments=evidence.books.payments[:4])
    totals = replace(evidence.books.standing.totals, payments=4)
    standing = replace(evidence.books.standing, totals=totals)
    paid = replace(evidence, history=history, books=replace(books, standing=standing))
    return unconfirmed(paid, until_s=until_s)


def test_a_payment_that_waits_until_somebody_can_confirm_it_passes(evidence):
    held = waiting(evidence, until_s=8.0, done_s=8.5)
    assert UNCONFIRMED not in broken(held, Promises(is_unconfirmed=True))


def test_an_acknowledgement_that_nobody_confirmed_fails_the_drill(evidence):
    alone = waiting(evidence, until_s=8.0, done_s=3.1)
    assert broken(alone, Promises(is_unconfirmed=True)) == [UNCONFIRMED]


def test_what_was_confirmed_before_may_still_be_on_its_way(evidence):
    sent = waiting(evidence, until_s=8.0, done_s=2.5 + budgets.IN_FLIGHT_S - 0.01)
    assert UNCONFIRMED not in broken(sent, Promises(is_unconfirmed=True))


def test_time_in_which_nobody_pays_proves_nothing(evidence):
    quiet = unconfirmed(evidence, proven_s=7.0, until_s=8.0)
    assert broken(quiet, Promises(is_unconfirmed=True)) == [UNCONFIRMED]


def test_a_drill_that_never_kept_replicas_from_confirming_proves_nothing(evidence):
    assert broken(evidence, Promises(is_unconfirmed=True)) == [UNCONFIRMED]
