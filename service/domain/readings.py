"""Readings: what a meter showed, taken only if it can be true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from service.domain.accounts import AccountUnknown
from service.domain.errors import Conflict, Invalid, Refusal
from service.domain.meters import Register
from service.domain.months import business_date
from service.domain.reading_pasts import Past

BATCH_MAX = 1_000
"""A round of a reader's day; longer batches would hold the locks of too many meters at once."""
SOURCES = ("manual", "ami", "customer", "migration")
TAKEN_BY_PERSONS = frozenset({"manual", "customer"})
"""Whoever took such a reading can look again, and is told at once what is odd about it."""


class BatchLengthRefused(Invalid):
    """A batch has readings, and not more than one transaction should hold."""

    code = "BATCH_LENGTH_REFUSED"
    hint = f"Send 1 to {BATCH_MAX} readings at a time."


class SourceUnknown(Invalid):
    """Readings do not come from there."""

    code = "SOURCE_UNKNOWN"
    hint = f"Send one of {', '.join(SOURCES)}."


class ReadingInFuture(Invalid):
    """A meter cannot have been read later than now."""

    code = "READING_IN_FUTURE"
    hint = "Check the clock of the device, and the offset of read_at."


class ReadingTooOld(Invalid):
    """The readings of that time are closed."""

    code = "READING_TOO_OLD"
    hint = "Import the meter with its register as of a later day."


class ReadingNotLater(Conflict):
    """A meter's readings are taken in the order of their time."""

    code = "READING_NOT_LATER"
    hint = "Send only readings later than the last one taken; a repeated one was taken before."


class ReadingBelowPrevious(Conflict):
    """A register does not run backwards."""

    code = "READING_BELOW_PREVIOUS"
    hint = "Read the meter again; if it did pass its last digit, send is_roll_over_confirmed."


class ReadingBelowEstimate(Conflict):
    """The register shows less than it was estimated at: too much was billed."""

    code = "READING_BELOW_ESTIMATE"
    hint = "Cancel the estimated bill, correct the estimate to what was read, send this again."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReading:
    """A reading as it was sent; its register is text, as the meter showed it."""

    account_no: str
    register: str
    read_at: datetime
    source: str
    is_roll_over_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """A meter with the newest reading taken from it; `is_estimated` says that nobody took it."""

    bureau_id: int
    meter_id: int
    shape: Register
    read_at: datetime
    register: Decimal
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reading taken; `rolled_over` says that the register began again since the one before."""

    bureau_id: int
    meter_id: int
    read_at: datetime
    register: Decimal
    rolled_over: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """What is odd about a reading that was taken; a bill run will ask another hand about it."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAccepted:
    """What the sender is told of a reading that was taken."""

    item: int
    status: Literal["accepted"] = "accepted"
    account_no: str
    rolled_over: bool
    findings: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRefused:
    """What the sender is told of a reading that was not taken."""

    item: int
    status: Literal["refused"] = "refused"
    account_no: str
    code: str
    detail: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What became of a batch, with a result for every item, in its order and counted from 1."""

    accepted: int
    refused: int
    results: tuple[ItemAccepted | ItemRefused, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What a batch comes to: the readings to keep, what each meter shows after them, what to answer.

    `readings` are in the order of their time for each meter; `states` holds the meters that moved.
    """

    readings: tuple[Reading, ...]
    states: tuple[MeterState, ...]
    report: BatchReport


def check_length(readings: Sequence[object]) -> None:
    """
    Let a batch pass that one transaction can hold.

    :raises BatchLengthRefused: if it is empty, or has more than `BATCH_MAX` readings
    """
    if not 1 <= len(readings) <= BATCH_MAX:
        raise BatchLengthRefused(f"the batch has {len(readings)} readings")


