"""A whole bill from the registers read: the rules of quantities and charges, in their order."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from tests.oracle import charges, quantities
from tests.oracle.basic import Basic, basic_lines
from tests.oracle.charges import Line, Price, Steps
from tests.oracle.quantities import FLAT, Child, Kwh, Segment, plus, whole

NONE = Fraction()


@dataclass(frozen=True)
class Tiers:
    """
    Residential tiers: where they end, what tiers 2 and up add, the kWh of the year billed before.

    `months` are those that the limits are for: of the bill, or supplied in the year.
    """

    steps: Steps
    deltas: list[list[Price]]
    months: int = 1
    is_split: bool = True
    before: Fraction = NONE
    extension: Fraction = NONE
    is_widened: bool = False


@dataclass(frozen=True)
class Tariff:
    """
    The prices of one point: by period (flat alone: a single rate), tiers, levies, free kWh a month.

    What is charged per kWh but stays out of the power factor's base stands among the levies.
    """

    periods: dict[str, list[Price]]
    levies: dict[str, list[Price]] = field(default_factory=dict)
    tiers: Tiers | None = None
    free_kwh: Fraction = NONE
    months: int = 1


def energy_lines(kwh: Kwh, tariff: Tariff) -> list[Line]:
    """Price kWh by period or at a single rate, then tiers, then the subsidy. Source: 2.6, 2.12a."""
    if tariff.tiers is not None and tariff.tiers.is_split and len(tariff.periods) == 1:
        lines = split_lines(whole(kwh), tariff.periods[FLAT], tariff.tiers)
    else:
        lines = period_lines(kwh, tariff.periods) + increment_lines(whole(kwh), tariff.tiers)
    if tariff.free_kwh:
        free = tariff.free_kwh * tariff.months
        price = tariff.periods[FLAT][0].yuan
        lines.append(charges.subsidy(whole(kwh), free=free, price=price))
    return lines


def period_lines(kwh: Kwh, periods: dict[str, list[Price]]) -> list[Line]:
    """Price each period; sharp kWh are peak while sharp has no price. Source: 2.1, 2.2 (3)."""
    if len(periods) == 1:
        return charges.priced(FLAT, whole(kwh), periods[FLAT])
    if "sharp" not in periods:
        kwh = plus(kwh, {"peak": kwh.get("sharp", NONE), "sharp": -kwh.get("sharp", NONE)})
    pieces = {
        name: charges.by_days(kwh.get(name, NONE), prices) for name, prices in periods.items()
    }
    for index, price in enumerate(periods.get("sharp", [])):
        if price.yuan is None:
            pieces["peak"][index] += pieces["sharp"][index]
    return [
        line
        for name, prices in periods.items()
        for line in charges.at_prices(name, pieces[name], prices)
    ]


def tier_kwh(used: Fraction, tiers: Tiers) -> list[Fraction]:
    """Return the kWh of each tier."""
    limits = tiers.steps.within(
        months=tiers.months, extension=tiers.extension, widen=tiers.is_widened
    )
    return charges.tiered(used, limits=limits, before=tiers.before)


def split_lines(used: Fraction, base: list[Price], tiers: Tiers) -> list[Line]:
    """Price each tier at the base plus its delta (分档法). Source: 2.6."""
    zero = [Price(NONE, price.days) for price in base]
    return [
        line
        for number, (kwh, deltas) in enumerate(
            zip(tier_kwh(used, tiers), [zero, *tiers.deltas], strict=True), start=1
        )
        for line in charges.priced(
            f"tier_{number}",
            kwh,
            [Price(p.yuan + d.yuan, p.days) for p, d in zip(base, deltas, strict=True)],
        )
    ]


def increment_lines(used: Fraction, tiers: Tiers | None) -> list[Line]:
    """Add each tier's delta to kWh priced already (递增法, TOU with tiers). Source: 2.6."""
    if tiers is None:
        return []
    above = tier_kwh(used, tiers)[1:]
    return [
        line
        for number, (kwh, deltas) in enumerate(zip(above, tiers.deltas, strict=True), start=2)
        for line in charges.priced(f"tier_{number}", kwh, deltas)
    ]


