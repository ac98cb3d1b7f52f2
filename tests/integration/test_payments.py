"""Taking money, on a real database."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta

import pytest

from service.domain import account_numbers
from service.domain.accounts import AccountUnknown
from service.domain.idempotency import KeyReused
from service.domain.payments import (
    AmountNotPositive,
    AmountTooLarge,
    ChannelForbidden,
    PaymentOrder,
    PaymentUnknown,
    SerialUsed,
)
from service.domain.permissions import RoleForbidden
from service.usecases.payments import payment_by_no, statement_of_account, take_payment

ACCOUNTS = iter(range(930_000_000, 930_001_000))


@pytest.fixture
def account(migrated):
    """An account of bureau 1 that owes 120.00 for February, 150.00 for March (E26)."""
    account_no = account_numbers.account_no(next(ACCOUNTS))
    migrated.superuser(
        f"""WITH opened AS (
                INSERT INTO evergrid.account (bureau_id, account_no, name, phone, address,
                                              category, opened_on, created_at)
                VALUES (1, '{account_no}', 'Li', '130', 'Street 1',
                        'residential', '2026-01-01', now())
                RETURNING account_id)
            INSERT INTO evergrid.receivable
            SELECT 1, account_id, month, 1, to_char(month, 'YYYYMM') || '{account_no}01',
                   '2026-04-20', fen, fen
              FROM opened,
                   (VALUES (date '2026-02-01', 12000),
                           (date '2026-03-01', 15000)) AS owed (month, fen)"""
    )
    return account_no


@pytest.fixture
def pay(database, caller, once, now, deadline):
    """Pay 300.00 at bank `icbc`, unless said otherwise."""
    serials = iter(range(1_000_000))

    def take(
        account_no,
        *,
        amount_fen=30000,
        key=None,
        serial=None,
        channel="icbc",
        role="channel",
        bureau=1,
        later_s=0,
    ):
        order = PaymentOrder(
            account_no=account_no,
            amount_fen=amount_fen,
            channel=channel,
            channel_serial=serial or f"{account_no}-{next(serials)}",
        )
        answer = take_payment(
            database=database,
            caller=caller(role, bureau),
            once=once(key, request=f"{order}".encode()[-32:]),
            order=order,
            now=now + timedelta(seconds=later_s),
            deadline=deadline,
        )
        return json.loads(answer.body)

    return take


def test_the_oldest_bills_are_paid_first_and_the_rest_is_prepayment(pay, account):
    taken = pay(account, amount_fen=30000)

    assert taken["allocations"] == [
        {"bill_no": f"202602{account}01", "amount_fen": 12000},
        {"bill_no": f"202603{account}01", "amount_fen": 15000},
    ]
    assert taken["prepayment_fen"] == 3000


def test_a_part_payment_leaves_the_rest_open(pay, account):
    first = pay(account, amount_fen=13000)
    second = pay(account, amount_fen=14000)

    assert [use["amount_fen"] for use in first["allocations"]] == [12000, 1000]
    assert [use["amount_fen"] for use in second["allocations"]] == [14000]
    assert second["prepayment_fen"] == 0


def test_a_repeated_payment_is_taken_once(pay, account, migrated):
    first = pay(account, key="again", serial="s-again")
    again = pay(account, key="again", serial="s-again", later_s=30)

    assert again == first
    assert migrated.superuser(
        "SELECT count(*) FROM evergrid.payment WHERE channel_serial = 's-again'"
    ) == [(1,)]


def test_a_key_may_hold_whatever_the_client_likes(pay, account):
    assert pay(account, key="100 %s %(name)s '; -- 电", serial="s-odd") == pay(
        account, key="100 %s %(name)s '; -- 电", serial="s-odd"
    )


def test_a_key_used_for_another_payment_is_refused(pay, account):
    pay(account, key="reused", amount_fen=100)

    with pytest.raises(KeyReused):
        pay(account, key="reused", amount_fen=200)


def test_a_serial_used_on_the_same_day_is_refused_whatever_the_key(pay, account, migrated):
    pay(account, serial="s-1")

    with pytest.raises(SerialUsed, match="s-1"):
        pay(account, serial="s-1")
    assert migrated.superuser(
        "SELECT count(*) FROM evergrid.payment WHERE channel_serial = 's-1'"
    ) == [(1,)]


def test_a_serial_may_return_on_the_next_business_day(pay, account):
    pay(account, serial="s-daily")

    tomorrow = pay(account, serial="s-daily", later_s=24 * 3600)

    assert tomorrow["business_date"] == "2026-04-16"


def test_the_business_day_begins_at_midnight_in_beijing(pay, account):
    last = pay(account, later_s=14 * 3600 - 1)  # 10:00 + 13:59:59
    first = pay(account, later_s=14 * 3600)

    assert (last["business_date"], first["business_date"]) == ("2026-04-15", "2026-04-16")
    assert first["payment_no"].startswith("20260416")


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_a_payment_must_bring_money(pay, account, amount_fen):
    with pytest.raises(AmountNotPositive):
        pay(account, amount_fen=amount_fen)


def test_an_implausible_amount_is_refused(pay, account):
    with pytest.raises(AmountTooLarge):
        pay(account, amount_fen=100_000_000_00 + 1)


def test_an_account_of_another_bureau_does_not_exist(pay, account):
    with pytest.raises(AccountUnknown):
        pay(account, bureau=2)


@pytest.mark.parametrize("spelt", ["{} ", " {}", "{}0", "", "\x00"])
def test_a_number_nobody_can_have_is_unknown_however_it_is_spelt(pay, account, spelt):
    with pytest.raises(AccountUnknown):
        pay(spelt.format(account), serial="s-spelt")


def test_a_reader_takes_no_money(pay, account):
    with pytest.raises(RoleForbidden):
        pay(account, role="reader")


@pytest.mark.parametrize(("role", "channel"), [("channel", "hall"), ("hall_clerk", "icbc")])
def test_nobody_speaks_for_another_channel(pay, account, role, channel):
    with pytest.raises(ChannelForbidden):
        pay(account, role=role, channel=channel)


def test_a_payment_reads_back_as_it_was_taken(pay, account, database, caller, deadline):
    taken = pay(account, amount_fen=12500)

    found = payment_by_no(
        database=database,
        caller=caller("auditor", None),
        payment_no=taken["payment_no"],
        deadline=deadline,
    )

    assert [(use.bill_no, use.amount_fen) for use in found.allocations] == [
        (use["bill_no"], use["amount_fen"]) for use in taken["allocations"]
    ]
    assert (found.amount_fen, found.prepayment_fen, found.business_date) == (
        12500,
        0,
        date(2026, 4, 15),
    )


@pytest.mark.parametrize(
    "payment_no", ["", "1", "x" * 20, "20260415" + "9" * 12, "99999999000000000001"]
)
def test_a_payment_nobody_took_is_unknown(database, caller, deadline, payment_no):
    with pytest.raises(PaymentUnknown):
        payment_by_no(
            database=database,
            caller=caller("auditor", None),
            payment_no=payment_no,
            deadline=deadline,
        )


def test_every_journal_balances_and_so_does_the_account(pay, account, migrated):
    pay(account, amount_fen=13000)
    pay(account, amount_fen=20000, channel="hall", role="hall_clerk")

    assert (
        migrated.superuser(
            "SELECT journal_id FROM evergrid.ledger_entry GROUP BY 1 HAVING sum(amount_fen) <> 0"
        )
        == []
    )
    assert migrated.superuser(
        f"""SELECT code, sum(amount_fen)::bigint FROM evergrid.ledger_entry
             JOIN evergrid.account USING (account_id)
            WHERE account_no = '{account}' GROUP BY 1 ORDER BY 1"""
    ) == [("1122.01", -27000), ("2203", -6000)]


def test_a_journal_that_does_not_balance_is_refused_by_the_schema(migrated):
    with pytest.raises(Exception, match="does not balance"):
        migrated.superuser(
            """INSERT INTO evergrid.ledger_entry (accounting_date, journal_id, position, bureau_id,
                                                  code, document_no, amount_fen)
               VALUES ('2026-04-01', 1, 1, 1, '1001', 'x', 5),
                      ('2026-04-01', 1, 2, 1, '2203', 'x', -4)"""
        )


@pytest.mark.parametrize("table", ["payment", "allocation", "journal", "ledger_entry"])
def test_what_was_booked_cannot_be_changed_even_by_the_superuser(pay, account, migrated, table):
    pay(account)

    with pytest.raises(Exception, match="never changed"):
        migrated.superuser(f"UPDATE evergrid.{table} SET bureau_id = 2")
    with pytest.raises(Exception, match="never changed"):
        migrated.superuser(f"DELETE FROM evergrid.{table}")


def test_payments_of_one_account_at_the_same_moment_never_pay_a_bill_twice(pay, account, migrated):
    threads = [
        threading.Thread(target=pay, args=(account,), kwargs={"amount_fen": 9000}) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    paid = migrated.superuser(
        "SELECT bill_no::text, sum(amount_fen)::bigint FROM evergrid.allocation "
        f"WHERE bill_no LIKE '%{account}01' GROUP BY 1 ORDER BY 1"
    )
    assert paid == [(f"202602{account}01", 12000), (f"202603{account}01", 15000)]


def test_the_same_request_at_the_same_moment_acts_once(pay, account, migrated):
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.append(pay(account, key="race", serial="s-race")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 6
    assert len({receipt["payment_no"] for receipt in taken}) == 1


def test_a_statement_shows_each_movement_newest_first_page_by_page(
    pay, account, database, caller, deadline
):
    for amount_fen in (12000, 15000, 700):
        pay(account, amount_fen=amount_fen)

    def page(cursor):
        return statement_of_account(
            database=database,
            caller=caller("hall_clerk"),
            account_no=account,
            limit=2,
            cursor=cursor,
            deadline=deadline,
        )

    first = page(None)
    second = page(first.next_cursor)

    assert [entry.amount_fen for entry in (*first.items, *second.items)] == [-700, -15000, -12000]
    assert second.next_cursor is None
    assert (first.balance.receivable_fen, first.balance.prepayment_fen) == (0, 700)
