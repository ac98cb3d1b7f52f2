"""Importing and finding accounts, on a real database."""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import psycopg2
import pytest

from service.domain import account_numbers
from service.domain.account_imports import (
    LINES_MAX,
    ImportContended,
    ImportLengthRefused,
    ImportLine,
    LineMalformed,
)
from service.domain.accounts import AccountFilter, AccountUnknown, SearchTooWide
from service.domain.cursors import CursorBroken
from service.domain.idempotency import KeyReused
from service.domain.new_accounts import NewAccount, NewMeter
from service.domain.permissions import RoleForbidden
from service.usecases import accounts as usecase
from service.usecases.accounts import account_by_no, import_accounts, search_accounts

NUMBERS = itertools.count(700_000_000)
ASSETS = itertools.count(1)
INSTALLED_AT = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


def an_account(**changed) -> NewAccount:
    meter = NewMeter(
        asset_no=changed.pop("asset_no", None) or f"IMPORTED-{next(ASSETS)}",
        digits=6,
        decimals=2,
        multiplier="40",
        installed_at=INSTALLED_AT,
        initial_register="123.4",
    )
    fields = {
        "account_no": account_numbers.account_no(next(NUMBERS)),
        "name": "王小明",
        "phone": "13999990001",
        "address": "人民路 1 号 1-101",
        "category": "residential",
        "opened_on": date(2026, 1, 1),
        "bureau": 1,
        "meter": meter,
    }
    return NewAccount(**(fields | changed))


@pytest.fixture
def send(database, caller, once, now, deadline):
    """Import contents as the lines of one file; return the report."""

    def sent(*contents, key=None, request=b"", bureau=1, role="data_migrator"):
        answer = import_accounts(
            database=database,
            caller=caller(role, bureau),
            once=once(key, request=request),
            lines=[ImportLine(line, content) for line, content in enumerate(contents, start=1)],
            now=now,
            deadline=deadline,
        )
        assert answer.status == 200
        return json.loads(answer.body)

    return sent


@pytest.fixture
def look_up(database, caller, deadline):
    def looked_up(account_no, bureau=1):
        return account_by_no(
            database=database,
            caller=caller("hall_clerk" if bureau else "auditor", bureau),
            account_no=account_no,
            deadline=deadline,
        )

    return looked_up


@pytest.fixture
def search(database, caller, deadline):
    def searched(*, bureau=1, limit=100, cursor=None, **wanted):
        asked = dict.fromkeys(("number", "name", "phone", "address")) | wanted
        return search_accounts(
            database=database,
            caller=caller("hall_clerk" if bureau else "auditor", bureau),
            wanted=AccountFilter(**asked),
            limit=limit,
            cursor=cursor,
            deadline=deadline,
        )

    return searched


def codes(report):
    return [result.get("code", result["status"]) for result in report["results"]]


def test_an_imported_account_is_found_with_its_meter_and_an_empty_balance(send, look_up):
    account = an_account()

    report = send(account)
    found = look_up(account.account_no)

    assert report == {
        "accepted": 1,
        "refused": 0,
        "results": [{"line": 1, "status": "accepted", "account_no": account.account_no}],
    }
    assert (found.name, found.bureau, found.category) == ("王小明", 1, "residential")
    assert (found.balance.receivable_fen, found.balance.prepayment_fen) == (0, 0)
    assert (found.meter.multiplier, found.meter.initial_register) == ("40", "123.40")
    assert (found.meter.last_read_at, found.meter.last_register) == (INSTALLED_AT, "123.40")


def test_a_meter_s_moment_may_be_told_from_any_offset(send, look_up):
    """PostgreSQL itself reads none of 16 h or more."""
    told = INSTALLED_AT.astimezone(timezone(timedelta(hours=-23)))
    account = an_account()
    report = send(replace(account, meter=replace(account.meter, installed_at=told)))

    assert report["accepted"] == 1
    assert look_up(account.account_no).meter.last_read_at == INSTALLED_AT


def test_an_account_without_a_number_is_given_one_with_a_check_digit(send, look_up):
    report = send(an_account(account_no=None), an_account(account_no=None))

    numbers = [result["account_no"] for result in report["results"]]
    assert len(set(numbers)) == 2
    assert all(map(account_numbers.has_check_digit, numbers))
    assert look_up(numbers[0]).account_no == numbers[0]


