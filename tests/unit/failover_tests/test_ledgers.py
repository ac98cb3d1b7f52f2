"""A restored ledger is compared total by total, to the fen."""

from __future__ import annotations

from datetime import UTC, datetime

from failover_tests import ledgers
from failover_tests.ledgers import Ledger

PRINTED = """
{"what" : "moment", "value" : "2026-11-24T22:03:28.123456+00:00"}
{"what" : "payments", "value" : "12"}
{"what" : "payments, fen", "value" : "6000"}
"""
THEN = ledgers.parse(PRINTED)


def having(**changed: str) -> Ledger:
    return Ledger(THEN.moment, THEN.totals | changed)


def found(*, then: Ledger = THEN, restored: Ledger, later: Ledger) -> list[str]:
    return [
        finding
        for check in ledgers.checks(then, found=restored, later=later)
        for finding in check.findings
    ]


def test_the_moment_is_known_to_the_microsecond():
    assert THEN.moment == datetime(2026, 11, 24, 22, 3, 28, 123456, tzinfo=UTC)
    assert THEN.totals == {"payments": "12", "payments, fen": "6000"}


def test_the_same_totals_are_right():
    assert found(restored=having(), later=having(payments="13")) == []


def test_a_fen_too_much_is_found():
    restored = Ledger(THEN.moment, THEN.totals | {"payments, fen": "6001"})
    assert found(restored=restored, later=having(payments="13")) == [
        "payments, fen: 6001, not 6000"
    ]


def test_a_payment_from_after_the_moment_is_found():
    wrong = found(restored=having(payments="13"), later=having(payments="13"))
    assert wrong == ["payments: 13, not 12"]


def test_a_total_that_is_missing_or_new_is_found():
    restored = Ledger(THEN.moment, {"payments": "12", "bills": "1"})
    assert found(restored=restored, later=having(payments="13")) == [
        "bills: 1, not None",
        "payments, fen: None, not 6000",
    ]


def test_a_comparison_in_which_nothing_was_booked_afterwards_proves_nothing():
    assert found(restored=having(), later=having()) == [
        "nothing was booked after it: the comparison proves nothing"
    ]
