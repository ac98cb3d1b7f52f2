"""Parts: what a bill takes out of an account's energy, to bill it at another category's prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.domain.errors import Conflict
from service.domain.months import Month
from service.domain.portions import Household, Participation, Spell
from service.domain.sub_meters import Fixed, Share
from service.domain.trials import Behind


class PartsChanged(Conflict):
    """Other parts held in some month of a bill: one apportionment holds for all of it."""

    code = "PARTS_CHANGED"
    hint = "Estimate the months that nobody read, or let it begin with the bill's first month."


class PartTiered(Conflict):
    """Tiers are about all that one household uses; a part of a supply is none."""

    code = "PART_TIERED"
    hint = "Publish prices without tiers for the part's category, or apportion to another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part as it is billed: `sub_meter` is what it is a month."""

    category: str
    sub_meter: Fixed | Share
    participation: Participation

    def behind(self, spells: Sequence[Spell], *, months: int) -> Behind:
        """
        Return the part as trials know it: a sub-meter, on a bill of so many months.

        What costs so much a month is paid once, with the main energy.

        Source: domain rule 2.2, step 4; examples E17a, E17b.
        :raises PartTiered: if its prices have tiers
        """
        if any(spell.tariff.scheme is not None for spell in spells):
            raise PartTiered(f"prices of {self.category}")
        sub_meter = self.sub_meter
        if isinstance(sub_meter, Fixed):
            sub_meter = Fixed(kwh=sub_meter.kwh * months)
        return Behind(
            sub_meter=sub_meter,
            spells=tuple(map(_of_energy, spells)),
            household=Household(months=months),
            participation=self.participation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What holds in the month of a bill, from which month on."""

    from_month: Month
    items: tuple[Part, ...]

    def of_bill(self, first: Month) -> tuple[Part, ...]:
        """
        Return the parts of a bill whose first month is `first`.

        :raises PartsChanged: if they do not hold in all of its months
        """
        if self.from_month > first:
            raise PartsChanged(f"from {self.from_month}, and the bill begins with {first}")
        return self.items


def _of_energy(spell: Spell) -> Spell:
    prices = tuple(each for each in spell.tariff.prices if each.unit != "month")
    return replace(spell, tariff=replace(spell.tariff, prices=prices))
