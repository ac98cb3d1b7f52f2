"""Meter exchanges: another meter measures an account from a moment on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.domain.errors import Busy
from service.domain.meters import Register
from service.domain.new_accounts import NewMeter, judge_meter
from service.domain.readings import MeterState, NewReading, Reading, taken

_TAKEN_BY = "manual"


class UpgradeUnderWay(Busy):
    """Programs of the release before still run, for which an account has one meter for ever."""

    code = "UPGRADE_UNDER_WAY"
    hint = "Send it again in a minute, with the same Idempotency-Key."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExchange:
    """
    An exchange as it was sent: what the old meter showed last, the new one as it was hung then.

    `work_order_no` is that of the order on which whoever did it wrote both registers down.
    """

    account_no: str
    final_register: str
    is_roll_over_confirmed: bool
    meter: NewMeter
    work_order_no: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange that can be true: the old meter's last reading, what the new one begins with."""

    final: Reading
    initial_register: Decimal


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
        ),
        state,
        now=now,
        open_from=open_from,
    )
    shape = Register(new.meter.digits, new.meter.decimals)
    return Exchange(final=final, initial_register=shape.read(new.meter.initial_register))
