"""Equipment: a customer's transformers or motors, with the days on which they ran."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from service.domain.account_closings import AccountClosed
from service.domain.basic_charges import SUSPENDED_FROM_DAYS
from service.domain.errors import Conflict, Invalid, Missing
from service.domain.months import Month, business_date
from service.domain.new_accounts import FIRST_YEAR
from service.domain.supplies import Change, EquipmentCondition, EquipmentKind
from service.domain.supply_terms import NotTwoPart
from service.domain.two_part import TWO_PART

_EQUIPMENT_NO = re.compile(r"[0-9A-Za-z-]{1,40}", re.ASCII)
_CAPACITY_MAX_KVA = 1_000_000
_PERCENT_MAX = 100
_FORESEEN = timedelta(days=366)
_PLATE = re.compile(r"[0-9]{1,8}(?:\.[0-9]{1,2})?", re.ASCII)


class EquipmentNumberMalformed(Invalid):
    """A text is no number of equipment."""

    code = "EQUIPMENT_NUMBER_MALFORMED"
    hint = "Send the 1 to 40 letters, digits and hyphens on its plate."


class PlateImplausible(Invalid):
    """No transformer, no motor has such a plate."""

    code = "PLATE_IMPLAUSIBLE"
    hint = "Send decimals as text: 1 kVA or more; of a transformer its losses, below the capacity."


class EquipmentTaken(Conflict):
    """The account has equipment of this number."""

    code = "EQUIPMENT_TAKEN"
    hint = "Record a change of its condition; equipment that took its place has its own number."


class EquipmentUnknown(Missing):
    """The account has no such equipment."""

    code = "EQUIPMENT_UNKNOWN"
    hint = "Check the number on the plate; the account's equipment is listed beside it."


class ConditionUnchanged(Conflict):
    """The equipment is in this condition already, or was removed for good."""

    code = "CONDITION_UNCHANGED"
    hint = "Record only changes; equipment that comes back after a removal has a new number."


class ChangeNotLater(Conflict):
    """Changes are recorded in the order of their days."""

    code = "CHANGE_NOT_LATER"
    hint = "Let it begin after the newest change of this equipment."


class ChangeImplausible(Invalid):
    """Nobody knows a change a year ahead, nothing runs since another age."""

    code = "CHANGE_IMPLAUSIBLE"
    hint = f"Send a day from {FIRST_YEAR} up to a year from now."


class ChangeBilled(Conflict):
    """The month of the change is billed."""

    code = "CHANGE_BILLED"
    hint = "Cancel the bills from its month on first; then bill them anew."


class SuspensionTooShort(Conflict):
    """A suspension that was billed as one cannot end before its fifteenth day."""

    code = "SUSPENSION_TOO_SHORT"
    hint = f"Let it last {SUSPENDED_FROM_DAYS} days, or cancel the bills since it began."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEquipment:
    """
    A transformer or a motor as its plate says, running from a day on; decimals are text.

    Of a motor all but the capacity are null: what it loses, its meter has counted.
    """

    equipment_no: str
    kind: EquipmentKind
    capacity_kva: str
    no_load_kw: str | None
    load_kw: str | None
    no_load_percent: str | None
    short_circuit_percent: str | None
    runs_from: date
    document_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChange:
    """A condition that equipment is in from a day on, as a work order says."""

    from_day: date
    condition: EquipmentCondition
    document_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """A change of condition as it was recorded, by whom."""

    from_day: date
    condition: EquipmentCondition
    document_no: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEquipment:
    """A piece of equipment, with every change of its condition, the newest first."""

    equipment_no: str
    kind: EquipmentKind
    capacity_kva: Decimal
    no_load_kw: Decimal | None
    load_kw: Decimal | None
    no_load_percent: Decimal | None
    short_circuit_percent: Decimal | None
    changes: tuple[RecordedChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentOfAccount:
    """Every piece of equipment of an account, by number."""

    account_no: str
    items: tuple[RecordedEquipment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentStanding:
    """
    What equipment is judged by: its account's category, newest billed month, changes so far.

    `today` is that of business time; `closed_at` is None of an account that is open.
    """

    today: date
    category: str
    newest_billed: Month | None
    changes: Sequence[Change] | None
    closed_at: datetime | None = None


def check_new(new: NewEquipment, standing: EquipmentStanding) -> None:
    """
    Let equipment pass that can run at an account.

    :raises NotTwoPart: if the account's category has no basic charge
    :raises EquipmentNumberMalformed: if its number is none
    :raises PlateImplausible: if it is not built like this
    :raises EquipmentTaken: if the account has it already
    :raises ChangeImplausible: if it begins in another age, or nobody can know of it yet
    :raises ChangeBilled: if the month that it begins in, or a later one, is billed
    :raises AccountClosed: if it begins after the account has closed
    """
    if standing.category not in TWO_PART:
        raise NotTwoPart(f"the account is {standing.category}")
    if not _EQUIPMENT_NO.fullmatch(new.equipment_no):
        raise EquipmentNumberMalformed(f"equipment_no is {new.equipment_no[:60]!r}")
    _check_plate(new)
    if standing.changes:
        raise EquipmentTaken(f"equipment {new.equipment_no} is recorded")
    _check_day(new.runs_from, standing)


def check_change(new: NewChange, standing: EquipmentStanding) -> None:
    """
    Let a change pass that follows what is recorded of the equipment.

    Source: domain rule 2.13 (减容, 暂停).
    :raises EquipmentUnknown: if the account has no such equipment
    :raises ConditionUnchanged: if it changes nothing
    :raises ChangeNotLater: if it begins before another
    :raises ChangeImplausible: if nobody can know of it yet
    :raises ChangeBilled: if its month, or a later one, is billed
    :raises AccountClosed: if it begins after the account has closed
    :raises SuspensionTooShort: if it ends a suspension of days that was billed as a longer one
    """
    if not standing.changes:
        raise EquipmentUnknown("nothing of it is recorded")
    newest = standing.changes[-1]
    if newest.condition in {new.condition, "removed"}:
        raise ConditionUnchanged(f"{newest.condition} since {newest.from_day}")
    if new.from_day <= newest.from_day:
        raise ChangeNotLater(f"from {new.from_day}, while {newest.from_day} is recorded")
    _check_day(new.from_day, standing)
    lasted = (new.from_day - newest.from_day).days
    runs_again = newest.condition == "suspended" and new.condition == "running"
    if runs_again and lasted < SUSPENDED_FROM_DAYS:
        _check_short(newest.from_day, standing, lasted=lasted)


def _check_plate(new: NewEquipment) -> None:
    capacity_kva = _number(new.capacity_kva, most=_CAPACITY_MAX_KVA)
    if capacity_kva < 1:
        raise PlateImplausible(f"capacity_kva is {new.capacity_kva[:20]!r}")
    losses = (
        (new.no_load_kw, capacity_kva),
        (new.load_kw, capacity_kva),
        (new.no_load_percent, _PERCENT_MAX),
        (new.short_circuit_percent, _PERCENT_MAX),
    )
    for text, most in losses:
        if (text is None) != (new.kind == "motor"):
            raise PlateImplausible(f"a {new.kind} {'lacks its' if text is None else 'has'} losses")
        if text is not None:
            _number(text, most=most)


def _number(text: str, *, most: Decimal | int) -> Decimal:
    if not _PLATE.fullmatch(text) or Decimal(text) > most:
        raise PlateImplausible(f"{text[:20]!r} is no number up to {most}")
    return Decimal(text)


def _check_day(day: date, standing: EquipmentStanding) -> None:
    if day.year < FIRST_YEAR or day > standing.today + _FORESEEN:
        raise ChangeImplausible(f"from {day}")
    billed = standing.newest_billed
    if billed is not None and Month.of(day) <= billed:
        raise ChangeBilled(f"from {day}, while {billed} is billed")
    closed_at = standing.closed_at
    if closed_at is not None and day > business_date(closed_at) + timedelta(days=1):
        raise AccountClosed(f"from {day}, closed at {closed_at.isoformat()}")


def _check_short(began: date, standing: EquipmentStanding, *, lasted: int) -> None:
    billed = standing.newest_billed
    if billed is not None and Month.of(began) <= billed:
        raise SuspensionTooShort(f"{lasted} days since {began}, while {billed} is billed")
