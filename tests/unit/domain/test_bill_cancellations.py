"""Which bills can be cancelled, by whom; what a mirror is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain import ledger
from service.domain.bill_cancellations import (
    HEAD_OFFICE_ABOVE_FEN,
    SERIAL_MAX,
    AmountForHeadOffice,
    BillCancellation,
    BillCorrected,
    BillNotInForce,
    BillNotNewest,
    BillStanding,
    CancellationDecided,
    CancellationEvent,
    CancellationPending,
    CancelledTooOften,
    OwnCancellation,
    check_approval,
    check_request,
    check_undecided,
    mirrored,
)
from service.domain.months import Month
from service.domain.principals import Caller
from tests.unit.domain.test_ledger import balances, line, total_fen

MOMENT = datetime(2026, 3, 2, tzinfo=UTC)
STANDING = BillStanding(
    bill_no="202602100000000501",
    month=Month(2026, 2),
    serial=1,
    is_in_force=True,
    newest_billed=Month(2026, 2),
    pending=None,
)
ASKED = BillCancellation(
    cancellation_no=7,
    state="requested",
    bill_no=STANDING.bill_no,
    amount_fen=193_10,
    mirror_bill_no=None,
    events=(
        CancellationEvent(step="requested", done_by="Li", happened_at=MOMENT, reason="misread"),
    ),
)


def a_caller(name="Wang", role="billing_officer"):
    return Caller(principal_id=1, name=name, role=role, bureau_id=1)


def test_the_newest_bill_in_force_can_be_cancelled_by_another_hand():
    check_request(STANDING)
    check_approval(ASKED, STANDING, by=a_caller())


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"is_in_force": False}, BillNotInForce),
        ({"newest_billed": Month(2026, 3)}, BillNotNewest),
        ({"pending": 6}, CancellationPending),
        ({"is_corrected": True}, BillCorrected),
        ({"serial": SERIAL_MAX + 1}, CancelledTooOften),
    ],
)
def test_another_bill_cannot(changed, refusal):
    with pytest.raises(refusal):
        check_request(replace(STANDING, **changed))


def test_the_last_number_that_a_mirror_and_another_bill_can_follow_can_be_cancelled():
    check_request(replace(STANDING, serial=SERIAL_MAX))


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_what_was_decided_is_not_decided_again(state):
    with pytest.raises(CancellationDecided):
        check_undecided(replace(ASKED, state=state))
    with pytest.raises(CancellationDecided):
        check_approval(replace(ASKED, state=state), STANDING, by=a_caller())


def test_nobody_approves_alone():
    with pytest.raises(OwnCancellation):
        check_approval(ASKED, STANDING, by=a_caller("Li", "head_office"))


def test_what_was_billed_meanwhile_stays():
    later = replace(STANDING, newest_billed=Month(2026, 3))
    with pytest.raises(BillNotNewest):
        check_approval(ASKED, later, by=a_caller())
    with pytest.raises(BillCorrected):
        check_approval(ASKED, replace(STANDING, is_corrected=True), by=a_caller())


@pytest.mark.parametrize("sign", [1, -1])
def test_from_an_amount_on_the_head_office_decides(sign):
    most = replace(ASKED, amount_fen=sign * HEAD_OFFICE_ABOVE_FEN)
    more = replace(ASKED, amount_fen=sign * (HEAD_OFFICE_ABOVE_FEN + 1))

    check_approval(most, STANDING, by=a_caller())
    check_approval(more, STANDING, by=a_caller(role="head_office"))
    with pytest.raises(AmountForHeadOffice):
        check_approval(more, STANDING, by=a_caller())


@pytest.mark.parametrize("paid_fen", [0, 1, 651_63])
def test_a_bill_its_mirror_and_what_was_paid_leave_the_payment_alone(paid_fen):
    lines = [line("energy", 651_63), line("renewable_energy_surcharge", 23_75, is_levy=True)]
    bill = ledger.BillPosting(1, "01", "commercial", lines, 0)
    mirror = ledger.BillPosting(1, "02", "commercial", mirrored(lines), -paid_fen)

    issued = ledger.bills_issued_entries(bills=[bill], document_no="run")
    cancelled = ledger.bill_cancelled_entries(mirror)

    assert total_fen(lines) + total_fen(mirror.lines) == 0
    assert balances([*issued, *cancelled]) == {
        code: {ledger.RECEIVABLE: paid_fen, ledger.PREPAYMENT: -paid_fen}.get(code, 0)
        for code in balances([*issued, *cancelled])
    }
