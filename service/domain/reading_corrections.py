"""Reading corrections: what a meter showed is put right by two hands; the first word stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from service.domain.correction_details import ReadingCorrection
from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.metered import PeriodsBelowTotal, check_advances
from service.domain.meters import Register
from service.domain.principals import Caller
from service.domain.readings import PeriodReading, PeriodsDiffer, has_rolled_over
from service.domain.registers import Counted, grows, is_period
from service.domain.tou import PeriodsExceedTotal


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
    """
    What a reading should have said, as it was sent; registers are text.

    Of the meter's other registers `periods` has those that were misread.
    """

    account_no: str
    read_at: datetime
    register: str
    reason: str
    is_roll_over_confirmed: bool
    periods: Mapping[Counted, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextReading:
    """The reading after the one that is corrected."""

    register: Decimal
    rolled_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodStanding:
    """How another register stands in a reading, between those beside it."""

    period: Counted
    register: Decimal
    rolled_over: bool
    previous: Decimal
    next: NextReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStanding:
    """
    How a reading stands: in force, between its neighbours, under the account's bills.

    `previous` is what the meter showed before, `billed_until` where the newest bill in force ends;
    `pending` is a request that nobody decided about. `periods` are the meter's other registers.
    """

    read_at: datetime
    shape: Register
    register: Decimal
    rolled_over: bool
    previous: Decimal
    next: NextReading | None
    billed_until: datetime | None
    pending: int | None
    periods: tuple[PeriodStanding, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a reading shall say, of each register that the meter has."""

    register: Decimal
    rolled_over: bool
    periods: tuple[PeriodReading, ...] = ()


def check_request(standing: ReadingStanding, order: CorrectionOrder) -> Corrected:
    """
    Let a request pass for what the reading can have been; return it.

    :raises CorrectionPending: if a request for it waits for a decision
    :raises ReadingUnchanged: if the reading says so already
    :raises Refusal: whatever `judged` refuses
    """
    if standing.pending is not None:
        raise CorrectionPending(f"correction {standing.pending} waits for a decision")
    corrected = judged(
        standing,
        register=order.register,
        periods=order.periods,
        is_confirmed=order.is_roll_over_confirmed,
    )
    as_it_is = tuple(map(_as_it_is, standing.periods))
    if corrected == Corrected(standing.register, standing.rolled_over, as_it_is):
        at = standing.read_at.isoformat()
        raise ReadingUnchanged(f"the reading of {at} is {corrected.register} already")
    return corrected


def judged(
    standing: ReadingStanding, *, register: str, periods: Mapping[Counted, str], is_confirmed: bool
) -> Corrected:
    """
    Return what the reading comes to where it stands now, judged between its neighbours as new ones.

    The next reading's roll-over is judged anew with it: whether its register began again depends on
    this one. A person's confirmation of it stands.
    :param periods: what other registers showed, of those that were misread
    :raises ReadingBilled: if a bill in force rests on the reading
    :raises RegisterMalformed: if a register is no number
    :raises RegisterTooLong: if the meter cannot show it
    :raises PeriodsDiffer: if the meter has no such register
    :raises PeriodsExceedTotal: if they would come to more than all energy
    :raises PeriodsBelowTotal: if they would come to less, and are all there are
    :raises ReadingBelowPrevious: if a register would have run backwards
    :raises ReadingContradicted: if the next reading could not stand beside it
    """
    if standing.billed_until is not None and standing.read_at <= standing.billed_until:
        until = standing.billed_until.isoformat()
        raise ReadingBilled(f"the account is billed until its reading of {until}")
    shape = standing.shape
    value, rolled_over = _fitting(register, standing, shape=shape, is_confirmed=is_confirmed)
    found = tuple(_periods(standing, periods, is_confirmed=is_confirmed))
    check_advances(
        shape,
        total=shape.advance(start=standing.previous, end=value, roll_overs=int(rolled_over)),
        periods={
            at.period: shape.advance(
                start=at.previous, end=each.register, roll_overs=int(each.rolled_over)
            )
            for at, each in zip(standing.periods, found, strict=True)
            if is_period(at.period)
        },
    )
    _check_next(standing, corrected := Corrected(value, rolled_over, found))
    return corrected


def _check_next(standing: ReadingStanding, corrected: Corrected) -> None:
    """
    Let a correction pass behind which the next reading's registers still count the same energy.

    :raises ReadingContradicted: if they would not
    """
    if standing.next is None:
        return
    try:
        check_advances(
            standing.shape,
            total=_advance(standing.shape, corrected.register, standing.next),
            periods={
                at.period: _advance(standing.shape, each.register, at.next)
                for at, each in zip(standing.periods, corrected.periods, strict=True)
                if at.next is not None and is_period(at.period)
            },
        )
    except (PeriodsExceedTotal, PeriodsBelowTotal) as error:
        raise ReadingContradicted(f"up to the next reading {error.detail}") from error


def _advance(shape: Register, register: Decimal, following: NextReading) -> Decimal:
    began_again = following.register < register
    return shape.advance(start=register, end=following.register, roll_overs=int(began_again))


def _fitting(
    text: str, at: ReadingStanding | PeriodStanding, *, shape: Register, is_confirmed: bool
) -> tuple[Decimal, bool]:
    """Return what a register shows, if it began again, where both fit between the neighbours."""
    value, following = shape.read(text), at.next
    if isinstance(at, PeriodStanding) and not grows(at.period):
        return value, False
    rolled_over = has_rolled_over(
        value, previous=at.previous, shape=shape, is_confirmed=is_confirmed
    )
    if following is not None and following.register < value:
        # What was not plausible by itself had been confirmed, or it would not have been taken.
        was_confirmed = following.rolled_over and not shape.may_roll_over_from(at.register)
        if not was_confirmed and not shape.may_roll_over_from(value):
            raise ReadingContradicted(f"the next reading is {following.register}, below it")
    return value, rolled_over


def _periods(
    standing: ReadingStanding, misread: Mapping[Counted, str], *, is_confirmed: bool
) -> Iterator[PeriodReading]:
    unknown = misread.keys() - {each.period for each in standing.periods}
    if unknown:
        raise PeriodsDiffer(f"the meter has no register of {', '.join(sorted(unknown))}")
    for at in standing.periods:
        if at.period not in misread:
            yield _as_it_is(at)
            continue
        value, rolled_over = _fitting(
            misread[at.period], at, shape=standing.shape, is_confirmed=is_confirmed
        )
        yield PeriodReading(period=at.period, register=value, rolled_over=rolled_over)


def _as_it_is(at: PeriodStanding) -> PeriodReading:
    return PeriodReading(period=at.period, register=at.register, rolled_over=at.rolled_over)


def check_still(asked: ReadingCorrection, standing: ReadingStanding) -> None:
    """
    Let an approval pass of what the reading still comes to, as it stands now.

    :raises ReadingContradicted: if a neighbour was corrected meanwhile so that it means another
    :raises Refusal: whatever `judged` refuses
    """
    corrected = judged(
        standing,
        register=asked.register,
        periods={each.period: each.register for each in asked.periods},
        is_confirmed=asked.is_roll_over_confirmed,
    )
    found = {each.period: each.rolled_over for each in corrected.periods}
    has_changed = any(found[each.period] != each.rolled_over for each in asked.periods)
    if corrected.rolled_over != asked.rolled_over or has_changed:
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
