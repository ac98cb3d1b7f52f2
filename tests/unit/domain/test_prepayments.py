"""What was paid ahead, used for later bills."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.domain.prepayments import Lot, LotUse, use_lots

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
