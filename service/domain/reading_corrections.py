"""Reading corrections: what a meter showed is put right by two hands; the first word stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.meters import Register
from service.domain.principals import Caller
from service.domain.readings import has_rolled_over

Step = Literal["requested", "approved", "rejected"]


class CorrectionUnknown(Missing):
    """No correction of a reading has this number."""

    code = "READING_CORRECTION_UNKNOWN"
    hint = "List the corrections; a request is answered with its number."


class ReadingUnknown(Missing):
    """No reading was taken of the account's meter at that moment."""

    code = "READING_UNKNOWN"
    hint = "Read the account's readings; read_at is what they say, to the microsecond."


class ReadingBilled(Conflict):
    """A bill in force rests on the reading."""

    code = "READING_BILLED"
    hint = "Cancel the bills from this reading on, the newest first; then correct it."


class ReadingUnchanged(Conflict):
    """The reading says already what the correction would."""

    code = "READING_UNCHANGED"
    hint = "Read the account's readings; the one you mean may be another."


class ReadingContradicted(Conflict):
    """The reading before it, or after it, could not stand beside the corrected one."""

    code = "READING_CONTRADICTED"
    hint = "Correct the other reading first, if it is the wrong one."


class CorrectionPending(Conflict):
    """Somebody has asked for the reading's correction, and nobody has decided yet."""

    code = "READING_CORRECTION_PENDING"
    hint = "Decide about the correction that was asked for."


class CorrectionDecided(Conflict):
    """The correction was approved or rejected."""

    code = "READING_CORRECTION_DECIDED"
    hint = "Ask for another correction, if the reading is still wrong."


class OwnCorrection(Forbidden):
    """Whoever asks for a correction may not approve it."""

    code = "OWN_READING_CORRECTION"
    hint = "Let somebody else approve it, or an office reject it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionOrder:
    """What a reading should have said, as it was sent; its register is text."""

    account_no: str
    read_at: datetime
    register: str
    reason: str
    is_roll_over_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReading:
    """
    A reading of an account's meter, as it is in force.

    `first_register` is what was taken first, null if it never was corrected; registers are text.
    `asset_no` is that of the meter, which may be gone.
    """

    read_at: datetime
    register: str
    rolled_over: bool
    source: str
    first_register: str | None
    asset_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPage:
    """Readings of an account, the newest first."""

    items: list[ShownReading]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionEvent:
    """One step that was taken, by whom; `reason` is null for an approval."""

    step: Step
    done_by: str
    happened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCorrection:
    """A reading's correction with every step it has taken; `state` is the last one."""

    correction_no: int
    state: Step
    account_no: str
    read_at: datetime
    register_before: str
    register: str
    rolled_over: bool
    is_roll_over_confirmed: bool
    events: tuple[CorrectionEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionSummary:
    """A correction in a list."""

    correction_no: int
    state: Step
    account_no: str
    read_at: datetime
    register: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionPage:
    """Corrections, the newest first."""

    items: list[CorrectionSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextReading:
    """The reading after the one that is corrected."""

    register: Decimal
    rolled_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStanding:
    """
    How a reading stands: in force, between its neighbours, under the account's bills.

    `previous` is what the meter showed before, `billed_until` where the newest bill in force ends;
    `pending` is a request that nobody decided about.
    """

    read_at: datetime
    shape: Register
    register: Decimal
    rolled_over: bool
    previous: Decimal
    next: NextReading | None
    billed_until: datetime | None
    pending: int | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a reading shall say."""

    register: Decimal
    rolled_over: bool


def check_request(standing: ReadingStanding, *, register: str, is_confirmed: bool) -> Corrected:
    """
    Let a request pass for what the reading can have been; return it.

    :raises CorrectionPending: if a request for it waits for a decision
    :raises ReadingBilled: if a bill in force rests on the reading
    :raises RegisterMalformed: if `register` is no number
    :raises RegisterTooLong: if the meter cannot show it
    :raises ReadingBelowPrevious: if the register would have run backwards
    :raises ReadingUnchanged: if the reading says so already
    :raises ReadingContradicted: if the next reading could not stand beside it
    """
    if standing.pending is not None:
        raise CorrectionPending(f"correction {standing.pending} waits for a decision")
    corrected = judged(standing, register=register, is_confirmed=is_confirmed)
    if corrected == Corrected(standing.register, standing.rolled_over):
        at = standing.read_at.isoformat()
        raise ReadingUnchanged(f"the reading of {at} is {corrected.register} already")
    return corrected


def judged(standing: ReadingStanding, *, register: str, is_confirmed: bool) -> Corrected:
    """
    Return what the reading comes to where it stands now, judged between its neighbours as new ones.

    The next reading's roll-over is judged anew with it: whether its register began again depends on
    this one. A person's confirmation of it stands.
    :raises ReadingBilled: if a bill in force rests on the reading
    :raises RegisterMalformed: if `register` is no number
    :raises RegisterTooLong: if the meter cannot show it
    :raises ReadingBelowPrevious: if the register would have run backwards
    :raises ReadingContradicted: if the next reading could not stand beside it
    """
    if standing.billed_until is not None and standing.read_at <= standing.billed_until:
        until = standing.billed_until.isoformat()
        raise ReadingBilled(f"the account is billed until its reading of {until}")
    shape, following = standing.shape, standing.next
    value = shape.read(register)
    rolled_over = has_rolled_over(
        value, previous=standing.previous, shape=shape, is_confirmed=is_confirmed
    )
    if following is not None and following.register < value:
        # What was not plausible by itself had been confirmed, or it would not have been taken.
        was_confirmed = following.rolled_over and not shape.may_roll_over_from(standing.register)
        if not was_confirmed and not shape.may_roll_over_from(value):
            raise ReadingContradicted(f"the next reading is {following.register}, below it")
    return Corrected(value, rolled_over)


def check_still(asked: ReadingCorrection, corrected: Corrected) -> None:
    """
    Let an approval pass of what the reading still comes to.

    :raises ReadingContradicted: if a neighbour was corrected meanwhile so that it means another
    """
    if corrected.rolled_over != asked.rolled_over:
        number = asked.correction_no
        raise ReadingContradicted(f"what correction {number} comes to has changed since")


def check_undecided(correction: ReadingCorrection) -> None:
    """
    Let a decision pass that is the first one.

    :raises CorrectionDecided: if there was one
    """
    if correction.state != "requested":
        number = correction.correction_no
        raise CorrectionDecided(f"correction {number} was {correction.state}")


def check_approval(correction: ReadingCorrection, *, by: Caller) -> None:
    """
    Let an approval pass by another hand.

    :raises CorrectionDecided: if it was approved or rejected
    :raises OwnCorrection: if `by` asked for it
    """
    check_undecided(correction)
    if correction.events[0].done_by == by.name:
        raise OwnCorrection(f"{by.name} asked for correction {correction.correction_no}")
