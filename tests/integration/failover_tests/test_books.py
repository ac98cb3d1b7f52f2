"""The statements that read the books, on a real database: right ones, then doctored ones."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from failover_tests import books, checkers
from failover_tests.books import Recorded
from service.domain import account_numbers
from service.domain.payments import PaymentOrder
from service.usecases.payments import take_payment

NUMBERS = itertools.count(1)


class Lab:
    """A lab, as far as `books` needs one: SQL as `postgres`."""

    def __init__(self, server):
        self._server = server

    def query(self, sql):
        rows = self._server.superuser(f"SELECT row_to_json(answer) FROM ({sql}) AS answer")
        return [row for (row,) in rows]


@pytest.fixture
def lab(migrated):
    return Lab(migrated)


@pytest.fixture
def run():
    """The prefix of a run of its own."""
    return f"books{next(NUMBERS)}"


@pytest.fixture
def doctor(migrated):
    """Change rows past every fence and trigger; each statement is taken back after the test."""
    cures = []

    def change(statement, *, cure):
        cures.append(cure)
        migrated.superuser(f"SET session_replication_role = replica; {statement}")

    yield change
    for cure in reversed(cures):
        migrated.superuser(f"SET session_replication_role = replica; {cure}")


@pytest.fixture
def paid(migrated, database, caller, once, now, deadline, run):
    """A payment of 300.00 for an account that owes nothing; its number."""
    number = next(NUMBERS)
    account_no = account_numbers.account_no(770_000_000 + number)
    migrated.superuser(
        f"""INSERT INTO evergrid.account (bureau_id, account_no, name, phone, address, category,
                                          opened_on, created_at)
            VALUES (1, '{account_no}', 'Li', '130', 'Street 1', 'residential', '2026-01-01',
                    now())"""
    )
    take_payment(
        database=database,
        caller=caller("channel", 1),
        once=once(f"{run}-p0"),
        order=PaymentOrder(
            account_no=account_no, amount_fen=30000, channel="bank", channel_serial=f"{run}-p0"
        ),
        now=now + timedelta(seconds=number),
        deadline=deadline,
    )
    [payment] = migrated.superuser(
        f"SELECT payment_no FROM evergrid.payment WHERE channel_serial = '{run}-p0'"
    )
    return account_no, payment[0]


def test_a_payment_is_read_with_what_became_of_it(lab, paid, run):
    account_no, payment_no = paid
    assert books.read(lab, run=run).payments == (
        Recorded(f"{run}-p0", payment_no, account_no, 30000),
    )


def test_payments_are_read_page_by_page(lab, paid, run, doctor, monkeypatch):
    monkeypatch.setattr(books, "_PAGE", 1)
    more = f"""INSERT INTO evergrid.payment
               SELECT business_date + day, (payment_no::numeric + day)::text, bureau_id,
                      account_id, amount_fen, channel, channel_serial, principal_id, received_at
                 FROM evergrid.payment, generate_series(1, 2) AS day
                WHERE channel_serial = '{run}-p0' AND business_date = '2026-04-15'"""
    doctor(more, cure=f"DELETE FROM evergrid.payment WHERE channel_serial = '{run}-p0'")
    twice = books.read(lab, run=run).payments
    assert checkers.doubled((), twice) == [f"payment {run}-p0 is in the books 3 times"]


def test_payments_of_other_runs_are_not_read(lab, paid):
    assert books.read(lab, run="another").payments == ()


def test_right_books_have_no_findings(lab, paid, run):
    found = books.read(lab, run=run)
    assert found.standing.totals.journals >= 1
    assert found.standing.totals.accounts == len(found.balances)
    assert checkers.payments_unexplained(found) == []
    own = [balance for balance in found.balances if balance.account_no == paid[0]]
    assert [(b.prepayment_fen, b.prepayment_entries_fen) for b in own] == [(30000, 30000)]


def test_an_entry_that_changed_unbalances_its_journal(lab, paid, run, doctor):
    _, payment_no = paid
    entry = f"""UPDATE evergrid.ledger_entry AS entry SET amount_fen = entry.amount_fen %s 1
                  FROM evergrid.journal
                 WHERE journal.journal_id = entry.journal_id AND entry.position = 1
                   AND journal.reference = '{payment_no}'"""
    doctor(entry % "+", cure=entry % "-")
    [finding] = checkers.journals_unbalanced(books.read(lab, run=run))
    assert payment_no in finding
    assert "sums up to 1 fen" in finding


def test_a_journal_without_entries_is_not_balanced(lab, run, doctor, migrated):
    doctor(
        """INSERT INTO evergrid.journal (accounting_date, bureau_id, event, reference, posted_at)
           VALUES ('2026-04-15', 1, 'payment_received', 'empty', now())""",
        cure="DELETE FROM evergrid.journal WHERE reference = 'empty'",
    )
    [finding] = checkers.journals_unbalanced(books.read(lab, run=run))
    assert "(empty)" in finding


def test_a_lot_that_lost_money_is_a_wrong_balance(lab, paid, run, doctor):
    account_no, payment_no = paid
    lot = f"""UPDATE evergrid.prepayment_lot SET open_fen = open_fen %s 100
               WHERE payment_no = '{payment_no}'"""
    doctor(lot % "-", cure=lot % "+")
    findings = checkers.balances_wrong(books.read(lab, run=run))
    assert f"account {account_no}: prepayment 29900 fen, entries 30000 fen" in findings


def test_a_payment_without_its_lot_is_unexplained(lab, paid, run, doctor):
    account_no, payment_no = paid
    doctor(
        f"DELETE FROM evergrid.prepayment_lot WHERE payment_no = '{payment_no}'",
        cure=f"""INSERT INTO evergrid.prepayment_lot
                 SELECT bureau_id, account_id, '{payment_no}', 30000, 30000
                   FROM evergrid.account WHERE account_no = '{account_no}'""",
    )
    [finding] = checkers.payments_unexplained(books.read(lab, run=run))
    assert "0 fen allocated, 30000 fen booked" in finding


def test_a_bill_without_its_lines_is_found(lab, run, doctor):
    doctor(
        """INSERT INTO evergrid.bill (month, bureau_id, account_id, bill_no, bill_run_id,
                   catalogue_version_id, previous_read_at, previous_register, read_at, register,
                   multiplier, consumption_kwh, amount_fen, issued_at, due_on)
           VALUES ('2026-04-01', 1, 999999, '202604777777777701', 1, 1, '2026-03-31+08', 0,
                   '2026-04-30+08', 1, 1, 1, 50, now(), '2026-05-20')""",
        cure="DELETE FROM evergrid.bill WHERE bill_no = '202604777777777701'",
    )
    assert "bill 202604777777777701: amount 50 fen, lines 0 fen" in checkers.balances_wrong(
        books.read(lab, run=run)
    )


def test_the_first_timeline_has_no_switches(lab, run):
    assert books.read(lab, run=run).switches == ()
