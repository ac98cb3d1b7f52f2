"""Tariffs for the tests: the synthetic prices of the worked examples."""

from __future__ import annotations

from service.domain.calculations import calculate
from service.domain.portions import Household, Portion, Spell
from service.domain.tariffs import Price, Tariff
from service.domain.tiers import Scheme
from service.domain.tou import Energy
from tests.unit.domain.power_factor_tables import TABLES


def yuan(text):
    """Return a price in 1e-8 yuan."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**8 + int(fraction.ljust(8, "0") or 0)


def tariff(*prices, **terms):
    return Tariff(**({"version": "synthetic", "prices": prices, "tables": TABLES} | terms))


def tiers(*steps):
    """Return a price per tier."""
    return tuple(Price("energy", yuan(step), tier=n) for n, step in enumerate(steps, start=1))


def increments(*steps):
    """Return what each tier from the second on adds to the price of all energy."""
    return tuple(Price("tier", yuan(step), tier=n) for n, step in enumerate(steps, start=2))


def levies(*each):
    return tuple(Price(f"levy {n}", yuan(price), is_levy=True) for n, price in enumerate(each))


def holding(*tariffs, days=(30,)):
    return tuple(Spell(days=n, tariff=each) for n, each in zip(days, tariffs, strict=True))


def bill(energy, *tariffs, days=(30,), **household):
    """Return the calculation of one meter's energy, in kWh or by period."""
    energy = energy if isinstance(energy, Energy) else Energy(flat=energy)
    spells = holding(*tariffs, days=days)
    return calculate([Portion(energy=energy, spells=spells, household=Household(**household))])


MONTHLY = Scheme(is_annual=False, limits_kwh=(170, 260), extension_kwh=100)
RESIDENTIAL = tariff(*tiers("0.56", "0.61", "0.86"), scheme=MONTHLY, free_kwh=15)
RESIDENTIAL_BY_INCREMENTS = tariff(
    Price("energy", yuan("0.56")), *increments("0.05", "0.30"), scheme=MONTHLY
)
# The tiers of Zhejiang's price list.
ANNUAL = Scheme(is_annual=True, limits_kwh=(2760, 4800))
ZHEJIANG = tariff(*tiers("0.538", "0.588", "0.838"), scheme=ANNUAL)
ZHEJIANG_BY_PERIOD = tariff(
    Price("energy", yuan("0.568"), period="peak"),
    Price("energy", yuan("0.288"), period="valley"),
    *increments("0.05", "0.30"),
    scheme=ANNUAL,
)
COMMERCIAL = tariff(
    Price("energy", yuan("0.5213")), *levies("0.02", "0.019", "0.001969", "0.006225", "0.0005")
)