def test_a_faulty_line_is_refused_with_its_code_and_the_others_are_imported(send, look_up):
    good = an_account()

    report = send(LineMalformed("broken JSON"), an_account(category="theatre"), good)

    assert codes(report) == ["LINE_MALFORMED", "CATEGORY_UNKNOWN", "accepted"]
    assert (report["accepted"], report["refused"]) == (1, 2)
    assert look_up(good.account_no).name == "王小明"


def test_a_number_that_is_taken_leaves_nothing_behind(send, migrated):
    first, again = an_account(), an_account(name="李四")
    send(first)

    report = send(an_account(account_no=first.account_no, asset_no=again.meter.asset_no), again)

    assert codes(report) == ["ACCOUNT_NUMBER_TAKEN", "ASSET_TAKEN"]
    assert migrated.superuser(
        f"SELECT count(*) FROM evergrid.meter WHERE asset_no = '{again.meter.asset_no}'"
    ) == [(0,)]


def test_a_meter_that_hangs_elsewhere_leaves_no_account_behind(send, look_up):
    first = an_account()
    send(first)
    second, third = an_account(asset_no=first.meter.asset_no), an_account()

    report = send(second, third)

    assert codes(report) == ["ASSET_TAKEN", "accepted"]
    with pytest.raises(AccountUnknown):
        look_up(second.account_no)


def test_numbers_of_another_bureau_are_taken_too_though_they_are_not_seen(send, look_up):
    theirs = an_account(bureau=2)
    send(theirs, bureau=2)

    report = send(
        an_account(account_no=theirs.account_no), an_account(asset_no=theirs.meter.asset_no)
    )

    assert codes(report) == ["ACCOUNT_NUMBER_TAKEN", "ASSET_TAKEN"]
    with pytest.raises(AccountUnknown):
        look_up(theirs.account_no, bureau=1)
    assert look_up(theirs.account_no, bureau=None).bureau == 2


def test_a_migrator_imports_into_its_own_bureau_only(send):
    report = send(an_account(bureau=2), an_account(bureau=77))

    assert codes(report) == ["BUREAU_UNKNOWN", "BUREAU_UNKNOWN"]


def test_a_migrator_of_all_bureaus_imports_into_those_there_are(send):
    report = send(an_account(bureau=1), an_account(bureau=2), an_account(bureau=98), bureau=None)

    assert codes(report) == ["accepted", "accepted", "BUREAU_UNKNOWN"]


def test_a_repeated_import_answers_the_same_and_imports_once(send):
    account = an_account(account_no=None)

    first = send(account, key="import-again", request=b"same")
    again = send(account, key="import-again", request=b"same")

    assert first == again
    assert codes(again) == ["accepted"]


def test_a_key_of_another_import_is_refused(send):
    send(an_account(), key="import-reused", request=b"one")

    with pytest.raises(KeyReused):
        send(an_account(), key="import-reused", request=b"other")


def test_numbers_given_out_pass_over_those_that_were_brought_along(send, migrated):
    """The next 100 numbers of the sequence came with the old system's accounts."""
    (drawn,) = send(an_account(account_no=None))["results"]
    following = int(drawn["account_no"][:9]) + 1
    old = [an_account(account_no=account_numbers.account_no(following + n)) for n in range(100)]
    assert set(codes(send(*old))) == {"accepted"}

    report = send(*[an_account(account_no=None) for _ in range(20)])

    assert codes(report) == ["accepted"] * 20


def test_a_file_with_and_without_numbers_never_gives_one_out_that_it_brings(send):
    (drawn,) = send(an_account(account_no=None))["results"]
    following = int(drawn["account_no"][:9]) + 1
    brought = [an_account(account_no=account_numbers.account_no(following + n)) for n in range(3)]

    report = send(*brought, an_account(account_no=None), an_account(account_no=None))

    assert codes(report) == ["accepted"] * 5


def test_an_import_gives_up_when_numbers_are_taken_again_and_again(send, monkeypatch):
    taken = an_account()
    send(taken)
    monkeypatch.setattr(usecase, "_PASSED_OVER", (0,))

    with pytest.raises(ImportContended):
        send(an_account(asset_no=taken.meter.asset_no))


@pytest.fixture
def outsider(migrated):
    """A connection that begins accounts of its own, but does not commit them."""
    connection = psycopg2.connect(migrated.dsn("postgres"))
    connection.cursor().execute("SET lock_timeout = '100ms'")
    yield connection
    connection.close()