def judge(
    batch: Sequence[NewReading],
    *,
    states: Mapping[str, MeterState],
    pasts: Mapping[str, Past],
    now: datetime,
    open_from: date,
) -> Judgement:
    """
    Judge each reading of a batch by the one before it, in the batch or of an earlier one.

    `states` are the meters as they stand, `pasts` what those are compared with that persons read,
    both by account number; `open_from` is the first day whose readings are kept. Items of one meter
    are judged in the order of their time, whatever their order in the batch, and a refused one
    leaves no trace for the next.
    """
    shown, behind = dict(states), dict(pasts)
    readings: list[Reading] = []
    results: dict[int, ItemAccepted | ItemRefused] = {}
    for index in sorted(range(len(batch)), key=lambda index: batch[index].read_at):
        new, item = batch[index], index + 1
        account_no = new.account_no
        try:
            reading = taken(new, shown.get(account_no), now=now, open_from=open_from)
        except Refusal as refusal:
            results[item] = refused(item, account_no, refusal)
            continue
        readings.append(reading)
        shown[account_no] = _after(shown[account_no], reading)
        if account_no in behind:
            behind[account_no] = behind[account_no].after(rolled_over=reading.rolled_over)
        findings = _odd(reading, behind.get(account_no), shown[account_no].shape)
        results[item] = ItemAccepted(
            item=item, account_no=account_no, rolled_over=reading.rolled_over, findings=findings
        )
    return Judgement(
        readings=tuple(readings),
        states=_moved(shown.values(), readings),
        report=report_of(results[item] for item in sorted(results)),
    )


def _moved(states: Iterable[MeterState], readings: Iterable[Reading]) -> tuple[MeterState, ...]:
    moved = {reading.meter_id for reading in readings}
    return tuple(state for state in states if state.meter_id in moved)


def _after(state: MeterState, reading: Reading) -> MeterState:
    return replace(state, read_at=reading.read_at, register=reading.register, is_estimated=False)


def _odd(reading: Reading, past: Past | None, shape: Register) -> tuple[Oddity, ...]:
    if past is None or reading.source not in TAKEN_BY_PERSONS:
        return ()
    found = past.findings(reading.register, read_at=reading.read_at, shape=shape)
    return tuple(Oddity(kind=each.code, detail=each.detail) for each in found)


def taken(new: NewReading, state: MeterState | None, *, now: datetime, open_from: date) -> Reading:
    """Return a reading if it can be true of a meter that stands so; the refusal says why not."""
    if new.source not in SOURCES:
        raise SourceUnknown(f"source is {new.source[:40]!r}")
    if state is None:
        raise AccountUnknown(f"account is {new.account_no[:40]!r}")
    _judge_time(new.read_at, previous=state.read_at, now=now, open_from=open_from)
    register = state.shape.read(new.register)
    if state.is_estimated and register < state.register and not new.is_roll_over_confirmed:
        raise ReadingBelowEstimate(f"register is {register}, the estimate is {state.register}")
    return Reading(
        bureau_id=state.bureau_id,
        meter_id=state.meter_id,
        # As told from UTC: PostgreSQL reads no offset of 16 h or more, which RFC 3339 allows.
        read_at=new.read_at.astimezone(UTC),
        register=register,
        rolled_over=has_rolled_over(
            register,
            previous=state.register,
            shape=state.shape,
            is_confirmed=new.is_roll_over_confirmed,
        ),
        source=new.source,
    )


def _judge_time(read_at: datetime, *, previous: datetime, now: datetime, open_from: date) -> None:
    if read_at > now:
        raise ReadingInFuture(f"read_at is {read_at.isoformat()}, now is {now.isoformat()}")
    if read_at <= previous:
        raise ReadingNotLater(
            f"read_at is {read_at.isoformat()}, the last reading is of {previous.isoformat()}"
        )
    if business_date(read_at) < open_from:
        raise ReadingTooOld(f"read_at is {read_at.isoformat()}, readings begin on {open_from}")


def has_rolled_over(
    register: Decimal, *, previous: Decimal, shape: Register, is_confirmed: bool
) -> bool:
    """
    Test if the register began again at zero since it showed `previous`.

    A confirmation of what did not happen changes nothing.

    Source: domain rule 2.2, step 1 (plausible from nine tenths of the range on, or confirmed).
    :raises ReadingBelowPrevious: if it ran backwards
    """
    if register >= previous:
        return False
    if is_confirmed or shape.may_roll_over_from(previous):
        return True
    raise ReadingBelowPrevious(f"register is {register}, the last reading is {previous}")


def refused(item: int, account_no: str, refusal: Refusal) -> ItemRefused:
    """Return what the sender is told of an item that was refused."""
    return ItemRefused(
        item=item,
        account_no=account_no,
        code=refusal.code,
        detail=refusal.detail,
        hint=refusal.hint,
    )


def report_of(results: Iterable[ItemAccepted | ItemRefused]) -> BatchReport:
    """Return the report with these results."""
    told = tuple(results)
    accepted = sum(isinstance(result, ItemAccepted) for result in told)
    return BatchReport(accepted=accepted, refused=len(told) - accepted, results=told)
