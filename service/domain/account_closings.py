"""Account closings: an account's meter is removed, its last bill follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from service.domain.errors import Conflict, Missing
from service.domain.months import Month
from service.domain.readings import MeterState, NewReading, Reading, taken
from service.domain.registers import Counted

_TAKEN_BY = "manual"


class AccountClosed(Conflict):
    """The account is closed."""

    code = "ACCOUNT_CLOSED"
    hint = "Read its closing; whoever is supplied there again has another account."


class AccountOpen(Missing):
    """The account was not closed."""

    code = "ACCOUNT_OPEN"
    hint = "Read the account itself."


class ClosingMonthBilled(Conflict):
    """The month that the account closes in, or a later one, is billed already."""

    code = "CLOSING_MONTH_BILLED"
    hint = "Cancel that bill, then close the account: it is billed anew, up to the final reading."


class EquipmentStays(Conflict):
    """A transformer or a motor of the account would be charged for, whoever uses it."""

    code = "EQUIPMENT_STAYS"
    hint = (
        "Record since when each piece of its equipment is removed: up to the day after it closes."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClosing:
    """
    A closing as it was sent: what the meter showed as it was removed, on which work order.

    `final_periods` are the meter's other registers, if it has any.
    """

    account_no: str
    closed_at: datetime
    final_register: str
    is_roll_over_confirmed: bool
    work_order_no: str
    reason: str
    final_periods: Mapping[Counted, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosing:
    """How an account was closed, by whom; `final_register` is decimal text."""

    account_no: str
    closed_at: datetime
    asset_no: str
    final_register: str
    work_order_no: str
    reason: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingStanding:
    """
    What a closing is judged by.

    `closed_at` is None of an account that is open, `last_billed` of one without a bill in force;
    `equipment` is how many pieces would stay.
    """

    closed_at: datetime | None
    last_billed: Month | None
    equipment: int


def closed(
    new: NewClosing,
    state: MeterState | None,
    standing: ClosingStanding,
    *,
    now: datetime,
    open_from: date,
) -> Reading:
    """
    Return the final reading of an account that can be closed so.

    What its meter measured until then is the energy of its last bill, that of the month.

    Source: domain rules 2.9 (a final reading, or the order is not closed), process 销户.
    :raises AccountClosed: if it is closed
    :raises ClosingMonthBilled: if the month, or a later one, is billed
    :raises EquipmentStays: if equipment of it is not removed by then
    :raises Refusal: if the meter cannot have shown that
    """
    if standing.closed_at is not None:
        raise AccountClosed(f"account {new.account_no}, at {standing.closed_at.isoformat()}")
    month = Month.at(new.closed_at)
    if standing.last_billed is not None and standing.last_billed >= month:
        raise ClosingMonthBilled(f"billed up to {standing.last_billed}, it closes in {month}")
    if standing.equipment:
        raise EquipmentStays(f"{standing.equipment} of account {new.account_no}")
    return taken(
        NewReading(
            account_no=new.account_no,
            register=new.final_register,
            read_at=new.closed_at,
            source=_TAKEN_BY,
            is_roll_over_confirmed=new.is_roll_over_confirmed,
            periods=new.final_periods,
        ),
        state,
        now=now,
        open_from=open_from,
    )
