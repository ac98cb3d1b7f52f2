"""What a reading can have been, between its neighbours, under the account's bills."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.correction_details import (
    CorrectionEvent,
    PeriodCorrection,
    ReadingCorrection,
)
from service.domain.meters import Register, RegisterMalformed, RegisterTooLong
from service.domain.principals import Caller, Role
from service.domain.reading_corrections import (
    Corrected,
    CorrectionDecided,
    CorrectionOrder,
    CorrectionPending,
    NextReading,
    OwnCorrection,
    PeriodStanding,
    ReadingBilled,
    ReadingContradicted,
    ReadingStanding,
    ReadingUnchanged,
    check_approval,
    check_request,
    check_still,
)
from service.domain.readings import PeriodReading, PeriodsDiffer, ReadingBelowPrevious
from service.domain.tou import PeriodsExceedTotal

AT = datetime(2026, 2, 28, 8, tzinfo=UTC)
STANDING = ReadingStanding(
    read_at=AT,
    shape=Register(5, 1),
    register=Decimal(3100),
    rolled_over=False,
    previous=Decimal(100),
    next=None,
    billed_until=None,
    pending=None,
)


def corrected(shown="310", *, misread=(), is_confirmed=False, **changes):
    order = CorrectionOrder(
        account_no="1000000005",
        read_at=AT,
        register=shown,
        reason="Misread.",
        is_roll_over_confirmed=is_confirmed,
        periods=dict(misread),
    )
    return check_request(replace(STANDING, **changes), order)


def following(register, *, rolled_over=False):
    return NextReading(register=Decimal(register), rolled_over=rolled_over)


def test_a_reading_can_be_put_right():
    assert corrected() == Corrected(Decimal(310), rolled_over=False)


def test_a_register_that_began_again_is_seen_as_with_a_new_reading():
    assert corrected("7", previous=Decimal(95_000)) == Corrected(Decimal(7), rolled_over=True)
    assert corrected("7", is_confirmed=True) == Corrected(Decimal(7), rolled_over=True)
    with pytest.raises(ReadingBelowPrevious):
        corrected("7")


@pytest.mark.parametrize(
    ("register", "refusal"),
    [("3100.0", ReadingUnchanged), ("310,5", RegisterMalformed), ("310000", RegisterTooLong)],
)
def test_what_it_cannot_become_is_refused(register, refusal):
    with pytest.raises(refusal):
        corrected(register)


def test_that_a_register_did_not_begin_again_is_a_correction_too():
    began = {"previous": Decimal(95_000), "register": Decimal(96_000), "rolled_over": True}
    assert corrected("96000", **began) == Corrected(Decimal(96_000), rolled_over=False)


@pytest.mark.parametrize("billed_until", [AT, AT + timedelta(days=31)])
def test_what_a_bill_rests_on_stays(billed_until):
    with pytest.raises(ReadingBilled):
        corrected(billed_until=billed_until)
    assert corrected(billed_until=AT - timedelta(seconds=1))


def test_one_request_at_a_time():
    with pytest.raises(CorrectionPending):
        corrected(pending=7)


NEAR_THE_END = {"previous": Decimal(100), "register": Decimal(95_000)}


@pytest.mark.parametrize(
    ("shown", "standing"),
    [
        ("310", {"next": following(309)}),
        # Plausible from 95 000 on, from 50 000 nobody has confirmed it.
        (
            "50000",
            NEAR_THE_END | {"previous": Decimal(100), "next": following(130, rolled_over=True)},
        ),
    ],
    ids=["it would run backwards", "it would have begun again half-way"],
)
def test_the_next_reading_must_be_able_to_follow(shown, standing):
    with pytest.raises(ReadingContradicted, match="the next reading"):
        corrected(shown, **standing)


@pytest.mark.parametrize(
    ("shown", "standing"),
    [
        ("310", {"next": following(310)}),
        # It did not begin again after all.
        ("9950", {"register": Decimal(99_500), "next": following(10_100, rolled_over=True)}),
        # It did, as is plausible now.
        ("95000", {"previous": Decimal(94_000), "register": Decimal(50), "rolled_over": True,
                   "next": following(200)}),
        # It did, as somebody had confirmed.
        ("3200", {"next": following(5, rolled_over=True)}),
    ],
)  # fmt: skip
def test_the_next_reading_follows(shown, standing):
    assert corrected(shown, **standing)


def test_a_neighbour_that_was_corrected_meanwhile_counts():
    standing = replace(STANDING, previous=Decimal(400), periods=(PEAK,))
    with pytest.raises(ReadingBelowPrevious):
        check_still(correction("requested"), standing)
    with pytest.raises(ReadingContradicted, match="has changed since"):
        check_still(replace(correction("requested"), is_roll_over_confirmed=True), standing)


PEAK = PeriodStanding(
    period="peak",
    register=Decimal(9),
    rolled_over=False,
    previous=Decimal(1),
    next=None,
)


def peak(register, *, rolled_over=False):
    return PeriodReading(period="peak", register=Decimal(register), rolled_over=rolled_over)


def test_registers_of_periods_are_put_right_with_that_of_all_energy_or_stay():
    assert corrected("310", periods=(PEAK,)).periods == (peak(9),)
    assert corrected("310", misread={"peak": "8"}, periods=(PEAK,)).periods == (peak(8),)
    with pytest.raises(ReadingUnchanged):
        corrected("3100", misread={"peak": "9"}, periods=(PEAK,))
    with pytest.raises(PeriodsDiffer):
        corrected("310", misread={"valley": "9"}, periods=(PEAK,))
    with pytest.raises(PeriodsExceedTotal):
        corrected("310", misread={"peak": "300"}, periods=(PEAK,))
    with pytest.raises(ReadingContradicted):
        corrected(
            "310",
            misread={"peak": "8"},
            next=following(320),
            periods=(replace(PEAK, next=following(7)),),
        )


def test_up_to_the_next_reading_registers_must_still_count_the_same_energy():
    """February 100, of which 60 peak; March 150, of which 100."""
    standing = {
        "register": Decimal(100),
        "previous": Decimal(0),
        "next": following(150),
        "periods": (replace(PEAK, register=Decimal(60), previous=Decimal(0), next=following(100)),),
    }
    for shown, misread in (("140", {}), ("100", {"peak": "10"})):
        with pytest.raises(ReadingContradicted, match="up to the next reading"):
            corrected(shown, misread=misread, **standing)
    assert corrected("105", misread={"peak": "65"}, **standing)


def test_what_a_register_of_a_period_comes_to_must_not_have_changed_since():
    check_still(correction("requested"), replace(STANDING, periods=(PEAK,)))
    near_the_end = replace(PEAK, previous=Decimal(99_990))
    with pytest.raises(ReadingContradicted, match="has changed since"):
        check_still(correction("requested"), replace(STANDING, periods=(near_the_end,)))


def correction(*steps):
    return ReadingCorrection(
        correction_no=1,
        state=steps[-1],
        account_no="1000000005",
        read_at=AT,
        register_before="3100",
        register="310",
        rolled_over=False,
        is_roll_over_confirmed=False,
        periods=(
            PeriodCorrection(period="peak", register_before="9", register="8", rolled_over=False),
        ),
        events=tuple(
            CorrectionEvent(step=step, done_by="Li", happened_at=AT, reason=None) for step in steps
        ),
    )


def person(name):
    return Caller(principal_id=1, name=name, role=Role.BILLING_OFFICER, bureau_id=None)


def test_another_hand_approves_once():
    check_approval(correction("requested"), by=person("Wang"))
    with pytest.raises(OwnCorrection):
        check_approval(correction("requested"), by=person("Li"))
    for decided in ("approved", "rejected"):
        with pytest.raises(CorrectionDecided, match=decided):
            check_approval(correction("requested", decided), by=person("Wang"))
