"""A bill run that was disturbed is compared with itself undisturbed, to the fen."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from failover_tests import billing
from failover_tests.billing import Billed, Strike, Sums
from failover_tests.faults import Fault

SUMS = Sums(bills=3, consumption_kwh=930, amount_fen=57_930)
RUN = {
    "bill_run_id": 7,
    "calculated": 3,
    "calculated_kwh": 930,
    "calculated_fen": 57_930,
    "failed": 0,
    "accounts": 3,
}
FOUND = Billed(SUMS, accounts=3, owed_fen=57_930)
FAULT = Fault("power off", ("db1",), 0.0, "silent")
STRIKES = (Strike(FAULT, "calculated", 1, 3), Strike(FAULT, "issued", 3, 1))


def found(*, run=RUN, books=FOUND, strikes=STRIKES):
    checks = billing.checks(expected=SUMS, run=run, found=books, strikes=strikes)
    return [finding for check in checks for finding in check.findings]


def test_a_run_that_came_to_the_same_is_right():
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"calculated_fen": 57_931}, "calculated: "),
        ({"failed": 1}, "1 accounts have none"),
    ],
)
def test_another_calculation_and_a_missing_bill_are_found(changed, finding):
    [told] = found(run=RUN | changed)
    assert told.startswith(finding)


def test_a_fen_less_in_the_books_is_found():
    less = replace(FOUND, sums=replace(SUMS, amount_fen=57_929))
    [told] = found(books=less)
    assert told.startswith("in the books: ")


def test_a_double_bill_is_found():
    assert found(books=replace(FOUND, accounts=2)) == ["1 accounts have two"]


def test_what_is_neither_owed_nor_paid_is_found():
    assert found(books=replace(FOUND, owed_fen=1)) == ["owed or paid: 1 fen, billed 57930"]


@pytest.mark.parametrize(("before", "after"), [(0, 4), (4, 0)])
def test_a_fault_before_or_after_the_work_proves_nothing(before, after):
    strikes = (STRIKES[0], Strike(FAULT, "issued", before, after))
    assert found(strikes=strikes) == [f"issued: {before} chunks before, {after} after"]


def test_a_run_that_nothing_struck_proves_nothing():
    assert found(strikes=()) == ["nothing broke"]


class Lab:
    """Answers with one row, keeps the question."""

    def query(self, sql):
        assert "%" not in sql
        assert "bill_run_id = 7" in sql
        self.asked = sql
        return [
            {
                "bills": "3",
                "accounts": "3",
                "consumption_kwh": "930",
                "amount_fen": "57930",
                "owed_fen": "57930",
                "calculated_before": "1",
                "calculated_after": "3",
            }
        ]


def test_what_a_run_left_in_the_books_is_read_by_its_number():
    assert billing.billed(Lab(), RUN) == FOUND


def test_what_was_done_before_and_after_a_fault_is_read_by_the_wall_clock():
    lab, now_s = Lab(), time.monotonic()
    fault = replace(FAULT, began_s=now_s - 60, proven_s=now_s - 50)
    assert billing.strike(lab, RUN, "calculated", fault) == Strike(fault, "calculated", 1, 3)
    before, after = (float(text) for text in re.findall(r"to_timestamp\(([\d.]+)\)", lab.asked)[:2])
    assert (time.time() - before, time.time() - after) == pytest.approx((60, 50), abs=1)
