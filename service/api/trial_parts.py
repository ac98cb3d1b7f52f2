"""Trial parts: what the API calls the parts of a bill, as the domain knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from service.api import trials as sent
from service.domain.basic_charges import Equipment
from service.domain.errors import Invalid
from service.domain.losses import Transformer
from service.domain.metered import COUNTERS, Metered, measured, span_between
from service.domain.meters import Register, Span
from service.domain.portions import Household, Spell
from service.domain.sub_meters import Fixed, Measured, Share, SubMeter
from service.domain.tariffs import BASIC, Price, Tariff
from service.domain.tiers import Scheme
from service.domain.tou import Energy
from service.domain.trials import Basic, Behind, Running, Trial

_PRICE_PLACES = 8


class TariffUnnamed(Invalid):
    """A spell is one of a tariff that was neither sent nor asked for."""

    code = "TARIFF_UNNAMED"
    hint = "Name in each spell one of `tariffs`, or one of `published`."


class TariffTwice(Invalid):
    """A name stands for a draft as well as for a published price list."""

    code = "TARIFF_TWICE"
    hint = "Give each of `tariffs` and `published` a name of its own."


class TiersDiffer(Invalid):
    """Tariffs of one bill have tiers that end elsewhere; a bill has tiers of one kind."""

    code = "TIERS_DIFFER"
    hint = "Calculate each tariff by itself, and compare what they come to."


class BasicPriceMissing(Invalid):
    """The basic charge has no price."""

    code = "BASIC_PRICE_MISSING"
    hint = "Send `price_yuan`, or let the first spell be of a published price list that has one."


class QuantityAmbiguous(Invalid):
    """How much was used is said in no way, or in more than one."""

    code = "QUANTITY_AMBIGUOUS"
    hint = "Send either `registers` or `energy`; of a sub-meter what is fixed, shared or measured."


def trial(published: Mapping[str, Tariff], *, asked: sent.TrialSent) -> Trial:
    """
    Return the trial that was asked for, with the `published` tariffs by their names.

    :raises TariffTwice: if a draft has one of these names
    :raises BasicPriceMissing: if the basic charge has no price, neither has the price list
    :raises TariffUnnamed: if a spell names a tariff that is not there
    :raises QuantityAmbiguous: if the quantities are not said in exactly one way
    :raises TiersNotRising: if tiers do not end one above the other
    :raises RegisterMalformed: if a register is not a plain decimal number
    :raises RegisterBelowStart: if a register went backwards
    """
    if twice := sorted(asked.tariffs.keys() & published.keys()):
        raise TariffTwice(f"two tariffs {twice[0][:40]!r}")
    drafts = {name: _tariff(name, each) for name, each in asked.tariffs.items()}
    tariffs = {**drafts, **published}
    spells = _spells(asked.spells, tariffs)
    _check_tiers(spells, asked.household)
    return Trial(
        metered=_metered(asked),
        spells=spells,
        household=_household(asked.household),
        behind=tuple(_behind(each, tariffs) for each in asked.sub_meters),
        running=tuple(map(_running, asked.transformers)),
        line_loss=asked.line_loss_hundredths_percent,
        corrections_kwh=asked.corrections_kwh,
        basic=(_basic(asked.basic, spells[0].tariff),) if asked.basic else (),
        standard=asked.power_factor_standard,
    )


def _tariff(name: str, asked: sent.TariffSent) -> Tariff:
    table = {row.power_factor: row.percent_hundredths for row in asked.power_factor}
    return Tariff(
        version=name,
        prices=tuple(
            Price(
                component=price.component,
                price=_price(price.price_yuan),
                period=price.period,
                tier=price.tier,
                unit=price.unit,
                is_levy=price.is_levy,
                is_in_base=price.is_in_power_factor_base,
            )
            for price in asked.prices
        ),
        scheme=_scheme(asked.tiers) if asked.tiers else None,
        free_kwh=asked.free_kwh,
        tables=dict.fromkeys((80, 85, 90), table) if table else {},
    )


def _scheme(asked: sent.TiersSent) -> Scheme:
    return Scheme(
        is_annual=asked.basis == "year",
        limits_kwh=tuple(asked.limits_kwh),
        extension_kwh=asked.extension_kwh,
        extension=asked.extension,
    )


def _price(text: str) -> int:
    """Return a price in 1e-8 yuan."""
    return int(Decimal(text).scaleb(_PRICE_PLACES))


def _spells(asked: Iterable[sent.SpellSent], tariffs: Mapping[str, Tariff]) -> tuple[Spell, ...]:
    spells = []
    for each in asked:
        if each.tariff not in tariffs:
            raise TariffUnnamed(f"a spell of {each.tariff!r}")
        spells.append(Spell(days=each.days, tariff=tariffs[each.tariff]))
    return tuple(spells)


def _check_tiers(spells: Iterable[Spell], household: sent.HouseholdSent) -> None:
    schemes = {spell.tariff.scheme for spell in spells}
    if not household.is_extended:  # what a household of many has more makes no difference
        schemes = {scheme and replace(scheme, extension_kwh=0) for scheme in schemes}
    if len(schemes) > 1 and None not in schemes:
        raise TiersDiffer(f"{len(schemes)} kinds of tiers")


def _household(asked: sent.HouseholdSent) -> Household:
    return Household(
        months=asked.months,
        year_months=asked.year_months,
        before_kwh=asked.before_kwh,
        is_extended=asked.is_extended,
        is_subsidised=asked.is_subsidised,
    )


def _metered(asked: sent.TrialSent) -> Metered:
    if asked.registers is not None and asked.energy is None:
        registers = asked.registers
        return measured(
            {name: tuple(map(_span, getattr(registers, name) or ())) for name in COUNTERS}
        )
    if asked.energy is not None and asked.registers is None:
        energy = asked.energy
        return Metered(energy=_energy(energy), reactive_kvarh=energy.reactive_kvarh)
    raise QuantityAmbiguous("both registers and energy" if asked.energy else "nothing was used")


def _span(asked: sent.SegmentSent) -> Span:
    shape = Register(asked.digits, asked.decimals)
    return span_between(
        shape,
        start=shape.read(asked.start),
        end=shape.read(asked.end),
        multiplier=Decimal(asked.multiplier),
    )


def _energy(asked: sent.EnergySent) -> Energy:
    return Energy(
        sharp=asked.sharp,
        peak=asked.peak,
        flat=asked.flat,
        valley=asked.valley,
        deep_valley=asked.deep_valley,
    )


def _behind(asked: sent.SubMeterSent, tariffs: Mapping[str, Tariff]) -> Behind:
    return Behind(
        sub_meter=_sub_meter(asked),
        spells=_spells(asked.spells, tariffs),
        household=_household(asked.household),
        participation=asked.participation,
    )


def _sub_meter(asked: sent.SubMeterSent) -> SubMeter:
    ways: list[SubMeter] = []
    if asked.fixed_kwh is not None:
        ways.append(Fixed(kwh=asked.fixed_kwh))
    if asked.share_hundredths_percent is not None:
        ways.append(Share(hundredths_percent=asked.share_hundredths_percent))
    if asked.measured is not None:
        ways.append(Measured(energy=_energy(asked.measured)))
    if len(ways) != 1:
        raise QuantityAmbiguous(f"a sub-meter in {len(ways)} ways")
    return ways[0]


def _running(asked: sent.TransformerSent) -> Running:
    return Running(
        transformer=Transformer(
            capacity_kva=Decimal(asked.capacity_kva),
            no_load_kw=Decimal(asked.no_load_kw),
            load_kw=Decimal(asked.load_kw),
            no_load_percent=Decimal(asked.no_load_percent),
            short_circuit_percent=Decimal(asked.short_circuit_percent),
        ),
        days=asked.days,
        load_shape=Decimal(asked.load_shape),
    )


def _basic(asked: sent.BasicSent, tariff: Tariff) -> Basic:
    unit = "kVA" if asked.mode == "capacity" else "kW"
    prices = [each for each in tariff.prices if (each.component, each.unit) == (BASIC, unit)]
    if asked.price_yuan is not None:
        prices = [Price(BASIC, _price(asked.price_yuan))]
    if not prices:
        raise BasicPriceMissing(f"per {unit}, neither sent nor in {tariff.version[:40]!r}")
    return Basic(
        mode=asked.mode,
        price=prices[0].price,
        is_in_base=prices[0].is_in_base,
        equipment=tuple(
            Equipment(capacity_kva=Decimal(each.capacity_kva), days=each.days)
            for each in asked.equipment
        ),
        contract_kw=Decimal(asked.contract_kw),
        measured_kw=Decimal(asked.measured_kw),
        has_floor=asked.has_floor,
        has_discount=asked.has_discount,
    )
