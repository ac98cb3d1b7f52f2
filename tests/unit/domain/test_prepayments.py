"""What was paid ahead, used for later bills."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.domain.payments import OpenBill
from service.domain.prepayments import Lot, LotUse, Settled, settled, use_lots

LOTS = st.lists(st.builds(Lot, st.uuids().map(str), st.integers(1, 10**6)), max_size=5)


def test_the_first_lot_is_used_first_and_the_last_one_keeps_its_rest():
    lots = [Lot("P1", 30_00), Lot("P2", 50_00), Lot("P3", 10_00)]

    assert use_lots(amount_fen=60_00, lots=lots) == (LotUse("P1", 30_00), LotUse("P2", 30_00))


def test_a_bill_of_nothing_uses_nothing():
    assert use_lots(amount_fen=0, lots=[Lot("P1", 30_00)]) == ()


@given(amount_fen=st.integers(0, 10**7), lots=LOTS)
def test_lots_pay_a_bill_as_far_as_they_reach(amount_fen, lots):
    used = use_lots(amount_fen=amount_fen, lots=lots)

    assert sum(use.amount_fen for use in used) == min(amount_fen, sum(lot.open_fen for lot in lots))
    assert all(use.amount_fen > 0 for use in used)
    assert [use.payment_no for use in used] == [lot.payment_no for lot in lots[: len(used)]]


def test_the_oldest_lot_pays_the_oldest_bill_as_far_as_both_reach():
    lots = [Lot("P1", 30_00), Lot("P2", 50_00)]
    due = [OpenBill("B1", 40_00), OpenBill("B2", 25_00), OpenBill("B3", 99_00)]

    assert settled(lots=lots, due=due) == (
        Settled("P1", "B1", 30_00),
        Settled("P2", "B1", 10_00),
        Settled("P2", "B2", 25_00),
        Settled("P2", "B3", 15_00),
    )


@given(lots=LOTS, due=st.lists(st.builds(OpenBill, st.uuids().map(str), st.integers(1, 10**6))))
def test_either_nothing_is_owed_any_more_or_nothing_is_left(lots, due):
    uses = settled(lots=lots, due=due)

    owed, ahead = (sum(each.open_fen for each in many) for many in (due, lots))
    assert sum(use.amount_fen for use in uses) == min(owed, ahead)
    assert all(use.amount_fen > 0 for use in uses)
    for number, open_fen in [(lot.payment_no, lot.open_fen) for lot in lots]:
        assert sum(use.amount_fen for use in uses if use.payment_no == number) <= open_fen
    for bill in due:
        assert sum(u.amount_fen for u in uses if u.bill_no == bill.bill_no) <= bill.open_fen
