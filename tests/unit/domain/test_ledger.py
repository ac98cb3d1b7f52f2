"""The journals of bills and payments."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import ledger
from service.domain.calculations import Line
from service.domain.ledger import BillPosting, Entry
from service.domain.payments import Allocation
from service.domain.prepayments import Settled


def line(component, amount_fen, *, is_levy=False):
    return Line(
        portion=0,
        component=component,
        period=None,
        tier=None,
        quantity=1,
        unit="kWh",
        price=1,
        amount_fen=amount_fen,
        is_levy=is_levy,
        is_in_base=not is_levy,
        version="1",
    )


def total_fen(lines):
    return sum(line.amount_fen for line in lines)


LINES = st.lists(
    st.builds(
        lambda component, fen, is_levy: line(component, fen, is_levy=is_levy),
        st.sampled_from(sorted(ledger.LEVIES)),
        st.integers(-(10**6), 10**9),
        st.booleans(),
    ),
    max_size=7,
)


@st.composite
def postings(draw):
    lines = draw(LINES)
    return BillPosting(
        account_id=draw(st.integers(1, 5)),
        bill_no=draw(st.uuids()).hex,
        category=draw(st.sampled_from(sorted(ledger.SALES))),
        lines=lines,
        prepaid_fen=draw(st.integers(0, max(0, total_fen(lines)))),
    )


def balances(entries):
    by_code = Counter()
    for entry in entries:
        by_code[entry.code] += entry.amount_fen
    return by_code


def test_a_commercial_bill_credits_sales_tax_and_each_levy():
    """Worked example E06: of 651.63 yuan of energy 74.97 are tax, the levies are passed on."""
    lines = [line("energy", 651_63)]
    lines += [
        line(component, fen, is_levy=True)
        for component, fen in [
            ("rural_grid_loan", 25_00),
            ("water_conservancy_fund", 2_46),
            ("renewable_energy_surcharge", 23_75),
            ("reservoir_resettlement", 7_78),
            ("local_reservoir_resettlement", 63),
        ]
    ]
    bill = BillPosting(7, "B1", "commercial", lines, prepaid_fen=0)

    entries = ledger.bills_issued_entries(bills=[bill], document_no="1/1")

    assert entries == [
        Entry("1122.01", 7, "B1", 711_25),
        Entry("2221", None, "1/1", -74_97),
        Entry("2241.01", None, "1/1", -25_00),
        Entry("2241.02", None, "1/1", -2_46),
        Entry("2241.03", None, "1/1", -23_75),
        Entry("2241.04", None, "1/1", -7_78),
        Entry("2241.05", None, "1/1", -63),
        Entry("6001.02", None, "1/1", -576_66),
    ]


def test_a_prepayment_lowers_what_its_customer_owes():
    bill = BillPosting(
        7,
        "B1",
        "residential",
        [line("energy", 56_00)],
        prepaid_fen=20_00,
    )

    entries = ledger.bills_issued_entries(bills=[bill], document_no="1/1")

    assert Entry("2203", 7, "B1", 20_00) in entries
    assert balances(entries)["1122.01"] == 36_00


def test_a_bill_of_nothing_leaves_no_entry():
    bill = BillPosting(7, "B1", "residential", [line("energy", 0)], 0)

    assert ledger.bills_issued_entries(bills=[bill], document_no="1/1") == []


@given(bills=st.lists(postings(), max_size=6))
def test_the_journal_of_bills_balances(bills):
    entries = ledger.bills_issued_entries(bills=bills, document_no="1/1")

    assert sum(entry.amount_fen for entry in entries) == 0
    assert all(entry.amount_fen for entry in entries)


@given(bills=st.lists(postings(), max_size=6))
def test_customers_owe_what_their_bills_say_less_what_they_prepaid(bills):
    entries = ledger.bills_issued_entries(bills=bills, document_no="1/1")

    owed_fen = sum(total_fen(bill.lines) - bill.prepaid_fen for bill in bills)
    assert balances(entries)["1122.01"] == owed_fen
    assert balances(entries)["2203"] == sum(bill.prepaid_fen for bill in bills)


@given(bills=st.lists(postings(), max_size=6))
def test_general_ledger_entries_are_folded_into_one_a_code(bills):
    entries = ledger.bills_issued_entries(bills=bills, document_no="1/1")

    folded = [entry.code for entry in entries if entry.account_id is None]
    assert len(folded) == len(set(folded))


@pytest.mark.parametrize(("channel", "code"), [("hall", "1001"), ("icbc", "1012")])
def test_cash_is_in_hand_and_other_money_is_in_transit(channel, code):
    entries = ledger.payment_entries(
        channel=channel,
        account_id=7,
        payment_no="P1",
        paid=[Allocation("B1", 120_00)],
        prepayment_fen=30_00,
    )

    assert entries == [
        Entry(code, None, "P1", 150_00),
        Entry("1122.01", 7, "B1", -120_00),
        Entry("2203", 7, "P1", -30_00),
    ]


@given(
    paid=st.lists(st.builds(Allocation, st.text("0123456789", min_size=1), st.integers(1, 10**9))),
    prepayment_fen=st.integers(0, 10**9),
)
def test_the_journal_of_a_payment_balances(paid, prepayment_fen):
    entries = ledger.payment_entries(
        channel="hall", account_id=7, payment_no="P1", paid=paid, prepayment_fen=prepayment_fen
    )

    assert sum(entry.amount_fen for entry in entries) == 0
    assert entries[0].amount_fen == prepayment_fen + sum(use.amount_fen for use in paid)


def test_what_a_bill_gives_back_is_prepaid_and_pays_what_is_open():
    given = BillPosting(7, "B1-02", "residential", [line("energy", -113_00)], prepaid_fen=-113_00)
    assert ledger.bills_issued_entries(bills=[given], document_no="correction-1") == [
        Entry("1122.01", 7, "B1-02", -113_00),
        Entry("2203", 7, "B1-02", -113_00),
        Entry("1122.01", 7, "B1-02", 113_00),
        Entry("2221", None, "correction-1", 13_00),
        Entry("6001.01", None, "correction-1", 100_00),
    ]
    assert ledger.settled_entries([Settled("B1-02", "B1", 60_00)], account_id=7) == [
        Entry("2203", 7, "B1", 60_00),
        Entry("1122.01", 7, "B1", -60_00),
    ]
