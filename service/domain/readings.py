"""Readings: what a meter showed, taken only if it can be true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from service.domain.accounts import AccountUnknown
from service.domain.errors import Conflict, Invalid
from service.domain.metered import check_advances
from service.domain.meters import Register
from service.domain.months import business_date
from service.domain.registers import Counted, grows, is_period

SOURCES = ("manual", "ami", "customer", "migration")
TAKEN_BY_PERSONS = frozenset({"manual", "customer"})
"""Whoever took such a reading can look again, and is told at once what is odd about it."""


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


class PeriodsDiffer(Invalid):
    """A reading says nothing of a register that the meter has, or something of one it has not."""

    code = "PERIODS_DIFFER"
    hint = "Send in `periods` what each register shows that the meter has beside all energy."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReading:
    """
    A reading as it was sent; registers are text, as the meter showed them.

    `periods` are the meter's other registers: of periods of the day, of reactive energy, of demand.
    """

    account_no: str
    register: str
    read_at: datetime
    source: str
    is_roll_over_confirmed: bool
    periods: Mapping[Counted, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """
    A meter with the newest reading taken from it; `is_estimated` says that nobody took it.

    `periods` is what its other registers showed then.
    """

    bureau_id: int
    meter_id: int
    shape: Register
    read_at: datetime
    register: Decimal
    is_estimated: bool = False
    periods: Mapping[Counted, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReading:
    """What a register beside that of all energy showed; `rolled_over` as of a reading."""

    period: Counted
    register: Decimal
    rolled_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reading taken; `rolled_over` says that the register began again since the one before."""

    bureau_id: int
    meter_id: int
    read_at: datetime
    register: Decimal
    rolled_over: bool
    source: str
    periods: tuple[PeriodReading, ...] = ()


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
    rolled_over = has_rolled_over(
        register,
        previous=state.register,
        shape=state.shape,
        is_confirmed=new.is_roll_over_confirmed,
    )
    periods = tuple(_by_period(new, state))
    advance = state.shape.advance
    check_advances(
        state.shape,
        total=advance(start=state.register, end=register, roll_overs=int(rolled_over)),
        periods={
            period: advance(
                start=state.periods[period], end=each.register, roll_overs=int(each.rolled_over)
            )
            for each in periods
            if is_period(period := each.period)
        },
    )
    return Reading(
        bureau_id=state.bureau_id,
        meter_id=state.meter_id,
        # As told from UTC: PostgreSQL reads no offset of 16 h or more, which RFC 3339 allows.
        read_at=new.read_at.astimezone(UTC),
        register=register,
        rolled_over=rolled_over,
        source=new.source,
        periods=periods,
    )


def _by_period(new: NewReading, state: MeterState) -> Iterator[PeriodReading]:
    if new.periods.keys() != state.periods.keys():
        sent, had = (", ".join(sorted(each)) or "none" for each in (new.periods, state.periods))
        raise PeriodsDiffer(f"registers are {sent}, the meter's are {had}")
    for period, text in sorted(new.periods.items()):
        register = state.shape.read(text)
        yield PeriodReading(
            period=period,
            register=register,
            rolled_over=grows(period)
            and has_rolled_over(
                register,
                previous=state.periods[period],
                shape=state.shape,
                is_confirmed=new.is_roll_over_confirmed,
            ),
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
