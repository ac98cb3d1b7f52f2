"""Portions: energy at one price, with what its bill depends on beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from service.domain.tariffs import Tariff
from service.domain.tiers import MONTHS_OF_A_YEAR, YearTiers
from service.domain.tou import Energy

Participation = Literal["energy_and_money", "energy_only", "neither"]
"""How a portion takes part in the power factor: in both, in the factor alone, in neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Days of a bill during which one tariff holds."""

    days: int
    tariff: Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """
    What is known of a household.

    `months` are those of the bill. With an annual scheme, `year_months` are those of the year in
    which it is supplied, the month of its start as a whole; `before_kwh` is what earlier bills of
    the year came to; `year` what all of it did, by tier, where that settles what they were billed.
    """

    months: int = 1
    year_months: int = MONTHS_OF_A_YEAR
    before_kwh: int = 0
    year: YearTiers | None = None
    is_extended: bool = False
    is_subsidised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Energy at one price: what is left of a main meter, or one of its sub-meters."""

    energy: Energy
    spells: tuple[Spell, ...]
    household: Household = field(default_factory=Household)
    participation: Participation = "energy_and_money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """
    What the power factor is assessed from.

    `standard` is in hundredths. `lost_kwh` is energy that no portion has, and counts all the same.
    """

    standard: int
    reactive_kvarh: int
    lost_kwh: int = 0
