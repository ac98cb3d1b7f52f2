"""Two-part bills: energy with its losses, the basic charge, the power factor's adjustment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from service.domain import trials
from service.domain.basic_charges import Equipment
from service.domain.bill_bases import Basis
from service.domain.calculations import Calculation
from service.domain.errors import Conflict, Invalid
from service.domain.metered import Metered, RegisterSpan, reactive_kvarh_of
from service.domain.meters import CONSUMPTION_MAX_KWH, ConsumptionImplausible
from service.domain.months import Month, business_date, months_between
from service.domain.portions import Portion
from service.domain.prices import PriceList
from service.domain.supplies import Supply
from service.domain.tariffs import BASIC, Price
from service.domain.trials import Basic, Behind, Running, Trial

TWO_PART = frozenset({"industrial"})
"""Categories that pay for capacity or demand beside their energy."""

_KW_PER_KVA_MAX = 10


class SupplyUnknown(Conflict):
    """Nobody has recorded how an account of two parts is supplied."""

    code = "SUPPLY_UNKNOWN"
    hint = "Record the account's supply terms and its equipment, then start another run."


class DemandUnread(Conflict):
    """An account that pays for its demand had a meter that does not show it."""

    code = "DEMAND_UNREAD"
    hint = "Hang a meter with a register of demand, or record terms of another mode."


class DemandImplausible(Invalid):
    """A register shows a demand that the customer's transformers could not have carried."""

    code = "DEMAND_IMPLAUSIBLE"
    hint = "Correct the reading of the register, or the meter's multiplier, or record what runs."


class ReactiveUnread(Conflict):
    """The power factor of an account is assessed that had a meter without reactive energy."""

    code = "REACTIVE_UNREAD"
    hint = "Hang a meter with a register of reactive energy, or record terms without a standard."


class BasicUnpriced(Conflict):
    """The catalogue has no price for capacity, or for demand."""

    code = "BASIC_UNPRICED"
    hint = "Publish a catalogue with a price of the component `basic` per kVA, and one per kW."


def calculated(
    basis: Basis,
    portion: Portion,
    *,
    behind: tuple[Behind, ...] = (),
    month: Month,
    until: datetime,
    prices: Sequence[PriceList],
) -> Calculation:
    """
    Return the bill of an account of two parts, by the functions that trials are made by.

    Each of its months that there were terms for has a basic charge of its own: by the equipment
    that ran in it, by the highest demand read in it (or in the next), at the price as it began.
    :param portion: what the meters measured up to the reading of `until`, with what is `behind`
    Source: domain rules 2.2 to 2.4, 2.8, 2.12a.
    :raises SupplyUnknown: if there are no terms, no equipment, no transformer to bill losses of
    :raises DemandUnread, ReactiveUnread, DemandImplausible: by what its meters show, or do not
    :raises BasicUnpriced: if what is to be paid has no price
    :raises ConsumptionImplausible: if with what was lost it is beyond `CONSUMPTION_MAX_KWH`
    """
    months = _months(basis, month)
    supply, others = _supply(basis, months)
    begins_on = business_date(basis.previous.read_at)
    calculation = trials.calculated(
        Trial(
            metered=Metered(energy=portion.energy, reactive_kvarh=reactive_kvarh_of(others)),
            spells=portion.spells,
            household=portion.household,
            behind=behind,
            running=_running(supply, first=begins_on, after=business_date(until)),
            line_loss=supply.line_loss,
            basic=tuple(_basics(supply, basis.demands, months, prices=prices, since=begins_on)),
            standard=supply.standard,
        )
    )
    largest = max(calculation.consumption_kwh, calculation.reactive_kvarh)
    if largest > CONSUMPTION_MAX_KWH:
        raise ConsumptionImplausible(f"{largest} kWh or kvarh with what was lost")
    return calculation


def _months(basis: Basis, month: Month) -> list[Month]:
    count = months_between(basis.first_month, month)
    return [basis.first_month.plus(index) for index in range(count)]


def _supply(basis: Basis, months: Sequence[Month]) -> tuple[Supply, list[RegisterSpan]]:
    """Return how an account is supplied, with all that its other registers showed."""
    supply, others = basis.supply, [each for each in basis.others if each is not None]
    if supply is None or not supply.equipment:
        raise SupplyUnknown("no terms" if supply is None else "no equipment")
    if supply.is_metered_low and all(each.kind == "motor" for each in supply.equipment):
        raise SupplyUnknown("metered behind transformers, and there are none")
    counted = [each.counted for each in others]
    meters = len(basis.removed) + 1
    if supply.standard is not None and counted.count("reactive") < meters:
        raise ReactiveUnread(f"the standard is 0.{supply.standard}")
    modes = {agreed.mode for each in months if (agreed := supply.agreed_in(each))}
    if modes - {"capacity"}:
        _check_demand(basis, supply, months, has_registers=counted.count("demand") == meters)
    return supply, others


def _check_demand(
    basis: Basis, supply: Supply, months: Sequence[Month], *, has_registers: bool
) -> None:
    if not has_registers:
        raise DemandUnread("the account pays for its demand")
    most_kw = _KW_PER_KVA_MAX * max(map(supply.running_kva, months))
    highest_kw = max(basis.demands.values(), default=Decimal(0))
    if 0 < most_kw < highest_kw:
        raise DemandImplausible(f"{highest_kw} kW, more than {most_kw}")


def _running(supply: Supply, *, first: date, after: date) -> tuple[Running, ...]:
    """Return the transformers between the meter and the point of supply, as long as they ran."""
    if not supply.is_metered_low:
        return ()
    return tuple(
        Running(transformer=each.plate, days=days, load_shape=supply.load_shape)
        for each in supply.equipment
        if each.kind == "transformer" and (days := each.running_days(first=first, after=after))
    )


def _basics(
    supply: Supply,
    demands: Mapping[Month, Decimal],
    months: Sequence[Month],
    *,
    prices: Sequence[PriceList],
    since: date,
) -> Iterator[Basic]:
    """Yield what is charged for each month that something was agreed for, and ran in."""
    for month in months:
        agreed, charged = supply.agreed_in(month), _charged(supply, month)
        if agreed is None or not charged:
            continue
        unit = "kVA" if agreed.mode == "capacity" else "kW"
        version, price = _price(prices, on=max(month.first_day, since), unit=unit)
        read_in = min((each for each in demands if each >= month), default=None)
        yield Basic(
            mode=agreed.mode,
            price=price.price,
            equipment=charged,
            running_kva=supply.running_kva(month),
            contract_kw=agreed.contract_kw or Decimal(0),
            measured_kw=demands[read_in] if read_in else Decimal(0),
            has_discount=agreed.has_discount,
            version=version,
            is_in_base=price.is_in_base,
        )


def _charged(supply: Supply, month: Month) -> tuple[Equipment, ...]:
    """Return what is charged for a month; nothing, if all equipment stood still in it."""
    return tuple(
        Equipment(capacity_kva=each.plate.capacity_kva, days=days)
        for each in supply.equipment
        if (days := each.charged_days(month)) != 0
    )


def _price(prices: Sequence[PriceList], *, on: date, unit: str) -> tuple[str, Price]:
    """Return the price of a kVA or a kW on a day, with the version of the list it is from."""
    in_force = [each for each in prices if each.valid_from <= on]
    for price in in_force[-1].tariff.prices if in_force else ():
        if price.component == BASIC and price.unit == unit:
            return in_force[-1].tariff.version, price
    raise BasicUnpriced(f"no price per {unit} on {on}")
