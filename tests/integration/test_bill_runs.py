"""Billing a month, on a real database."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from service.domain.bill_runs import BillRunUnfinished, BillRunUnknown, MonthNotClosed
from service.domain.bureaus import BureauUnknown
from service.domain.months import Month
from service.domain.permissions import RoleForbidden
from service.store import bill_chunks, bill_issues
from service.store import bill_runs as store
from service.store.database import Database
from service.store.pool import DatabaseAway
from service.usecases.bill_chunks import ChunkBroken, bill_next_chunk, oldest_unfinished_run
from service.usecases.bill_runs import bill_run_by_id, start_bill_run
from service.worker import Worker
from tests.integration.utilities import CHUNK_ACCOUNTS, FEBRUARY, MARCH, Utility

WAIT_S = 20.0


class Killed(BaseException):
    """What a killed worker leaves of its transaction: nothing, and no handler runs."""


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now, monkeypatch):
    """A bureau of its own, billed in chunks of three accounts."""
    monkeypatch.setattr(store, "ACCOUNTS_PER_CHUNK", CHUNK_ACCOUNTS)
    utility = Utility(migrated.superuser, database, worker_database, caller, once, now)
    utility.drain()  # what another test has left
    yield utility
    monkeypatch.undo()
    utility.drain()  # leaves no chunk to the next test's workers


def test_a_run_bills_every_account_once(utility):
    homes, shop = utility.open_accounts(6), utility.open_accounts(category="commercial")
    utility.read(homes, "310")
    utility.read(shop, "1250")

    run = utility.bill()

    assert (run.state, run.accounts, run.billed, run.failed) == ("finished", 7, 7, 0)
    assert (run.chunks, run.chunks_done) == (3, 3)
    assert run.amount_fen == 6 * 193_10 + 711_25  # worked examples E01, E06
    assert utility.bill_counts() == dict.fromkeys(homes + shop, 1)
    assert utility.contradictions() == []


def test_a_run_that_is_asked_for_says_how_much_there_is_to_do(utility):
    utility.open_accounts(4)

    run = utility.show(utility.start())

    assert (run.state, run.accounts, run.chunks) == ("queued", 4, 2)


def test_a_run_under_way_says_how_far_it_is(utility):
    utility.read(utility.open_accounts(4), "10")
    run = utility.start()

    utility.work()
    found = utility.show(run)
    assert (found.state, found.calculated, found.chunks_calculated) == ("calculating", 3, 1)

    utility.drain()
    assert (utility.show(run).state, utility.bill_counts()) == ("calculated", {})
    utility.approve(run)
    utility.work()
    found = utility.show(run)
    assert (found.state, found.billed, found.chunks_done) == ("issuing", 3, 1)


def test_a_bill_begins_where_the_bill_before_ended(utility):
    home = utility.open_accounts()
    utility.read(home, "100.4")
    utility.bill()
    utility.read(home, "150", month=MARCH, before_end=timedelta(days=10))
    utility.read(home, "200.6", month=MARCH, before_end=timedelta(days=1))

    utility.bill(MARCH)

    assert [(bill.month, bill.consumption_kwh) for bill in utility.bills(home[0]).items] == [
        ("2026-03", 100),
        ("2026-02", 100),
    ]


def test_the_last_moment_of_a_month_belongs_to_it_and_midnight_does_not(utility):
    home = utility.open_accounts()
    utility.read(home, "100", before_end=timedelta(microseconds=1))
    utility.read(home, "130", before_end=timedelta(0))

    utility.bill()
    utility.bill(MARCH)

    assert [bill.consumption_kwh for bill in utility.bills(home[0]).items] == [30, 100]


def test_a_register_that_rolled_over_between_two_bills_is_billed(utility):
    home = utility.open_accounts(digits=5, register="99850")
    utility.read(home, "99950", before_end=timedelta(days=9))
    utility.read(home, "50", before_end=timedelta(days=5))
    utility.read(home, "130", before_end=timedelta(days=1))

    utility.bill()

    assert utility.bills(home[0]).items[0].consumption_kwh == 280  # worked example E07


def test_a_killed_worker_leaves_its_chunk_to_the_next(utility, monkeypatch):
    homes = utility.open_accounts(3)
    utility.read(homes, "310")
    run = utility.start()

    def die(*_args, **_kwargs):
        raise Killed

    for step in ("finish_calculation", "finish"):
        with monkeypatch.context() as patch:
            patch.setattr(bill_chunks, step, die)
            with pytest.raises(Killed):
                utility.work()
        assert utility.bill_counts() == {}
        utility.drain()
        utility.approve(run)

    assert utility.bill_counts() == dict.fromkeys(homes, 1)
    assert utility.show(run).billed == 3
    assert utility.contradictions() == []


def test_two_workers_bill_different_chunks_side_by_side(
    utility, monkeypatch, migrated, now, deadline
):
    homes = utility.open_accounts(6)
    utility.read(homes, "310")
    utility.approve(utility.calculated())
    has_claimed, may_finish = threading.Event(), threading.Event()
    finish = bill_chunks.finish

    def finish_late(*args, **kwargs):
        if threading.current_thread().name == "slow":
            has_claimed.set()
            assert may_finish.wait(WAIT_S)
        finish(*args, **kwargs)

    monkeypatch.setattr(bill_chunks, "finish", finish_late)
    other = Database(dsn=migrated.dsn("evergrid_worker"), connections_max=1)
    chunks = []

    def slow():
        chunks.append(bill_next_chunk(database=other, now=now, deadline=deadline))

    thread = threading.Thread(target=slow, name="slow")
    thread.start()
    assert has_claimed.wait(WAIT_S)
    beside = utility.drain()
    may_finish.set()
    thread.join(WAIT_S)
    other.close()

    assert [billed.chunk.chunk for billed in (*chunks, *beside)] == [1, 2]
    assert utility.bill_counts() == dict.fromkeys(homes, 1)


def test_many_workers_bill_no_account_twice(utility, migrated, now, deadline):
    homes = utility.open_accounts(30)
    utility.read(homes, "310")
    run = utility.start()

    def work():
        own = Database(dsn=migrated.dsn("evergrid_worker"), connections_max=1)
        while bill_next_chunk(database=own, now=now, deadline=deadline):
            pass
        own.close()

    for _ in ("calculate", "issue"):
        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(WAIT_S)
        utility.approve(run)

    assert utility.bill_counts() == dict.fromkeys(homes, 1)
    assert utility.show(run).amount_fen == 30 * 193_10
    assert utility.contradictions() == []


def test_what_was_paid_ahead_pays_the_bill_when_it_is_issued(utility):
    (home,) = utility.open_accounts()
    first, second = utility.pay(home, 100_00), utility.pay(home, 200_00)
    utility.read([home], "310")

    utility.bill()

    (bill,) = utility.bills(home).items
    assert (bill.amount_fen, bill.open_fen) == (193_10, 0)
    assert utility.query(
        "SELECT payment_no, amount_fen, is_from_prepayment FROM evergrid.allocation "
        "WHERE bureau_id = {bureau} ORDER BY payment_no"
    ) == [(first, 100_00, True), (second, 93_10, True)]
    assert utility.query(
        "SELECT open_fen FROM evergrid.prepayment_lot WHERE bureau_id = {bureau} "
        "ORDER BY payment_no"
    ) == [(0,), (106_90,)]
    assert utility.contradictions() == []


def test_a_prepayment_too_small_leaves_the_rest_open(utility):
    (home,) = utility.open_accounts()
    utility.pay(home, 100_00)
    utility.read([home], "310")

    utility.bill()

    assert utility.bills(home).items[0].open_fen == 93_10
    utility.pay(home, 93_10)
    assert utility.bills(home).items[0].open_fen == 0
    assert utility.contradictions() == []


def test_an_account_that_cannot_be_billed_keeps_no_other_from_its_bill(utility):
    homes = utility.open_accounts(3)
    utility.read(homes[:2], "310")

    run = utility.bill()

    assert (run.billed, run.failed) == (2, 1)
    (failure,) = run.failures
    assert (failure.account_no, failure.code) == (homes[2], "READING_MISSING")
    assert utility.bill_counts() == dict.fromkeys(homes[:2], 1)


def test_a_chunk_without_bills_does_not_hold_up_the_others(utility):
    homes = utility.open_accounts(6)
    utility.read(homes[3:], "310")

    run = utility.bill()

    assert (run.state, run.chunks_done, run.billed, run.failed) == ("finished", 2, 3, 3)


def test_a_second_run_bills_only_what_the_first_could_not(utility):
    homes = utility.open_accounts(3)
    utility.read(homes[:2], "310")
    utility.bill()
    utility.read(homes[2:], "310")

    again = utility.bill()

    assert (again.accounts, again.billed, again.failed) == (1, 1, 0)
    assert utility.bill_counts() == dict.fromkeys(homes, 1)


def test_a_run_with_nothing_to_bill_is_finished_at_once(utility):
    utility.read(utility.open_accounts(), "310")
    utility.bill()

    run = utility.show(utility.start())

    assert (run.state, run.accounts) == ("finished", 0)


def test_an_account_opened_later_is_not_part_of_the_month(utility):
    utility.open_accounts(month=MARCH)

    assert utility.bill().accounts == 0


def test_a_month_without_a_reading_is_part_of_the_next_bill(utility):
    home = utility.open_accounts()
    utility.bill()
    utility.read(home, "341", month=MARCH)
    utility.bill(MARCH)

    late = utility.bill()

    assert utility.bills(home[0]).items[0].amount_fen == 340 * 56 + 61  # tiers of two months
    assert [failure.code for failure in late.failures] == ["LATER_MONTH_BILLED"]


def test_a_bill_that_reaches_back_before_the_first_prices_is_not_issued(utility):
    utility.read(utility.open_accounts(month=Month(2019, 12)), "310")

    run = utility.bill()

    assert [failure.code for failure in run.failures] == ["PRICE_MISSING"]


def test_a_fault_outside_any_chunk_is_not_blamed_on_one(utility, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(bill_chunks, "claim", fail)
        with pytest.raises(ZeroDivisionError):
            utility.work()


def test_a_bureau_s_next_run_waits_for_its_run_before(utility):
    home = utility.open_accounts()
    utility.read(home, "100")
    utility.read(home, "150", month=MARCH)
    first = utility.start()
    utility.start(MARCH)

    assert utility.work(passed={(first, 1)}) is None
    assert [billed.chunk.month for billed in utility.drain()] == [FEBRUARY]
    utility.approve(first)
    assert [billed.chunk.month for billed in utility.drain()] == [FEBRUARY, MARCH]


def test_the_oldest_unfinished_run_is_known_until_it_is_done(
    utility, worker_database, now, deadline
):
    def oldest():
        return oldest_unfinished_run(database=worker_database, deadline=deadline)

    home = utility.open_accounts()
    utility.read(home, "100")
    assert oldest() is None
    run = utility.start()
    assert oldest() == now
    utility.drain()
    assert oldest() is None, "it waits for a person"
    utility.start(MARCH)
    assert oldest() is None, "so does the next month's"
    utility.approve(run)
    assert oldest() == now
    utility.drain()
    assert oldest() is None


def test_a_run_that_has_nothing_to_issue_waits_for_nobody(utility):
    utility.open_accounts()
    run = utility.calculated()

    assert (utility.show(run).state, utility.show(run).failed) == ("finished", 1)
    assert utility.show(utility.start()).state == "queued", "nor does another run of the month"


def test_a_month_that_is_not_over_cannot_be_billed(utility):
    with pytest.raises(MonthNotClosed):
        utility.start(Month(2026, 4))


def test_a_month_is_billed_by_one_run_at_a_time(utility):
    utility.open_accounts()
    run = utility.start()

    with pytest.raises(BillRunUnfinished, match=f"run {run} is billing 2026-02"):
        utility.start()


@pytest.mark.parametrize("bureau_id", [0, 99, 100, 70_000])
def test_an_unknown_bureau_cannot_be_billed(
    bureau_id, utility, database, caller, once, now, deadline
):
    with pytest.raises(BureauUnknown):
        start_bill_run(
            database=database,
            caller=caller("head_office", None),
            once=once(),
            month=FEBRUARY,
            bureau_id=bureau_id,
            now=now,
            deadline=deadline,
        )


def test_a_bureau_is_billed_and_watched_by_its_own_officers_only(
    utility, database, caller, once, now, deadline
):
    utility.open_accounts()
    run = utility.start()
    neighbour = caller("billing_officer", 2)

    with pytest.raises(BureauUnknown):
        start_bill_run(
            database=database,
            caller=neighbour,
            once=once(),
            month=FEBRUARY,
            bureau_id=utility.bureau,
            now=now,
            deadline=deadline,
        )
    with pytest.raises(BillRunUnknown):
        bill_run_by_id(database=database, caller=neighbour, bill_run_id=run, deadline=deadline)
    with pytest.raises(RoleForbidden):
        bill_run_by_id(
            database=database,
            caller=caller("hall_clerk", utility.bureau),
            bill_run_id=run,
            deadline=deadline,
        )


@pytest.mark.parametrize("bill_run_id", [0, 2**31, 2**63, 10**30])
def test_a_run_that_nobody_started_is_unknown(bill_run_id, utility):
    with pytest.raises(BillRunUnknown):
        utility.show(bill_run_id)


def test_a_run_asked_for_twice_under_one_key_is_started_once(
    utility, database, caller, once, now, deadline
):
    utility.open_accounts()
    same = once(f"run of {utility.bureau}")
    answers = [
        start_bill_run(
            database=database,
            caller=caller("billing_officer", utility.bureau),
            once=same,
            month=FEBRUARY,
            bureau_id=utility.bureau,
            now=now,
            deadline=deadline,
        )
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert utility.query("SELECT month FROM evergrid.bill_run WHERE bureau_id = {bureau}") == [
        (date(2026, 2, 1),)
    ]


@pytest.fixture
def broken(utility, monkeypatch):
    """Six homes in two chunks, of which the first breaks when its bills are written."""
    homes = utility.open_accounts(6)
    utility.read(homes, "310")
    utility.approve(utility.calculated())
    issue = bill_issues.issue

    def issue_or_break(*args, chunk, **kwargs):
        issue(*args, chunk=chunk, **kwargs)
        if chunk.chunk == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(bill_issues, "issue", issue_or_break)
    return homes


def test_a_broken_chunk_is_undone_and_can_be_passed_over(utility, broken):
    with pytest.raises(ChunkBroken, match="/1 of 2026-02") as raised:
        utility.work()
    passed = {(raised.value.chunk.bill_run_id, raised.value.chunk.chunk)}

    assert utility.work(passed=passed).chunk.chunk == 2
    assert utility.work(passed=passed) is None
    assert utility.bill_counts() == dict.fromkeys(broken[3:], 1)


@pytest.fixture
def worker(worker_database, now):
    """A worker that never sleeps."""
    return Worker(
        database=worker_database, clock=lambda: now, stop=threading.Event(), deadline_s=WAIT_S
    )


def test_a_worker_leaves_a_broken_chunk_aside_until_its_next_upkeep(
    utility, broken, worker, monkeypatch
):
    assert [worker.step(), worker.step(), worker.step()] == [True, True, False]
    assert utility.bill_counts() == dict.fromkeys(broken[3:], 1)

    monkeypatch.undo()  # mended
    worker._upkeep_due = 0.0

    assert worker.step() is True
    assert utility.bill_counts() == dict.fromkeys(broken, 1)


def test_a_worker_outlives_a_database_that_is_away(worker, monkeypatch):
    pauses = []

    def wait(seconds):
        pauses.append(seconds)
        worker._stop.set()

    def away(**_arguments):
        raise DatabaseAway("no primary was found until the deadline")

    monkeypatch.setattr("service.worker.oldest_unfinished_run", away)
    monkeypatch.setattr(worker._stop, "wait", wait)

    worker.run()

    assert len(pauses) == 1
    assert 0.5 <= pauses[0] <= 1.5
