"""Posting readings, on a real database."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import psycopg2
import pytest

from service.domain import account_numbers
from service.domain.account_imports import ImportLine
from service.domain.new_accounts import NewAccount, NewMeter
from service.domain.permissions import RoleForbidden
from service.domain.reading_batches import BATCH_MAX, BatchLengthRefused
from service.domain.readings import NewReading
from service.store import readings as store
from service.usecases.accounts import import_accounts
from service.usecases.readings import post_readings

NUMBERS = itertools.count(710_000_000)
READ_AT = datetime(2026, 3, 31, 10, 0, tzinfo=UTC)


@pytest.fixture
def account(database, caller, once, now, deadline):
    """Begin accounts with a five-digit meter that showed 99850 at the end of February."""

    def begun(bureau=1, initial="99850", number=None):
        account_no = account_numbers.account_no(number or next(NUMBERS))
        meter = NewMeter(
            asset_no=f"READ-{account_no}",
            digits=5,
            decimals=1,
            multiplier="40",
            installed_at=datetime(2026, 2, 28, 1, 0, tzinfo=UTC),
            initial_register=initial,
        )
        new = NewAccount(
            account_no=account_no,
            name="王小明",
            phone="130",
            address="人民路 1 号",
            category="residential",
            opened_on=date(2026, 2, 28),
            bureau=bureau,
            meter=meter,
        )
        answer = import_accounts(
            database=database,
            caller=caller("data_migrator", bureau),
            once=once(),
            lines=[ImportLine(1, new)],
            now=now,
            deadline=deadline,
        )
        assert json.loads(answer.body)["accepted"] == 1
        return account_no

    return begun


@pytest.fixture
def post(database, caller, once, now, deadline):
    def posted(*readings, key=None, bureau=1, role="reader"):
        answer = post_readings(
            database=database,
            caller=caller(role, bureau),
            once=once(key),
            readings=readings,
            now=now,
            deadline=deadline,
        )
        assert answer.status == 200
        return json.loads(answer.body)

    return posted


@pytest.fixture
def kept(migrated):
    """The readings kept of an account, as text, in their order."""

    def readings(account_no):
        return [
            row[0]
            for row in migrated.superuser(
                "SELECT concat_ws(' ', reading.register::float8, reading.rolled_over, source) "
                "FROM evergrid.reading JOIN evergrid.meter USING (bureau_id, meter_id) "
                f"WHERE asset_no = 'READ-{account_no}' ORDER BY reading.read_at"
            )
        ]

    return readings


def a_reading(account_no, register, *, days=0, confirmed=False, source="manual"):
    return NewReading(
        account_no=account_no,
        register=register,
        read_at=READ_AT + timedelta(days=days),
        source=source,
        is_roll_over_confirmed=confirmed,
    )


def codes(report):
    return [result.get("code", result["status"]) for result in report["results"]]


def test_a_reading_is_kept_and_the_meter_shows_it(account, post, kept, database):
    account_no = account()

    report = post(a_reading(account_no, "99900.5"))

    assert report["results"] == [
        {
            "item": 1,
            "status": "accepted",
            "account_no": account_no,
            "rolled_over": False,
            "findings": [],
        }
    ]
    assert kept(account_no) == ["99900.5 f manual"]


@pytest.mark.parametrize("hours", [-23, -16, 16, 23])
def test_a_moment_may_be_told_from_any_offset(account, post, kept, hours):
    """PostgreSQL itself reads none of 16 h or more."""
    account_no = account()
    told = READ_AT.astimezone(timezone(timedelta(hours=hours)))

    report = post(replace(a_reading(account_no, "99900.5"), read_at=told))

    assert codes(report) == ["accepted"]
    assert kept(account_no) == ["99900.5 f manual"]


def test_a_five_digit_meter_rolls_over(account, post, kept):
    """Example E07: 99 850, then 130."""
    account_no = account()

    report = post(a_reading(account_no, "130"))

    assert report["results"][0]["rolled_over"] is True
    assert kept(account_no) == ["130 t manual"]


def test_a_misread_register_is_refused_until_a_person_confirms_it(account, post, kept):
    """Example E07, the guard: 50 000, then 130."""
    account_no = account(initial="50000")

    refused = post(a_reading(account_no, "130"))
    confirmed = post(a_reading(account_no, "130", confirmed=True))

    assert codes(refused) == ["READING_BELOW_PREVIOUS"]
    assert codes(confirmed) == ["accepted"]
    assert kept(account_no) == ["130 t manual"]


def test_readings_of_one_meter_are_taken_in_the_order_of_their_time(account, post, kept):
    account_no, other = account(), account(initial="10")

    report = post(
        a_reading(account_no, "131", days=2),
        a_reading(other, "11"),
        a_reading(account_no, "99999", days=1),
    )

    assert codes(report) == ["accepted"] * 3
    assert kept(account_no) == ["99999 f manual", "131 t manual"]
    assert kept(other) == ["11 f manual"]


def test_the_next_batch_goes_on_where_the_last_one_ended(account, post):
    account_no = account(initial="10")
    post(a_reading(account_no, "20", days=1))

    report = post(a_reading(account_no, "15", days=2), a_reading(account_no, "21", days=1))

    assert codes(report) == ["READING_BELOW_PREVIOUS", "READING_NOT_LATER"]


def test_good_items_are_taken_beside_faulty_ones(account, post, kept):
    account_no = account(initial="10")

    report = post(
        a_reading("1000000006", "1"),
        a_reading("1\x00", "1"),
        a_reading(account_no, "11", days=20),
        a_reading(account_no, "11.25"),
        a_reading(account_no, "11.2", source="guess"),
        a_reading(account_no, "twelve"),
        a_reading(account_no, "12.5"),
    )

    assert codes(report) == [
        "ACCOUNT_UNKNOWN",
        "ACCOUNT_UNKNOWN",
        "READING_IN_FUTURE",
        "REGISTER_TOO_LONG",
        "SOURCE_UNKNOWN",
        "REGISTER_MALFORMED",
        "accepted",
    ]
    assert (report["accepted"], report["refused"]) == (1, 6)
    assert kept(account_no) == ["12.5 f manual"]


def test_the_account_of_another_bureau_is_unknown(account, post):
    report = post(a_reading(account(bureau=2), "130"), bureau=1)

    assert codes(report) == ["ACCOUNT_UNKNOWN"]


def test_a_reading_from_before_the_oldest_partition_is_refused(account, post, monkeypatch):
    account_no = account()
    monkeypatch.setattr(store, "open_from", lambda _: date(2026, 4, 1))

    report = post(a_reading(account_no, "130"))

    assert codes(report) == ["READING_TOO_OLD"]


def test_readings_begin_with_the_oldest_partition(database, caller, deadline, migrated):
    oldest = database.read(store.open_from, scope="*", deadline=deadline)

    assert migrated.superuser(f"SELECT to_regclass('evergrid.reading_{oldest:%Y%m}') IS NOT NULL")[
        0
    ] == (True,)
    assert oldest.day == 1


def test_a_repeated_batch_answers_the_same_and_keeps_its_readings_once(account, post, kept):
    account_no = account()

    first = post(a_reading(account_no, "130"), key="batch-again")
    again = post(a_reading(account_no, "130"), key="batch-again")

    assert first == again
    assert len(kept(account_no)) == 1


@pytest.fixture
def holding(migrated):
    """Hold the newest reading of an account in a transaction of its own, until told to commit."""
    connections = []

    def held(account_no):
        connection = psycopg2.connect(migrated.dsn("postgres"))
        connections.append(connection)
        connection.cursor().execute(
            "UPDATE evergrid.meter_state SET register = 50 FROM evergrid.meter "
            "WHERE meter.meter_id = meter_state.meter_id AND asset_no = %s",
            (f"READ-{account_no}",),
        )
        return connection

    yield held
    for connection in connections:
        connection.close()


@pytest.fixture
def until_waiting(migrated):
    """Wait until a statement waits for a lock."""

    def waited(within_s=10.0):
        deadline = time.monotonic() + within_s
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while migrated.superuser(waiting) == [(0,)]:
            assert time.monotonic() < deadline, "nothing waits for a lock"
            time.sleep(0.01)

    return waited


def in_the_background(work, *arguments):
    """Begin `work`; return what waits for its result."""
    return ThreadPoolExecutor(1).submit(work, *arguments).result


def test_a_reading_is_judged_by_what_another_batch_takes_meanwhile(
    account, post, holding, until_waiting
):
    account_no = account(initial="10")
    other = holding(account_no)

    report = in_the_background(post, a_reading(account_no, "20"))
    until_waiting()
    other.commit()  # which took 50

    assert codes(report(10)) == ["READING_BELOW_PREVIOUS"]


def test_meters_are_locked_in_the_order_of_their_keys_whatever_the_order_of_a_batch(
    account, post, holding, until_waiting
):
    first = account(initial="10", number=719_000_002)
    last = account(initial="10", number=719_000_001)
    other = holding(last)

    report = in_the_background(post, a_reading(last, "60"), a_reading(first, "60"))
    until_waiting()

    other.cursor().execute("SET lock_timeout = '100ms'")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        other.cursor().execute(
            "SELECT 1 FROM evergrid.meter_state JOIN evergrid.meter USING (bureau_id, meter_id) "
            "WHERE asset_no = %s FOR UPDATE OF meter_state",
            (f"READ-{first}",),
        )
    other.rollback()
    assert codes(report(10)) == ["accepted", "accepted"]


def test_a_batch_is_of_a_length_that_one_transaction_can_hold(post):
    with pytest.raises(BatchLengthRefused):
        post()
    with pytest.raises(BatchLengthRefused):
        post(*[a_reading("1000000005", "1")] * (BATCH_MAX + 1))


def test_a_hall_clerk_posts_no_readings(post):
    with pytest.raises(RoleForbidden):
        post(a_reading("1000000005", "1"), role="hall_clerk")
