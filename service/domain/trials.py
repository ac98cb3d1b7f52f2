"""Trials: what a bill would come to, from everything that a customer's bill depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from service.domain import basic_charges, losses, sub_meters, tou
from service.domain.basic_charges import BasicMode, Charge, Equipment
from service.domain.calculations import Calculation, calculate
from service.domain.losses import Loss, Transformer
from service.domain.metered import Metered
from service.domain.portions import Assessment, Household, Participation, Portion, Spell
from service.domain.sub_meters import SubMeter
from service.domain.tou import Energy


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A transformer on whose far side the meter is (高供低计): what it loses is billed too."""

    transformer: Transformer
    days: int
    load_shape: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A sub-meter, with how its energy is billed."""

    sub_meter: SubMeter
    spells: tuple[Spell, ...]
    household: Household
    participation: Participation


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """
    How the basic charge is agreed; `price` is that of a kVA or a kW a month, in 1e-8 yuan.

    `has_discount` for heavy use: from 260 kWh a month per kVA on, of demand. `version` names the
    price list, None if it is the bill's; `is_in_base` says if the power factor counts the charge.
    `running_kva` is what ran at one time, None if all of it did.
    """

    mode: BasicMode
    price: int
    equipment: tuple[Equipment, ...]
    contract_kw: Decimal = Decimal(0)
    measured_kw: Decimal = Decimal(0)
    has_floor: bool = False
    has_discount: bool = False
    version: str | None = None
    is_in_base: bool = True
    running_kva: Decimal | None = None

    @property
    def capacity_kva(self) -> Decimal:
        """The capacity that the floor of demand, and heavy use, are measured by."""
        if self.running_kva is not None:
            return self.running_kva
        return sum((each.capacity_kva for each in self.equipment), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    A customer's month; or several, each with its basic charge.

    `corrections_kwh` are made up (below zero: refunded) by a document. `line_loss` is in hundredths
    of a percent. `standard` is that of the power factor, in hundredths, None if it is not assessed.
    """

    metered: Metered
    spells: tuple[Spell, ...]
    household: Household = field(default_factory=Household)
    behind: tuple[Behind, ...] = ()
    running: tuple[Running, ...] = ()
    line_loss: int = 0
    corrections_kwh: int = 0
    basic: tuple[Basic, ...] = ()
    standard: int | None = None


def calculated(trial: Trial) -> Calculation:
    """
    Return the bill of a trial, by the functions that every bill is made by.

    Losses are the main meter's; they are spread over the periods as it is. What was corrected is
    flat, is billed, and has no part in the power factor.

    Source: domain rule 2.2, with 2.12a; example E30.
    """
    lost = _lost(trial)
    left, taken = sub_meters.split(trial.metered.energy, [each.sub_meter for each in trial.behind])
    main = left + tou.shared(lost.active_kwh, by=trial.metered.energy)
    corrected = main + Energy(flat=trial.corrections_kwh)
    portions = [
        Portion(energy=corrected, spells=trial.spells, household=trial.household),
        *(
            Portion(
                energy=energy,
                spells=each.spells,
                household=each.household,
                participation=each.participation,
            )
            for each, energy in zip(trial.behind, taken, strict=True)
        ),
    ]
    billed_kwh = sum(portion.energy.total_kwh for portion in portions)
    calculation = calculate(
        portions,
        basic=[
            replace(charge, version=basic.version, is_in_base=basic.is_in_base)
            for basic in trial.basic
            for charge in charged(basic, monthly_kwh=Fraction(billed_kwh, trial.household.months))
        ],
        assessment=_assessment(trial, lost),
    )
    return replace(
        calculation,
        lost_kwh=lost.active_kwh,
        reactive_kvarh=trial.metered.reactive_kvarh + lost.reactive_kvarh,
    )


def _lost(trial: Trial) -> Loss:
    """
    Return what all transformers lost, each its share of the load, then the line behind them.

    The share is by capacity, and by how long each ran: domain rule 2.8 is silent of the days.
    """
    energy_kwh, reactive_kvarh = trial.metered.energy.total_kwh, trial.metered.reactive_kvarh
    capacities = [int(each.transformer.capacity_kva * 100) * each.days for each in trial.running]
    found = [
        losses.of_transformer(
            each.transformer,
            days=each.days,
            load_shape=each.load_shape,
            active_kwh=active,
            reactive_kvarh=reactive,
        )
        for each, active, reactive in zip(
            trial.running,
            losses.shared(energy_kwh, by=capacities) if capacities else (),
            losses.shared(reactive_kvarh, by=capacities) if capacities else (),
            strict=True,
        )
    ]
    transformed_kwh = sum(loss.active_kwh for loss in found)
    line_kwh = losses.of_line(energy_kwh + transformed_kwh, hundredths_percent=trial.line_loss)
    return Loss(
        active_kwh=transformed_kwh + line_kwh,
        reactive_kvarh=sum(loss.reactive_kvarh for loss in found),
    )


def _assessment(trial: Trial, lost: Loss) -> Assessment | None:
    if trial.standard is None:
        return None
    return Assessment(
        standard=trial.standard,
        reactive_kvarh=trial.metered.reactive_kvarh + lost.reactive_kvarh,
        lost_kwh=-trial.corrections_kwh,
    )


def charged(basic: Basic, *, monthly_kwh: Fraction) -> Sequence[Charge]:
    """
    Return the basic charge of a month in which so much was billed, in kWh.

    Source: domain rules 2.3, 2.12a; examples E11, E12.
    """
    capacity_kva, price = basic.capacity_kva, _demand_price(basic, monthly_kwh=monthly_kwh)
    match basic.mode:
        case "capacity":
            return basic_charges.of_capacity(basic.equipment, price=basic.price)
        case "contract_demand":
            return basic_charges.of_contract_demand(
                contract_kw=basic_charges.contract_demand_kw(
                    applied_kw=basic.contract_kw, capacity_kva=capacity_kva
                ),
                measured_kw=basic.measured_kw,
                price=price,
            )
        case "before_2016":
            return basic_charges.of_demand_before_2016(
                contract_kw=basic.contract_kw,
                measured_kw=basic.measured_kw,
                capacity_kva=capacity_kva,
                price=price,
            )
        case "actual_demand":
            return basic_charges.of_actual_demand(
                measured_kw=basic.measured_kw,
                price=price,
                floor_kw=basic_charges.contract_demand_kw(
                    applied_kw=Decimal(0), capacity_kva=capacity_kva
                )
                if basic.has_floor
                else None,
            )


def _demand_price(basic: Basic, *, monthly_kwh: Fraction) -> int:
    if not basic.has_discount:
        return basic.price
    return basic_charges.price_of_heavy_use(
        basic.price, consumption_kwh=monthly_kwh, capacity_kva=basic.capacity_kva
    )
