"""Basic charges: what a two-part customer pays for capacity or demand, whatever it used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from service.domain.rounding import half_up

BasicMode = Literal["capacity", "contract_demand", "actual_demand", "before_2016"]

DAYS_OF_A_MONTH = 30
SUSPENDED_FROM_DAYS = 15
"""A suspension shorter than this is charged in full (domain rules 2.12a, 2.13)."""

_PRICE_UNITS_PER_FEN = 1_000_000
_FREE_ABOVE_CONTRACT = Fraction(105, 100)
_FLOOR_OF_CAPACITY = Fraction(40, 100)
_DECIMALS = 4
_DISCOUNT = Fraction(9, 10)
_DISCOUNT_FROM_KWH_PER_KVA = 260


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """
    A transformer or a motor at high voltage.

    `days` are those to charge for, None for a whole month, whatever its number of days.
    """

    capacity_kva: Decimal
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """
    One line of a basic charge: `quantity` in `unit` at `price` (1e-8 yuan), for `days`.

    `days` is None for a whole month, `version` where the price is that of the bill's tariff.
    """

    quantity: Decimal
    unit: Literal["kVA", "kW"]
    price: int
    days: int | None
    amount_fen: int
    version: str | None = None
    is_in_base: bool = True


def of_capacity(equipment: Sequence[Equipment], *, price: int) -> tuple[Charge, ...]:
    """
    Return a line per equipment: kVA × price × days/30, a whole month the price.

    Source: 1996 Rule art. 84; domain rule 2.3, capacity; examples E11a to E11d.
    """
    return tuple(
        _charge(each.capacity_kva, unit="kVA", price=price, days=each.days) for each in equipment
    )


def contract_demand_kw(*, applied_kw: Decimal, capacity_kva: Decimal) -> Decimal:
    """
    Return the contract demand that counts: not below two fifths of the running capacity.

    Source: 国家电网财〔2016〕633号; domain rule 2.3; example E12d.
    """
    return max(applied_kw, _decimal(_FLOOR_OF_CAPACITY * Fraction(capacity_kva)))


def of_contract_demand(
    *, contract_kw: Decimal, measured_kw: Decimal, price: int
) -> tuple[Charge, ...]:
    """
    Return the line of the contract demand, with one of what exceeds 105 % of it at twice the price.

    Source: 国家电网财〔2016〕633号; domain rule 2.3, contract demand; examples E12a to E12d.
    """
    agreed = _charge(contract_kw, price=price)
    excess_kw = Fraction(measured_kw) - Fraction(contract_kw) * _FREE_ABOVE_CONTRACT
    if excess_kw <= 0:
        return (agreed,)
    return (agreed, _charge(_decimal(excess_kw), price=2 * price))


def of_demand_before_2016(
    *, contract_kw: Decimal, measured_kw: Decimal, capacity_kva: Decimal, price: int
) -> tuple[Charge, ...]:
    """
    Return the lines of a month before 2016: measured up to the contract, twice the price above.

    Two fifths of the capacity are the floor of both.

    Source: domain rules 2.3, pre-2016, and 2.12a.
    """
    floor_kw = _decimal(_FLOOR_OF_CAPACITY * Fraction(capacity_kva))
    contract, measured = max(contract_kw, floor_kw), max(measured_kw, floor_kw)
    below = _charge(min(contract, measured), price=price)
    if measured <= contract:
        return (below,)
    return (below, _charge(measured - contract, price=2 * price))


def of_actual_demand(
    *, measured_kw: Decimal, price: int, floor_kw: Decimal | None = None
) -> tuple[Charge, ...]:
    """
    Return the line of the measured demand, or of its floor if there is one and it is higher.

    Source: domain rule 2.3, actual demand; example E12e.
    """
    return (_charge(max(measured_kw, floor_kw or measured_kw), price=price),)


def price_of_heavy_use(
    price: int, *, consumption_kwh: int | Fraction, capacity_kva: Decimal
) -> int:
    """
    Return the price of demand: nine tenths from 260 kWh a month per kVA on.

    Source: 发改价格〔2023〕529号; domain rules 2.3, 2.12a; example E12e.
    """
    is_heavy = consumption_kwh >= _DISCOUNT_FROM_KWH_PER_KVA * Fraction(capacity_kva)
    if not is_heavy or capacity_kva == 0:
        return price
    reduced = price * _DISCOUNT
    return half_up(reduced.numerator, reduced.denominator)


def _charge(
    quantity: Decimal,
    *,
    price: int,
    unit: Literal["kVA", "kW"] = "kW",
    days: int | None = None,
) -> Charge:
    exact = Fraction(Fraction(quantity) * price, _PRICE_UNITS_PER_FEN)
    if days is not None:
        exact = Fraction(exact * days, DAYS_OF_A_MONTH)
    return Charge(
        quantity=quantity,
        unit=unit,
        price=price,
        days=days,
        amount_fen=half_up(exact.numerator, exact.denominator),
    )


def _decimal(exact: Fraction) -> Decimal:
    """Return a number of kW with four decimals: 40 and 105 percent of two decimals have no more."""
    scaled = exact * 10**_DECIMALS
    assert scaled.denominator == 1, "kVA and kW have two decimals"
    return Decimal(scaled.numerator).scaleb(-_DECIMALS)
