"""Tariffs: what one version of the catalogue charges one category of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from service.domain.errors import Invalid
from service.domain.power_factors import Table
from service.domain.tiers import Scheme
from service.domain.tou import Period

ENERGY = "energy"
"""The component that tiers, subsidies are about."""
BASIC = "basic"
"""The component that is about capacity (kVA) and demand (kW), not about energy."""

Unit = Literal["kWh", "kVA", "kW", "month", "fen"]


class TierUnpriced(Invalid):
    """The tariff has tiers that it has no price for, or prices for tiers that it does not have."""

    code = "TIER_UNPRICED"
    hint = "Give a price for each tier, one more than the scheme has limits."


class Price(NamedTuple):
    """
    One price of a tariff, in 1e-8 yuan per kWh, per month, or per kVA or kW a month.

    With a `period` it holds for the energy of that period, with a `tier` for the energy of that
    tier, else for all. A tariff of increments has one for all energy (or for each period), then
    one for each tier from the second on.
    """

    component: str
    price: int
    period: Period | None = None
    tier: int | None = None
    unit: Unit = "kWh"
    is_levy: bool = False
    is_in_base: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """
    What one version of the catalogue charges one category at one voltage.

    `free_kwh` are those of a subsidised household, per month. `tables` are the power-factor tables
    by standard, in hundredths.

    :raises TierUnpriced: if its prices do not fit its tiers
    """

    version: str
    prices: tuple[Price, ...]
    scheme: Scheme | None = None
    free_kwh: int = 0
    tables: Mapping[int, Table]

    def __post_init__(self) -> None:
        priced: dict[str, set[int]] = {}
        for price in self.prices:
            if price.tier is not None and price.period is not None:
                raise TierUnpriced(f"{price.component} has a price for a tier within a period")
            if price.tier is not None:
                priced.setdefault(price.component, set()).add(price.tier)
        every = set(range(1, self.tier_count + 1))
        for component, tiers in priced.items():
            if tiers not in (every, every - {1}):
                raise TierUnpriced(f"{component} has prices for tiers {sorted(tiers)} of {every}")
        if every and not priced:
            raise TierUnpriced(f"no price for any of {self.tier_count} tiers")

    @property
    def tier_count(self) -> int:
        """How many tiers there are; 0 without a scheme."""
        return len(self.scheme.limits_kwh) + 1 if self.scheme else 0

    @property
    def periods(self) -> frozenset[Period]:
        """The periods of the day that have prices of their own; none at a single rate."""
        return frozenset(price.period for price in self.prices if price.period is not None)