def begin(outsider, account):
    outsider.cursor().execute(
        "INSERT INTO evergrid.account (bureau_id, account_no, name, phone, address, category, "
        "opened_on, created_at) VALUES (1, %s, 'x', '1', 'x', 'residential', '2026-01-01', now())",
        (account.account_no,),
    )


def test_accounts_begin_in_the_order_of_their_numbers_whatever_the_order_of_a_file(
    send, outsider, migrated
):
    first, last = an_account(), an_account()
    begin(outsider, last)

    report = ThreadPoolExecutor(1).submit(send, last, first).result
    deadline = time.monotonic() + 10
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while migrated.superuser(waiting) == [(0,)]:
        assert time.monotonic() < deadline, "the import does not wait for the other account"
        time.sleep(0.01)

    with pytest.raises(psycopg2.errors.LockNotAvailable):
        begin(outsider, first)
    outsider.rollback()
    assert codes(report(10)) == ["accepted", "accepted"]


def test_two_imports_of_the_same_file_at_once_begin_each_account_once(send):
    file = [an_account() for _ in range(200)]
    reports = []
    threads = [
        threading.Thread(target=lambda order=order: reports.append(send(*order)))
        for order in (file, list(reversed(file)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report["accepted"] for report in reports) == 200
    assert {code for report in reports for code in codes(report)} == {
        "accepted",
        "ACCOUNT_NUMBER_TAKEN",
    }


def test_an_import_is_of_a_length_that_one_transaction_can_hold(send):
    with pytest.raises(ImportLengthRefused):
        send()
    with pytest.raises(ImportLengthRefused):
        send(*[LineMalformed("x")] * (LINES_MAX + 1))


def test_only_a_data_migrator_imports_accounts(send):
    with pytest.raises(RoleForbidden):
        send(an_account(), role="hall_clerk")


@pytest.mark.parametrize("number", ["1000000006", "", "x", "1\x0000000005"])
def test_a_number_that_cannot_be_is_no_account(look_up, number):
    with pytest.raises(AccountUnknown):
        look_up(number)


def test_accounts_are_found_by_any_part_of_their_name_and_address(send, search):
    one = an_account(name="阿依古丽·买买提", address="喀什市 解放北路 7 号")
    other = an_account(name="Zhang Wei 100%", address="喀什市 解放南路 8 号")
    send(one, other)

    def numbers(**wanted):
        return [account.account_no for account in search(**wanted).items]

    assert numbers(name="古丽·") == [one.account_no]
    assert numbers(name="阿依") == [one.account_no]
    assert numbers(name="古丽") == []  # two characters are looked for at the beginning
    assert numbers(name="zhang w") == [other.account_no]
    assert numbers(address="喀什市 解放") == sorted([one.account_no, other.account_no])
    assert numbers(name="100%") == [other.account_no]
    assert numbers(name="0_%") == []
    assert numbers(name="W%i") == []
    assert numbers(name="古丽·", address="放南路") == []


def test_accounts_are_found_by_how_their_number_begins_and_by_phone(send, search):
    account = an_account(phone="0991-1234567")
    send(account)

    assert [a.account_no for a in search(number=account.account_no).items] == [account.account_no]
    assert account.account_no in [a.account_no for a in search(number=account.account_no[:8]).items]
    assert [a.account_no for a in search(phone="0991-1234567").items] == [account.account_no]
    assert search(phone="0991-123456").items == ()


def test_a_search_shows_no_account_of_another_bureau(send, search):
    send(an_account(name="别局用户", bureau=2), bureau=2)

    assert search(name="别局用户", bureau=1).items == ()
    assert len(search(name="别局用户", bureau=2).items) == 1


def test_pages_follow_each_other_without_a_gap_or_a_repeat(send, search):
    numbers = sorted(
        result["account_no"]
        for result in send(*[an_account(name="翻页用户") for _ in range(7)])["results"]
    )
    found, cursor = [], None
    for _ in range(4):
        page = search(name="翻页用户", limit=2, cursor=cursor)
        found += [account.account_no for account in page.items]
        cursor = page.next_cursor

    assert found == numbers
    assert cursor is None


def test_a_cursor_that_was_made_up_is_refused(search):
    with pytest.raises(CursorBroken):
        search(name="王小明", cursor="!!")


@pytest.mark.parametrize("wanted", [{}, {"name": "王"}, {"name": " 王 "}, {"address": ""}])
def test_a_search_must_say_enough(search, wanted):
    with pytest.raises(SearchTooWide):
        search(**wanted)
