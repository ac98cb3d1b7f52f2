"""Who may decide about a correction of energy, and which of them can be reversed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.domain.bill_cancellations import HEAD_OFFICE_ABOVE_FEN, AmountForHeadOffice
from service.domain.energy_corrections import (
    CorrectedBill,
    CorrectionStanding,
    EnergyCorrection,
    EnergyCorrectionDecided,
    EnergyCorrectionEvent,
    EnergyCorrectionOverlaps,
    EnergyCorrectionPending,
    NotReversible,
    OwnEnergyCorrection,
    check_approval,
    check_none_pending,
    check_request,
    check_reversal,
    check_undecided,
)
from service.domain.principals import Caller

ASKED = EnergyCorrection(
    energy_correction_no=7,
    state="requested",
    account_no="1000000005",
    cause="agreed",
    fact="40",
    since=date(2026, 2, 1),
    counts_from=date(2026, 2, 1),
    until=date(2026, 2, 28),
    calculation="40 kWh, as agreed",
    base_kwh=310,
    kwh=40,
    amount_fen=34_40,
    reverses_no=None,
    reversed_by_no=None,
    bills=(),
    events=(
        EnergyCorrectionEvent(
            step="requested",
            done_by="Li",
            happened_at=datetime(2026, 3, 2, tzinfo=UTC),
            reason="a fuse",
        ),
    ),
)
APPROVED = replace(ASKED, state="approved")
FREE = CorrectionStanding(pending=None, overlapping=None, moved_fen=0)


def a_caller(name="Wang", role="billing_officer"):
    return Caller(principal_id=1, name=name, role=role, bureau_id=1)


def over(*amounts_fen):
    bills = [
        CorrectedBill(
            bill_no=f"B{number}",
            days=27,
            base_kwh=310,
            kwh=40,
            amount_fen=fen,
            correction_bill_no=None,
            lines=(),
        )
        for number, fen in enumerate(amounts_fen)
    ]
    return replace(ASKED, bills=tuple(bills))


def test_another_hand_approves():
    check_approval(over(34_40), FREE, by=a_caller())
    with pytest.raises(OwnEnergyCorrection) as refused:
        check_approval(over(34_40), FREE, by=a_caller("Li", "head_office"))
    assert refused.value.code == "OWN_ENERGY_CORRECTION"


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_what_was_decided_is_not_decided_again(state):
    with pytest.raises(EnergyCorrectionDecided):
        check_undecided(replace(ASKED, state=state))
    with pytest.raises(EnergyCorrectionDecided):
        check_approval(replace(ASKED, state=state), FREE, by=a_caller())


@pytest.mark.parametrize("sign", [1, -1])
def test_up_to_an_amount_an_officer_decides(sign):
    most, more = (over(sign * (HEAD_OFFICE_ABOVE_FEN + fen)) for fen in (0, 1))
    check_approval(most, FREE, by=a_caller())
    check_approval(more, FREE, by=a_caller(role="head_office"))
    with pytest.raises(AmountForHeadOffice):
        check_approval(more, FREE, by=a_caller())


def test_what_is_billed_does_not_hide_what_is_given_back():
    with pytest.raises(AmountForHeadOffice):
        check_approval(over(HEAD_OFFICE_ABOVE_FEN, -1), FREE, by=a_caller())


def test_what_is_cut_into_pieces_is_no_smaller():
    moved = replace(FREE, moved_fen=HEAD_OFFICE_ABOVE_FEN)
    with pytest.raises(AmountForHeadOffice):
        check_approval(over(1), moved, by=a_caller())
    with pytest.raises(AmountForHeadOffice):
        check_approval(replace(over(1), cause="reversal", fact=None), moved, by=a_caller())


def test_one_request_at_a_time_and_no_day_twice():
    check_request(FREE)
    check_none_pending(replace(FREE, overlapping=6))
    with pytest.raises(EnergyCorrectionOverlaps):
        check_request(replace(FREE, overlapping=6))
    for check in (check_request, check_none_pending):
        with pytest.raises(EnergyCorrectionPending):
            check(replace(FREE, pending=6))


@pytest.mark.parametrize(
    "correction",
    [
        ASKED,
        replace(ASKED, state="rejected"),
        replace(APPROVED, reversed_by_no=8),
        replace(APPROVED, cause="reversal", reverses_no=6, fact=None),
    ],
)
def test_what_is_not_in_force_is_not_reversed(correction):
    check_reversal(APPROVED)
    with pytest.raises(NotReversible):
        check_reversal(correction)