def levy_lines(kwh: Kwh, tariff: Tariff) -> list[Line]:
    """Charge every levy on every kWh. Source: 2.7."""
    return [
        line
        for name, prices in tariff.levies.items()
        for line in charges.priced(name, whole(kwh), prices)
    ]


@dataclass(frozen=True)
class Point:
    """A sub-meter with its tariff; participation 01 energy and money, 02 energy only, 03 none."""

    child: Child
    tariff: Tariff
    participation: str = "01"


@dataclass(frozen=True)
class Supply:
    """What was read at one supply, and how it is charged; `meter` has a list of segments each."""

    meter: dict[str, list[Segment]]
    tariff: Tariff
    points: list[Point] = field(default_factory=list)
    transformer: quantities.Transformer | None = None
    line_ratio: Fraction = NONE
    is_loss_shared: bool = False
    correction: Fraction = NONE
    basic: Basic | None = None
    standard: int | None = None


def registers(supply: Supply) -> Kwh:
    """Return the kWh read, by period, rounded per register and segment. Source: 2.2 (1-3)."""
    read = {
        name: quantities.read(segments)
        for name, segments in supply.meter.items()
        if name != "reactive"
    }
    return quantities.balanced(total=read.pop("total"), periods=read)


@dataclass(frozen=True)
class Portions:
    """The kWh of main and children as read and as billed; the sums that the power factor takes."""

    read: list[Kwh]
    billed: list[Kwh]
    active_loss: Fraction
    reactive: Fraction


def portions(supply: Supply) -> Portions:
    """Take the children out, add losses, then corrections. Source: 2.2 (4-8), 2.8, 2.12a."""
    main, reactive = registers(supply), quantities.read(supply.meter.get("reactive", []))
    transformer, reactive_loss = NONE, NONE
    if supply.transformer is not None:
        transformer, reactive_loss = quantities.transformer_loss(
            supply.transformer, active=whole(main), reactive=reactive
        )
    loss = transformer + quantities.line_loss_by_ratio(
        supply.line_ratio, read=whole(main), transformer=transformer
    )
    read = quantities.deducted(main, [point.child for point in supply.points])
    parts = [loss] + [NONE] * len(supply.points)
    if supply.is_loss_shared:
        parts = quantities.shared_loss(loss, points=[whole(kwh) for kwh in read])
    billed = [
        plus(kwh, quantities.pro_rata(part, registers=main))
        for kwh, part in zip(read, parts, strict=True)
    ]
    billed[0] = plus(billed[0], {FLAT: supply.correction})
    return Portions(read, billed, active_loss=loss, reactive=reactive + reactive_loss)


def power_factor(supply: Supply, kwh_of: Portions) -> int | None:
    """Return hundredths on all but participation 03, with losses. Source: 2.4, 2.12a."""
    taking = ["01"] + [point.participation for point in supply.points]
    active = [whole(kwh) for kwh, how in zip(kwh_of.read, taking, strict=True) if how != "03"]
    return charges.power_factor(active=sum(active, kwh_of.active_loss), reactive=kwh_of.reactive)


def bill(supply: Supply) -> list[Line]:
    """Return the rounded lines; the bill is their sum. Source: 2.12."""
    kwh_of = portions(supply)
    billed_kwh = sum((whole(kwh) for kwh in kwh_of.billed), NONE)
    base = [] if supply.basic is None else basic_lines(supply.basic, billed_kwh=billed_kwh)
    outside = []
    points = [Point(Child("main", NONE), supply.tariff), *supply.points]
    for number, (kwh, point) in enumerate(zip(kwh_of.billed, points, strict=True)):
        inside = base if point.participation == "01" else outside
        inside += [replace(line, point=number) for line in energy_lines(kwh, point.tariff)]
        outside += [replace(line, point=number) for line in levy_lines(kwh, point.tariff)]
    factor = None if supply.standard is None else power_factor(supply, kwh_of)
    if factor is None:
        return base + outside
    adjusted = charges.adjustment(total(base), standard=supply.standard, hundredths=factor)
    return [*base, adjusted, *outside]


def total(lines: list[Line]) -> Fraction:
    """Return the bill: the sum of rounded lines. Source: 2.12."""
    return sum((line.amount for line in lines), NONE)
