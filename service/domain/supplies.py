"""Supplies: by which equipment an account of two parts is supplied, how it is charged for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from service.domain.basic_charges import DAYS_OF_A_MONTH, SUSPENDED_FROM_DAYS, BasicMode
from service.domain.losses import Transformer
from service.domain.months import Month

EquipmentKind = Literal["transformer", "motor"]
EquipmentCondition = Literal["running", "suspended", "removed"]


class Change(NamedTuple):
    """A condition that equipment is in from a day on, this day as a whole, until its next one."""

    from_day: date
    condition: EquipmentCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """
    A transformer, or a motor at high voltage, with every change of its condition, oldest first.

    A motor loses nothing that is billed: its plate has a capacity alone.
    """

    kind: EquipmentKind
    plate: Transformer
    changes: tuple[Change, ...]

    def running_days(self, *, first: date, after: date) -> int:
        """Return on how many of the days from `first` on, before `after`, it ran."""
        return sum(
            max((min(ends, after) - max(begins, first)).days, 0)
            for begins, ends, condition in self._spells()
            if condition == "running"
        )

    def charged_days(self, month: Month) -> int | None:
        """
        Return for how many days of a month of 30 it is charged; None for all of it.

        What ran again before the fifteenth day of a suspension was not suspended; else it counts
        from the day that it was sealed. A whole month is one, whatever its number of days.

        Source: 1996 Rule art. 84; domain rules 2.3, 2.12a, 2.13; examples E11a to E11d.
        """
        first, after = month.first_day, month.next.first_day
        days = sum(
            max((min(ends, after) - max(begins, first)).days, 0)
            for begins, ends in self._charged_spells()
        )
        return None if days == (after - first).days else min(days, DAYS_OF_A_MONTH)

    def is_charged_on(self, day: date) -> bool:
        """Tell if a day is one of those that it is charged for."""
        return any(begins <= day < ends for begins, ends in self._charged_spells())

    def _charged_spells(self) -> Iterator[tuple[date, date]]:
        conditions = (*(change.condition for change in self.changes[1:]), "running")
        for (begins, ends, condition), then in zip(self._spells(), conditions, strict=True):
            is_short = (ends - begins).days < SUSPENDED_FROM_DAYS and then == "running"
            if condition == "running" or (condition == "suspended" and is_short):
                yield begins, ends

    def _spells(self) -> Iterator[tuple[date, date, EquipmentCondition]]:
        ends = (*(change.from_day for change in self.changes[1:]), date.max)
        for change, end in zip(self.changes, ends, strict=True):
            yield change.from_day, end, change.condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What is paid for beside energy, from a month on until the next agreement."""

    from_month: Month
    mode: BasicMode
    contract_kw: Decimal | None
    has_discount: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """
    How an account of two parts is supplied in a month.

    `standard` is that of the power factor in hundredths, None if it is not assessed. Of a meter on
    the far side of the transformers (高供低计) what these lose is billed too, by `load_shape`, then
    `line_loss`, in hundredths of a percent, which is billed wherever the meter is. `agreed` is what
    was agreed since the first month that there were terms for, the oldest first.
    """

    agreed: tuple[Agreed, ...]
    standard: int | None
    is_metered_low: bool
    load_shape: Decimal
    line_loss: int
    equipment: tuple[Installed, ...]

    def agreed_in(self, month: Month) -> Agreed | None:
        """Return what was agreed for a month; None before the first terms."""
        begun = [each for each in self.agreed if each.from_month <= month]
        return begun[-1] if begun else None

    def running_kva(self, month: Month) -> Decimal:
        """Return the greatest capacity that was charged at one time of a month."""
        days = {month.first_day}
        for each in self.equipment:
            days |= {day for day, _ in each.changes if Month.of(day) == month}
        return max(
            sum(
                (each.plate.capacity_kva for each in self.equipment if each.is_charged_on(day)),
                Decimal(0),
            )
            for day in days
        )
