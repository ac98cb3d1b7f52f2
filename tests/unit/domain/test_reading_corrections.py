"""What a reading can have been, between its neighbours, under the account's bills."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.meters import Register, RegisterMalformed, RegisterTooLong
from service.domain.principals import Caller, Role
from service.domain.reading_corrections import (
    Corrected,
    CorrectionDecided,
    CorrectionEvent,
    CorrectionPending,
    NextReading,
    OwnCorrection,
    ReadingBilled,
    ReadingContradicted,
    ReadingCorrection,
    ReadingStanding,
    ReadingUnchanged,
    check_approval,
    check_request,
    check_still,
    judged,
)
from service.domain.readings import ReadingBelowPrevious

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


def corrected(shown="310", *, is_confirmed=False, **changes):
    standing = replace(STANDING, **changes)
    return check_request(standing, register=shown, is_confirmed=is_confirmed)


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
    with pytest.raises(ReadingBelowPrevious):
        judged(replace(STANDING, previous=Decimal(400)), register="310", is_confirmed=False)
    began_again = judged(
        replace(STANDING, previous=Decimal(400)), register="310", is_confirmed=True
    )
    with pytest.raises(ReadingContradicted, match="has changed since"):
        check_still(correction("requested"), began_again)


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
