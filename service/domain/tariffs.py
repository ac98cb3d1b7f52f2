"""Tariffs: what one version of the catalogue charges one category of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from service.domain.power_factors import Table
from service.domain.tiers import Scheme
from service.domain.tou import Period

ENERGY = "energy"
"""The component that tiers, subsidies are about."""

Unit = Literal["kWh", "kVA", "kW", "month", "fen"]


class Price(NamedTuple):
    """
    One price of a tariff, in 1e-8 yuan per kWh, or per month.

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
    """

    version: str
    prices: tuple[Price, ...]
    scheme: Scheme | None = None
    free_kwh: int = 0
    tables: Mapping[int, Table]

    @property
    def periods(self) -> frozenset[Period]:
        """The periods of the day that have prices of their own; none at a single rate."""
        return frozenset(price.period for price in self.prices if price.period is not None)
