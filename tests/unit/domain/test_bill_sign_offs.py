"""What tells one bill from another, which bills stand for the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal

import pytest

from service.domain.bill_bases import Stand
from service.domain.bill_samples import Calculated, chosen, sample
from service.domain.bill_sign_offs import digest
from service.domain.reading_checks import Use
from tests.unit.domain.test_bills import BASIS, ISSUED_AT, MARCH, PRICES, changed, issued

BEIJING = timezone(timedelta(hours=8))


def test_a_bill_is_the_same_whenever_it_is_issued_and_however_its_numbers_are_written():
    beijing = Stand(BASIS.reading.read_at.astimezone(BEIJING), Decimal(1310))
    again = replace(BASIS, reading=beijing, multiplier=Decimal(1))
    later = issued(again, issued_at=ISSUED_AT + timedelta(days=40))
    assert digest(later) == digest(issued())


@pytest.mark.parametrize(
    "other",
    [
        {"serial": 2},
        {"account_no": "1000000027"},
        {"multiplier": Decimal(2)},
        {"reading": Stand(BASIS.reading.read_at, Decimal(1311))},
        {"reading": Stand(BASIS.reading.read_at + timedelta(microseconds=1), Decimal(1310))},
        {"previous": Stand(BASIS.previous.read_at, Decimal("1000.01"))},
        {"persons": 5},
        {"subsidy": "low_income"},
        {"before_kwh": 1},
    ],
)
def test_whatever_a_bill_says_else_is_another_one(other):
    found = issued(replace(BASIS, **other))
    assert (digest(found) != digest(issued())) is (found != issued())


def test_a_release_does_not_change_what_a_bill_says():
    """What was approved before an upgrade is issued after it."""
    assert digest(issued()).hex() == "6a40e25add7631036a7229632e265c64"


def test_another_price_is_another_bill_even_over_the_same_amount():
    same = changed(version=9, valid_from=PRICES.valid_from)
    assert issued(prices=(same,)).amount_fen == issued().amount_fen
    assert digest(issued(prices=(same,))) != digest(issued())


def made(account_id, *, kwh=310, used_before=None, **more):
    reading = Stand(BASIS.reading.read_at, BASIS.previous.register + kwh)
    basis = replace(BASIS, account_id=account_id, reading=reading, **more)
    bill = issued(basis)
    return Calculated(replace(basis, used_before=used_before), bill)


def rules_of(calculated):
    return {each.basis.account_id: rules for each, rules in chosen(calculated)}


def test_nothing_stands_for_nothing():
    assert chosen([]) == []


def test_the_largest_amount_the_first_of_a_category_and_an_estimate_stand_for_the_others():
    calculated = [made(1), made(2, kwh=900), made(3, kwh=900), made(4, estimated_kwh=310)]
    calculated[2] = calculated[2]._replace(bill=replace(calculated[2].bill, category="commercial"))
    assert rules_of(calculated) == {
        1: ("first_of_category",),
        2: ("largest_amount",),
        3: ("first_of_category",),
        4: ("estimated",),
    }


@pytest.mark.parametrize(
    ("before", "chosen_id"),
    [
        ((Use(930, 93), Use(310, 93), None), 2),  # 310 kWh in 31 days: as before; three times
        ((Use(310, 93), Use(9300, 93), None), 1),  # three times; a tenth
        ((Use(930, 93), Use(0, 93), None), 2),  # nothing before: no part of it is larger
        ((None, Use(930, 93), None), 2),
    ],
)
def test_what_has_changed_most_stands_for_the_others(before, chosen_id):
    calculated = [made(number, used_before=use) for number, use in enumerate(before, start=1)]
    assert "largest_change" in rules_of(calculated)[chosen_id]


def test_without_bills_before_nothing_has_changed():
    assert rules_of([made(1), made(2)]) == {1: ("largest_amount", "first_of_category")}


def test_a_sample_shows_what_the_bill_says_and_what_was_used_before():
    each = made(1, used_before=Use(930, 93))
    shown = sample(each, rules=("largest_amount",), lines=())
    assert (shown.amount_fen, shown.consumption_kwh) == (each.bill.amount_fen, 310)
    assert shown.used_before == "930 kWh in 93 days"
    assert shown.read_at.month == MARCH.number
