"""Meter exchanges: another meter measures an account from a moment on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from service.domain.errors import Busy
from service.domain.meters import Register
from service.domain.new_accounts import NewMeter, judge_meter
from service.domain.readings import MeterState, NewReading, Reading, taken
from service.domain.registers import Counted

_TAKEN_BY = "manual"


class UpgradeUnderWay(Busy):
    """Programs of the release before still run, which know less of meters than this."""

    code = "UPGRADE_UNDER_WAY"
    hint = "Send it again in a minute, with the same Idempotency-Key."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExchange:
    """
    An exchange as it was sent: what the old meter showed last, the new one as it was hung then.

    `final_periods` are the old meter's other registers, if it had any.
    `work_order_no` is that of the order on which whoever did it wrote both registers down.
    """

    account_no: str
    final_register: str
    is_roll_over_confirmed: bool
    meter: NewMeter
    work_order_no: str
    reason: str
    final_periods: Mapping[Counted, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange that can be true: the old meter's last reading, what the new one begins with."""

    final: Reading
    initial_register: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRegister:
    """A meter's register of one period of the day, as the meter was hung, as it was removed."""

    period: Counted
    initial_register: str
    final_register: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HungMeter:
    """
    A meter of an account; decimal numbers are text, as they are answered.

    One that runs has no `removed_at`. The account began with the one that has no work order; each
    other one says on which it took the place of the one before, why, and who recorded that.
    """

    asset_no: str
    digits: int
    decimals: int
    multiplier: str
    installed_at: datetime
    initial_register: str
    removed_at: datetime | None
    final_register: str | None
    work_order_no: str | None
    reason: str | None
    recorded_by: str | None
    recorded_at: datetime | None
    periods: tuple[PeriodRegister, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HungMeters:
    """Every meter an account has had, the newest first."""

    account_no: str
    items: tuple[HungMeter, ...]


def exchanged(
    new: NewExchange, state: MeterState | None, *, now: datetime, open_from: date
) -> Exchange:
    """
    Return what an exchange comes to for the running meter, which stands as `state` says.

    The old meter is read for the last time as the new one is hung: what it measured until then is
    part of the next bill.

    Source: domain rule 2.9 (both registers, or the order is not closed); example E08.
    :raises Refusal: if the new meter cannot hang there, or the old one cannot have shown that
    """
    judge_meter(new.meter)
    final = taken(
        NewReading(
            account_no=new.account_no,
            register=new.final_register,
            read_at=new.meter.installed_at,
            source=_TAKEN_BY,
            is_roll_over_confirmed=new.is_roll_over_confirmed,
            periods=new.final_periods,
        ),
        state,
        now=now,
        open_from=open_from,
    )
    shape = Register(new.meter.digits, new.meter.decimals)
    return Exchange(final=final, initial_register=shape.read(new.meter.initial_register))
