"""The engine's side of the comparison: the same customer, the same lines, in its own words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from service.domain import losses, metered, meters, sub_meters, tou, trials
from service.domain.basic_charges import Equipment
from service.domain.calculations import calculate
from service.domain.losses import Loss, Transformer
from service.domain.portions import Assessment, Household, Portion, Spell
from service.domain.sub_meters import Fixed, Measured, Share
from service.domain.tariffs import Price, Tariff
from service.domain.tiers import Scheme
from service.domain.tou import Energy
from tests.unit.domain.power_factor_tables import TABLES

PARTICIPATION = {"01": "energy_and_money", "02": "energy_only", "03": "neither"}


def units(yuan):
    """Return a price in 1e-8 yuan."""
    assert (yuan * 10**8).denominator == 1
    return int(yuan * 10**8)


def decimal(exact):
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def energy(kwh):
    return Energy(**{period: int(amount) for period, amount in kwh.items()})


def is_plausible(segment):
    """Test if the register went on, or may have rolled over."""
    shape = meters.Register(digits=segment.digits, decimals=2)
    return segment.end >= segment.start or shape.may_roll_over_from(decimal(segment.start))


def read(segments):
    """Return the kWh of a register."""
    return sum(
        metered.span_between(
            meters.Register(digits=each.digits, decimals=2),
            start=decimal(each.start),
            end=decimal(each.end),
            multiplier=decimal(each.multiplier),
        ).kwh
        for each in segments
    )


def main_energy(supply):
    kwh = {
        f"{name}_kwh": read(segments)
        for name, segments in supply.meter.items()
        if name != "reactive"
    }
    return tou.balanced(**kwh)


def spells(tariff):
    """Return the tariff, once for each price that it has in turn."""
    days = [price.days for price in tariff.periods["flat"]]
    return tuple(
        Spell(days=number, tariff=version(tariff, index)) for index, number in enumerate(days)
    )


def version(tariff, index):
    def at(prices):
        return units(prices[index].yuan)

    tiers = tariff.tiers
    is_single, is_split = len(tariff.periods) == 1, False
    if tiers is not None:
        is_split = tiers.is_split and is_single
    prices = []
    if is_split:
        base = at(tariff.periods["flat"])
        steps = [0, *(at(delta) for delta in tiers.deltas)]
        prices += [Price("energy", base + more, tier=n) for n, more in enumerate(steps, start=1)]
    else:
        prices += [
            Price("energy", at(each), period=None if is_single else period)
            for period, each in tariff.periods.items()
            if each[index].yuan is not None
        ]
    if tiers is not None and not is_split:
        prices += [
            Price("tier", at(delta), tier=n) for n, delta in enumerate(tiers.deltas, start=2)
        ]
    prices += [Price(name, at(each), is_levy=True) for name, each in tariff.levies.items()]
    return Tariff(
        version=f"version {index}",
        prices=tuple(prices),
        scheme=tiers and scheme(tiers),
        free_kwh=int(tariff.free_kwh),
        tables=TABLES,
    )


def scheme(tiers):
    return Scheme(
        is_annual=tiers.steps.scheme == "year",
        limits_kwh=tuple(int(limit) for limit in tiers.steps.limits),
        extension_kwh=int(tiers.extension),
        extension="widen" if tiers.is_widened else "shift",
    )


def household(tariff):
    known = Household(months=tariff.months, is_subsidised=bool(tariff.free_kwh))
    tiers = tariff.tiers
    if tiers is None:
        return known
    known = replace(known, before_kwh=int(tiers.before), is_extended=bool(tiers.extension))
    if tiers.steps.scheme == "year":
        return replace(known, year_months=tiers.months)
    return known


def sub_meter(child):
    match child.how:
        case "fixed":
            return Fixed(kwh=int(child.value))
        case "ratio":
            return Share(hundredths_percent=int(child.value * 10_000))
        case _:
            return Measured(energy=energy(child.own))


def loss(supply, main, reactive):
    """Return what transformer and line lost."""
    found = Loss(active_kwh=0, reactive_kvarh=0)
    if supply.transformer is not None:
        plate = supply.transformer
        found = losses.of_transformer(
            Transformer(
                capacity_kva=decimal(plate.kva),
                no_load_kw=decimal(plate.no_load_kw),
                load_kw=decimal(plate.load_kw),
                no_load_percent=decimal(plate.no_load_current_percent),
                short_circuit_percent=decimal(plate.impedance_percent),
            ),
            days=plate.days,
            load_shape=decimal(plate.load_shape),
            active_kwh=main.total_kwh,
            reactive_kvarh=reactive,
        )
    line_kwh = losses.of_line(
        main.total_kwh + found.active_kwh, hundredths_percent=int(supply.line_ratio * 10_000)
    )
    return Loss(active_kwh=found.active_kwh + line_kwh, reactive_kvarh=found.reactive_kvarh)


def charges(basic, billed_kwh):
    """Return the basic charge by its mode, as trials and bills find it."""
    if basic is None:
        return ()
    agreed = trials.Basic(
        mode={"contract": "contract_demand", "actual": "actual_demand"}.get(basic.mode, basic.mode),
        price=units(basic.price),
        equipment=tuple(
            Equipment(capacity_kva=decimal(kva), days=days) for kva, days in basic.equipment
        ),
        contract_kw=decimal(basic.contract),
        measured_kw=decimal(basic.measured),
        has_floor=bool(basic.floor),
        has_discount=basic.may_be_discounted,
    )
    return trials.charged(agreed, monthly_kwh=Fraction(billed_kwh))


def portions_of(supply):
    """
    Return the portions of the bill, and what its power factor takes beside them.

    That is the loss borne by those that do not take part, and all reactive energy.
    """
    main, reactive = main_energy(supply), read(supply.meter.get("reactive", []))
    left, taken = sub_meters.split(main, [sub_meter(point.child) for point in supply.points])
    lost = loss(supply, main, reactive)
    kwh = [left, *taken]
    parts = [lost.active_kwh] + [0] * len(taken)
    if supply.is_loss_shared:
        parts = losses.shared(lost.active_kwh, by=[each.total_kwh for each in kwh])
    correction = Energy(flat=int(supply.correction))
    billed = [each + tou.shared(part, by=main) for each, part in zip(kwh, parts, strict=True)]
    billed[0] += correction
    parties = [(supply.tariff, "01"), *((p.tariff, p.participation) for p in supply.points)]
    portions = [
        Portion(
            energy=each,
            spells=spells(tariff),
            household=household(tariff),
            participation=PARTICIPATION[taking],
        )
        for each, (tariff, taking) in zip(billed, parties, strict=True)
    ]
    beside = sum(part for part, (_, taking) in zip(parts, parties, strict=True) if taking == "03")
    return portions, Loss(active_kwh=beside, reactive_kvarh=reactive + lost.reactive_kvarh)


def calculated(supply):
    """Return the engine's calculation of the customer's bill."""
    portions, beside = portions_of(supply)
    assessment = supply.standard and Assessment(
        standard=supply.standard,
        reactive_kvarh=beside.reactive_kvarh,
        lost_kwh=beside.active_kwh - int(supply.correction),
    )
    billed_kwh = sum(portion.energy.total_kwh for portion in portions)
    return calculate(portions, basic=charges(supply.basic, billed_kwh), assessment=assessment)


def in_oracle_words(line):
    """Return a line as the oracle has it: its point, what for, how much of it, yuan."""
    name = {"power_factor_adjustment": "power_factor"}.get(line.component, line.component)
    if line.tier is not None:
        name = f"tier_{line.tier}"
    elif line.component == "energy":
        name = line.period or "flat"
    quantity = Fraction(line.quantity) / (100 if line.unit == "fen" else 1)
    return line.portion, name, quantity, Fraction(line.amount_fen, 100)
